//! Text messages, as a gateway receives them and as customers and operators see them.

mod bulk;
mod ebook;
mod gateway;
mod https;
mod refused;
mod sending;
