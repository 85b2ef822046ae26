//! `[amqp]`: the broker that events are published to and commands come from.

use super::{
    check::{Invalid, require_setting},
    secret::Secrets,
};
use crate::amqp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The broker that events are published to and commands come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Amqp {
    /// URLs of the nodes of a RabbitMQ broker, tried in turn. With one, events are published.
    #[schemars(extend("x-expected" = "a list of URLs such as `amqp://user:password@host:5672/%2f`"))]
    pub url: Secrets,
    /// File that contains the URLs.
    pub url_file: Option<PathBuf>,
    /// Topic exchange that events are published to.
    pub exchange: String,
    /// Whether commands are consumed from queues of the broker too.
    pub commands: bool,
    /// How long a connection to the broker may take to be established.
    #[schemars(range(min = 1, max = 600_000))]
    pub connect_timeout_ms: u64,
    /// How long the broker may take to confirm a published event.
    #[schemars(range(min = 1, max = 600_000))]
    pub confirm_timeout_ms: u64,
    /// Interval of the heartbeats of a connection.
    #[schemars(range(min = 1, max = 600))]
    pub heartbeat_s: u16,
}

impl Default for Amqp {
    fn default() -> Self {
        Self {
            url: Secrets::default(),
            url_file: None,
            exchange: "holdfast.events".into(),
            commands: false,
            connect_timeout_ms: 5000,
            confirm_timeout_ms: 3000,
            heartbeat_s: 5,
        }
    }
}

impl Amqp {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let urls = self.url.reveal();
        require_setting(!self.commands || !urls.is_empty(), "amqp.commands", || {
            "commands need a broker: set `amqp.url` too".into()
        })?;
        let wrong = amqp::check_exchange(&self.exchange).err();
        require_setting(wrong.is_none(), "amqp.exchange", || {
            let wrong = wrong.unwrap_or_default();
            format!("`{}` {wrong}; expected a name such as `holdfast.events`", self.exchange)
        })?;
        let error = urls.iter().find_map(|url| amqp::check_url(url).err());
        require_setting(error.is_none(), "amqp.url", || {
            let error = error.unwrap_or_default();
            format!(
                "one of the URLs {error}; expected one such as `amqp://user:password@host:5672/%2f`"
            )
        })
    }
}
