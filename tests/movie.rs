//! Movie booking (영화 예매) over HTTP, as its customers see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod movie {
    mod away;
    mod races;
    mod rules;
    mod theatre;
}
