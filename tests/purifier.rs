//! Water purifier rental (정수기 렌탈) over HTTP, as its customers and admins see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

mod purifier {
    mod away;
    mod races;
    mod rules;
    mod shop;
}
