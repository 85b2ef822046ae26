//! The vocabulary that a business is declared in. Everything here, and everything declared with it under `systems`, is
//! pure: no clock, no I/O, no randomness. A test holds it to that.
//!
//! | on the board | here |
//! |---|---|
//! | a consistency boundary | [`Aggregate`], its commands, its events |
//! | a policy: whenever that happens, do this | [`Aggregate::whenever`] |
//! | a question to another aggregate that is waited for | [`Ask`] |
//! | what staff registers, corrects and withdraws | [`Catalogue`] |
//! | a read model | [`View`] |
//! | all of it | a [`Board`] visits every context |

mod address;
mod aggregate;
mod ask;
mod ask_id;
mod board;
mod catalogue;
mod commands;
mod decision;
mod entity;
mod id;
mod invariants;
mod labels;
pub mod lenient;
mod message;
mod noun;
pub mod number;
mod order;
pub mod patch;
pub mod prelude;
mod question;
pub mod quoted;
mod reads;
mod refusal;
mod refusal_code;
mod request;
pub mod spec;
pub mod text;
mod time;
mod view;

pub use address::{Address, Addressee};
pub use aggregate::{
    Aggregate, Ask, DecisionContext, MayAsk, Messages, Policies, React, ReactByKey, Routes,
};
pub use ask::{AnyCommand, Compensation, NoAnswer, OpenAsk};
pub use ask_id::AskId;
pub use board::{Board, Contexts, Facts, Refusals};
pub use catalogue::{Catalogue, CatalogueEvent, CatalogueRoutes, Correctable, Maintenance};
pub use commands::Commands;
pub use decision::{Decision, emit, ignore};
pub use entity::{
    Decoder, EndCode, Entity, Key, Lifecycle, Name, Presence, Subdomain, Undecodable,
};
pub use holdfast_macros::{body, command, entity, event, status, value};
pub use id::Id;
pub use invariants::{Amount, Entry};
pub use labels::{Label, Mark};
pub use message::{NamedMessage, Wire};
pub use noun::Noun;
pub use order::OrderOutcome;
pub use question::{ONLY_ATTEMPT, Question, Undo, ask};
pub use reads::Reads;
pub use refusal::{Kind, Refusal};
pub use refusal_code::RefusalCode;
pub use request::{Blank, Body, Change, Message, MessageOutcome, Role, Target};
pub use time::{DateOrTime, Timestamp, Weekday, Zone};
pub use view::{Folds, View};
