//! Commands that ask a running server: how they reach it, and how they show what it answers.

mod client;
mod connection;
mod contexts;
mod events;
mod parked;
mod sagas;
mod show;
mod views;

pub(super) use client::Client;
pub(super) use connection::Connection;
pub(super) use contexts::Contexts;
pub(super) use events::Events;
pub(super) use parked::Parked;
pub(super) use sagas::Sagas;
pub(super) use views::Views;
