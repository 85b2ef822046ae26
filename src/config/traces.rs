//! `[traces]`: spans for a collector of OpenTelemetry.

use super::{
    check::{Invalid, require_setting},
    secret::Secret,
    url::wrong_target,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Spans for a collector of OpenTelemetry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TracesSection {
    /// URL of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; without a path, `/v1/traces` is added.
    #[schemars(extend("x-default" = "no traces", "x-expected" = "a URL such as `http://127.0.0.1:4318`"))]
    pub url: Option<String>,
    /// Value of the header `Authorization` for the collector, such as `Bearer …`.
    pub authorization: Option<Secret>,
    /// File with that.
    pub authorization_file: Option<PathBuf>,
    /// Of how many traces that begin here one is sent: 1 sends all. A request with a `traceparent` says itself whether its trace
    /// is sent.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub one_in: u32,
}

impl Default for TracesSection {
    fn default() -> Self {
        Self { url: None, authorization: None, authorization_file: None, one_in: 1 }
    }
}

impl TracesSection {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        if let Some(url) = &self.url {
            let wrong = wrong_target(url);
            require_setting(wrong.is_none(), "traces.url", || {
                format!("`{url}` {}", wrong.unwrap_or_default())
            })?;
        }
        Ok(())
    }

    /// Where traces are sent: the URL with the path of its traces.
    pub fn endpoint(&self) -> Option<String> {
        let url = self.url.as_deref()?;
        let host = url.trim_end_matches('/');
        let has_path = host.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        Some(if has_path { url.to_owned() } else { format!("{host}/v1/traces") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_without_a_path_gets_traces_where_the_standard_has_them() {
        let endpoint = |url: &str| {
            let section = TracesSection { url: Some(url.into()), ..TracesSection::default() };
            section.endpoint().unwrap()
        };
        assert_eq!(endpoint("http://[::1]:4318"), "http://[::1]:4318/v1/traces");
        assert_eq!(endpoint("https://otel.example/"), "https://otel.example/v1/traces");
        assert_eq!(endpoint("https://otel.example/in/traces"), "https://otel.example/in/traces");
    }
}
