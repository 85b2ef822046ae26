//! Movie booking (영화 예매) over HTTP, as its customers see it.

mod claims;
mod races;
mod rules;
mod theatre;
mod unavailable;
