//! The e-book library (전자도서관) over HTTP, as its clients and admins see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ebook {
    mod away;
    mod library;
    mod races;
    mod rules;
}
