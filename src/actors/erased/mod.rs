//! The types of the contexts, erased. The runtime works on values whose type it does not know; `typed` is the one file
//! where they meet their types again. So the runtime is compiled once, and what is compiled for each context is that file.

mod context_type;
mod typed;
mod values;

pub use context_type::{AggregateType, EntityType};
pub use typed::{aggregate_type, view_type};
pub use values::{
    AnyEvent, AnyState, Circumstances, Command, Decided, ErasedAsk, Event, FunctionVersions,
    Settings, State, Versioned, event_of, state_mut, state_of,
};
