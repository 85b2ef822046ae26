//! The vocabulary that a business is declared in. Everything here, and everything declared with it under `systems`, is
//! pure: no clock, no I/O, no randomness. A test holds it to that.
//!
//! | on the board | here |
//! |---|---|
//! | a consistency boundary | [`Aggregate`], its commands, its events |
//! | a policy: whenever that happens, do this | [`Aggregate::whenever`] |
//! | a question to another aggregate that is waited for | [`Ask`] |
//! | a read model | [`View`] |
//! | all of it | a [`Board`] visits every context |

mod aggregate;
mod ask;
mod board;
mod entity;
mod id;
pub mod lenient;
mod message;
pub mod prelude;
mod refusal;
pub mod spec;
mod time;

pub use aggregate::{Aggregate, Decision, DecisionContext, MayAsk, View, emit, ignore};
pub use ask::{AnyCommand, Ask, AskId, Compensation, NoAnswer, Question, Undo, ask};
pub use board::{
    Board, Body, Change, Contexts, Facts, Folds, Message, Messages, Policies, React, Role, Routes,
    Target, Write,
};
pub use entity::{Decoder, Entity, Key, Lifecycle, Name, Presence, Subdomain, Undecodable};
pub use holdfast_macros::{body, command, entity, event, status, value};
pub use id::Id;
pub use message::{Commands, NamedMessage, Wire};
pub use refusal::{Kind, Refusal};
pub use time::{DateOrTime, Timestamp, Weekday, Zone};
