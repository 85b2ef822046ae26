//! The e-book library (전자도서관) over HTTP, as its clients and admins see it.

mod library;
mod races;
mod rules;
mod unavailable;
mod withdrawal;
