//! Text messages, as a gateway receives them and as customers and operators see them.

mod ebook;
mod gateway;
mod https;
mod refused;
mod sending;
