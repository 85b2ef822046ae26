//! `[events]`: how events look to consumers.

use super::{
    check::{Invalid, require_setting},
    secret::Secrets,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// The prefixes that the attributes of a CloudEvent may have in AMQP headers.
pub const PREFIXES: [&str; 4] = ["cloudEvents:", "cloudEvents_", "ce-", ""];

/// How events look to consumers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// Prefix of the attributes of a CloudEvent in AMQP headers: `cloudEvents:`, `cloudEvents_`, `ce-` or nothing.
    #[schemars(extend("enum" = PREFIXES))]
    pub amqp_prefix: String,
    /// What precedes `/SYSTEM/CONTEXT` in the `source` of a CloudEvent, where several installations have consumers in
    /// common: `/seoul`, or `https://rent.example`. It is the same on all nodes of an installation.
    pub source: String,
    /// Key that events between nodes are sealed with over the broker, the same on all nodes; with one, events without a right
    /// seal are not taken. While it is changed, two: the first one seals, both are valid.
    #[schemars(extend("x-expected" = "one or two keys of at least 32 characters, for example from `openssl rand -hex 32`"))]
    pub key: Secrets,
    /// File that contains the key, or a line for each of two.
    pub key_file: Option<PathBuf>,
    /// Version in which the events of a context are written for other nodes and consumers, where all of them read a later
    /// one than the release writes by itself.
    #[schemars(extend("x-each-context" = "written"))]
    pub write_versions: BTreeMap<String, BTreeMap<String, u16>>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            amqp_prefix: PREFIXES[0].into(),
            source: String::new(),
            key: Secrets::default(),
            key_file: None,
            write_versions: BTreeMap::new(),
        }
    }
}

/// The shortest key of events.
const MIN_KEY: usize = 32;

/// Whether a path after `source` makes a URI reference (RFC 3986).
fn is_source(source: &str) -> bool {
    let (scheme, rest) = match source.split_once(':') {
        Some((scheme, rest)) if !scheme.contains('/') => (Some(scheme), rest),
        _ => (None, source),
    };
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let is_plain = |text: &str, further: &[u8]| {
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let is_escape = byte == b'%'
                && [bytes.next(), bytes.next()]
                    .iter()
                    .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()));
            let is_allowed = byte.is_ascii_alphanumeric()
                || b"-._~!$&'()*+,;=:@".contains(&byte)
                || further.contains(&byte);
            if !is_escape && !is_allowed {
                return false;
            }
        }
        true
    };
    scheme.is_none_or(is_scheme) && is_plain(authority, b"[]") && is_plain(path, b"/")
}

impl Events {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let keys = self.key.reveal();
        let are_usable = keys.len() <= 2 && keys.iter().all(|key| key.len() >= MIN_KEY);
        require_setting(are_usable, "events.key", || {
            format!(
                "expected one key of at least {MIN_KEY} characters, or two while it is changed, for example from `openssl rand \
                 -hex 32`"
            )
        })?;
        require_setting(is_source(&self.source), "events.source", || {
            format!(
                "`{}` cannot begin a URI; expected a path or a URI without `?` and `#`, such as `/seoul` or \
                 `https://rent.example`",
                self.source
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_begins_a_uri_reference() {
        for source in [
            "",
            "/",
            "/seoul",
            "seoul",
            "https://rent.example:8443/a%20b",
            "urn:rent:1",
            "//[::1]/x",
        ] {
            assert!(is_source(source), "{source}");
        }
        for source in
            ["/a b", "/?x", "/#x", "1a:b", ":b", "/%2", "/%zz", "/[x]", "/서울", "a\\b", "/\"x"]
        {
            assert!(!is_source(source), "{source}");
        }
    }
}
