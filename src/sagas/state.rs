//! How far a saga has come.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumIter, EnumString};

/// How far a saga has come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AsRefStr, EnumIter, EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum SagaState {
    /// Something is owed to it, and that is being done.
    Running,
    /// The same, for longer than usual.
    Waiting,
    /// It does not go on by itself: something is set aside, or was tried many times without success.
    Stuck,
    /// Nothing is owed to it.
    Ended,
    /// The same, and its order has failed.
    Failed,
}

impl SagaState {
    /// Whether nothing is owed to it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Failed)
    }
}
