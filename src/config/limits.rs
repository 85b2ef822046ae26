//! `[limits]`: how often customers and callers without credentials may call.

use crate::api::RateSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// How often customers and callers without credentials may call this node, over HTTP and over RabbitMQ together. Staff, admins, operators and other nodes have no
/// limit, API keys that which they name. While authentication is open there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    /// Requests a second of one caller. A list that is sorted or filtered counts as 3, a page of events as 10.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests: u32,
    /// Requests that one caller may make at once after a pause.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: u32,
    /// `POST`s a second of one caller.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub posts: u32,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self { requests: 20, burst: 40, posts: 5 }
    }
}

impl LimitsSection {
    /// It as the server takes it.
    pub fn rates(&self) -> RateSettings {
        let number = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        RateSettings {
            requests: number(self.requests),
            burst: number(self.burst),
            posts: number(self.posts),
        }
    }
}
