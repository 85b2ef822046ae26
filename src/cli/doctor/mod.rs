//! `doctor`: what is wrong with a server, running or stopped, and what to do about it.

mod command;
mod database;
mod directory;
mod finding;
mod network;
mod server;

pub(super) use command::Doctor;
