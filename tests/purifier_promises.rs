//! Water purifier rental (정수기 렌탈): its transcript, what it promises in words, with contexts away, and many at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod purifier {
    mod away;
    mod races;
    mod rules;
    mod shop;
}
