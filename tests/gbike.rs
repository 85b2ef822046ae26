//! gbike (자전거 대여) over HTTP, as its customers and admins see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod gbike {
    mod away;
    mod money;
    mod races;
    mod rules;
    mod station;
}
