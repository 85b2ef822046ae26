//! The pure code of a system under deliveries in any order: questions come twice, late or never, listeners hear the
//! events of different things in any interleaving, and the world is right in the end.

mod ebook;
mod gbike;
mod member;
mod movie;
mod purifier;
mod ticketing;
mod world;
