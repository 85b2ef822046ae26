//! All that a context file needs: `use crate::domain::prelude::*;`.

pub use super::{
    Address, Aggregate, Ask, AskId, Catalogue, CatalogueRoutes, Change, Commands, Correctable,
    Decision, DecisionContext, Entity, Entry, Folds, Id, Key, Kind, Lifecycle, Maintenance, Mark,
    MayAsk, Message, MessageOutcome, Messages, Name, NoAnswer, ONLY_ATTEMPT, Policies, React,
    ReactByKey, Reads, Refusal, Role, Routes, Subdomain, Target, Timestamp, View, ask, body,
    command, emit, entity, event, ignore, status, value,
};
