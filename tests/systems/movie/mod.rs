//! Movie booking (영화 예매) over HTTP, as its customers see it.

mod away;
mod races;
mod rules;
mod theatre;
