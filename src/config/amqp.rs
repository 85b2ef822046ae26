//! What is configured of those who listen from outside.

use crate::{amqp, config::node::Secret};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{fmt, path::PathBuf};

/// What may stand before the names of a CloudEvent's attributes in AMQP headers.
pub const PREFIXES: [&str; 4] = ["cloudEvents:", "cloudEvents_", "ce-", ""];

/// The broker that events are published to, and commands taken from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Amqp {
    /// The addresses of the broker's nodes, tried in turn; none: nothing is published.
    pub url: Addresses,
    /// A file that holds them.
    pub url_file: Option<PathBuf>,
    pub exchange: String,
    /// Whether commands are taken from queues as well.
    pub commands: bool,
    pub connect_timeout_ms: u64,
    pub confirm_timeout_ms: u64,
    pub heartbeat_s: u16,
}

impl Default for Amqp {
    fn default() -> Self {
        Self {
            url: Addresses::default(),
            url_file: None,
            exchange: "holdfast.events".into(),
            commands: false,
            connect_timeout_ms: 5000,
            confirm_timeout_ms: 3000,
            heartbeat_s: 5,
        }
    }
}

/// How events look outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Events {
    /// What stands before the names of attributes in AMQP headers.
    pub amqp_prefix: String,
}

impl Default for Events {
    fn default() -> Self {
        Self { amqp_prefix: PREFIXES[0].into() }
    }
}

/// Addresses with passwords in them: a list, or a text with commas.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Addresses(Vec<Secret>);

impl Addresses {
    /// Those that stand in a text, with commas or line ends between them.
    pub fn parse(text: &str) -> Self {
        let all = text.split([',', '\n']).map(str::trim).filter(|address| !address.is_empty());
        Self(all.map(|address| Secret::from(address.to_owned())).collect())
    }
    /// The addresses themselves.
    pub fn reveal(&self) -> Vec<String> {
        self.0.iter().map(|address| address.reveal().to_owned()).collect()
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Addresses;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address, or a list of them")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Addresses, E> {
                Ok(Addresses::parse(text))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Addresses, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element::<String>()? {
                    all.push(Secret::from(item));
                }
                Ok(Addresses(all))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Amqp {
    /// What is wrong with it, under which key.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let urls = self.url.reveal();
        if self.commands && urls.is_empty() && self.url_file.is_none() {
            return Some((
                "amqp.commands",
                "commands are taken from a broker: `amqp.url` is needed too".into(),
            ));
        }
        urls.iter().find_map(|url| amqp::check_url(url).err()).map(|why| {
            ("amqp.url", format!("this is no address of a broker, such as `amqp://user:password@host:5672`: {why}"))
        })
    }
}
