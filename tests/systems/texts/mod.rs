//! Text messages, as a gateway receives them and as customers and operators see them.

mod ebook;
mod gateway;
mod refused;
mod sending;
