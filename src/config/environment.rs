//! The layer of the environment: `HOLDFAST_HTTP__LISTEN` is `http.listen`.

use super::{
    origin::{Origin, PREFIX, variable_name},
    raw::RawValue,
    reader::LayerReader,
    schema::all_settings,
};
use std::{collections::HashMap, sync::LazyLock};

/// Variables that are read before there is a configuration.
const NOT_SETTINGS: &[&str] = &[
    "HOLDFAST_LOG_FORMAT",
    // Those of commands that ask a running server.
    "HOLDFAST_URL",
    "HOLDFAST_TOKEN",
    "HOLDFAST_TOKEN_FILE",
    "HOLDFAST_CA_FILE",
    "HOLDFAST_PROFILE",
    "HOLDFAST_PROFILES",
];

/// Reads the variables whose names begin with `HOLDFAST_`.
pub(super) fn read_environment(
    variables: impl IntoIterator<Item = (String, String)>,
    reader: &mut LayerReader,
) {
    static KEYS: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
        let keys = all_settings()
            .iter()
            .map(|setting| (variable_name(&setting.key), setting.key.as_str()));
        keys.chain([(variable_name("systems"), "systems.enabled")]).collect()
    });
    let mut ours: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && !NOT_SETTINGS.contains(&name.as_str()))
        .filter(|(name, value)| !is_service_link(name, value))
        .collect();
    ours.sort();
    for (name, value) in ours {
        let misspelt = name.trim_start_matches(PREFIX).to_lowercase().replace("__", ".");
        let key = KEYS.get(&name).map_or(misspelt, |key| (*key).to_owned());
        reader.read_value(&key, &RawValue::Text(value), Origin::Environment(name));
    }
}

/// Whether Kubernetes adds such a variable to each container, for a Service whose name begins with `holdfast`:
/// `HOLDFAST_SERVICE_HOST`, `HOLDFAST_PORT_8088_TCP_ADDR`, `HOLDFAST_BROKER_PORT=tcp://10.0.0.7:5672`.
fn is_service_link(name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix("HOLDFAST").filter(|rest| !rest.contains("__")) else {
        return false;
    };
    let is_end = |end: &str| rest.ends_with(end);
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    if is_end("_SERVICE_HOST") || is_end("_SERVICE_PORT") || rest.contains("_SERVICE_PORT_") {
        return true;
    }
    if is_address && is_end("_PORT") {
        return true;
    }
    // `_PORT_8088_TCP`, and the same with `_PROTO`, `_PORT` or `_ADDR`.
    let parts: Vec<_> = rest.split('_').collect();
    let port = parts.windows(3).rposition(|parts| {
        let [port, number, protocol] = parts else { return false };
        *port == "PORT"
            && number.parse::<u16>().is_ok()
            && ["TCP", "UDP", "SCTP"].contains(protocol)
    });
    port.is_some_and(|at| match parts.get(at + 3..).unwrap_or_default() {
        [] => true,
        [part] => ["PROTO", "PORT", "ADDR"].contains(part),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_distinguished_from_settings() {
        for (name, value) in [
            ("HOLDFAST_SERVICE_HOST", "10.0.0.7"),
            ("HOLDFAST_SERVICE_PORT", "8088"),
            ("HOLDFAST_SERVICE_PORT_HTTP", "8088"),
            ("HOLDFAST_PORT", "tcp://10.0.0.7:8088"),
            ("HOLDFAST_PORT_8088_TCP", "tcp://10.0.0.7:8088"),
            ("HOLDFAST_PORT_8088_TCP_PROTO", "tcp"),
            ("HOLDFAST_PORT_8088_TCP_PORT", "8088"),
            ("HOLDFAST_PORT_8088_TCP_ADDR", "10.0.0.7"),
            ("HOLDFAST_HTTP_PORT_53_UDP_ADDR", "10.0.0.7"),
            ("HOLDFAST_BOOK_SERVICE_HOST", "10.0.0.7"),
            ("HOLDFAST_BOOK_SERVICE_PORT_HTTP", "8088"),
            ("HOLDFAST_BOOK_PORT", "tcp://10.0.0.7:8088"),
        ] {
            assert!(is_service_link(name, value), "{name}");
        }
        for (name, value) in [
            ("HOLDFAST_PORT", "8088"),
            ("HOLDFAST_HTTP_PORT", "127.0.0.1:8088"),
            ("HOLDFAST_COMPAT__FIRST_PORT", "tcp://10.0.0.7:8088"),
            ("HOLDFAST_SYSTEMS__SERVICE_PORT", "1"),
            ("HOLDFAST_HTTP__LISTEN", "tcp://10.0.0.7:8088"),
            ("HOLDFAST_PORT_8088_TCP_ADDRESS", "10.0.0.7"),
            ("HOLDFAST_PORT_HTTP", "8088"),
            ("HOLDFAST_SERVICE", "x"),
        ] {
            assert!(!is_service_link(name, value), "{name}");
        }
    }
}
