//! What travels: to the log, to another node, over HTTP.

use super::AskId;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// A value that can be stored and sent.
pub trait Wire:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}
impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static> Wire
    for T
{
}

/// A message that comes in named variants: a command or an event. The name is the one on the wire.
pub trait NamedMessage: Wire + AsRef<str> + JsonSchema {}
impl<T: Wire + AsRef<str> + JsonSchema> NamedMessage for T {}

/// The commands of a context. `#[command]` implements it.
pub trait Commands: NamedMessage {
    /// The ask that this command takes back, if it is an undo: see `#[undo]`. The runtime keeps it by the ask's id, so
    /// that a late question is refused and a late yes cannot come.
    fn compensates(&self) -> Option<AskId> {
        None
    }
}
