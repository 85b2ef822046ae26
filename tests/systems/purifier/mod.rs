//! Water purifier rental (정수기 렌탈): its transcript, what it promises in words, with contexts away, and many at once.

mod orders;
mod races;
mod rules;
mod shop;
mod unavailable;
