//! What travels: to the log, to another node, over HTTP.

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
