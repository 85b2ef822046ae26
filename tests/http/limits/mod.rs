//! What no client can do to the server, however many they are and however they behave: connections are bounded, who is
//! slow gets an answer or is closed, what waits is bounded, and probes are answered meanwhile.
//!
//! With `HOLDFAST_LIMITS=long` as many clients come as in the field, which takes a minute more.

mod bounds;
mod connection;
mod hops;
mod hostile_clients;
mod peers;
mod probes;
mod requests;
mod slow;
