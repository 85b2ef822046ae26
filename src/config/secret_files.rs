//! Secrets that are in files of their own.

use super::{
    check::Invalid,
    secret::{Secret, Secrets},
    settings::Settings,
};
use std::path::Path;

/// Reads the secrets that are given as files, and returns the keys of those. A secret that is given itself goes first.
pub(super) fn read_secrets(settings: &mut Settings) -> Result<Vec<&'static str>, Invalid> {
    let mut keys = Vec::new();
    let Settings { auth, amqp, events, node, messages, alerts, traces, store, .. } = settings;
    let login = &mut auth.login;
    if let Some(file) = login.client_secret_file.as_ref().filter(|_| login.client_secret.is_none())
    {
        let secret = read_secret("auth.login.client_secret_file", file)?;
        login.client_secret = Some(Secret::from(secret));
        keys.push("auth.login.client_secret");
    }
    if let Some(file) = amqp.url_file.as_ref().filter(|_| amqp.url.reveal().is_empty()) {
        amqp.url = Secrets::parse(&read_secret("amqp.url_file", file)?);
        keys.push("amqp.url");
    }
    if let Some(file) = events.key_file.as_ref().filter(|_| events.key.reveal().is_empty()) {
        events.key = Secrets::parse(&read_secret("events.key_file", file)?);
        keys.push("events.key");
    }
    if let Some(file) = node.credential_file.as_ref().filter(|_| node.credential.is_none()) {
        node.credential = Some(Secret::from(read_secret("node.credential_file", file)?));
        keys.push("node.credential");
    }
    if let Some(file) = store.url_file.as_ref().filter(|_| store.url.is_none()) {
        store.url = Some(Secret::from(read_secret("store.url_file", file)?));
        keys.push("store.url");
    }
    if let Some(file) = messages.secret_file.as_ref().filter(|_| messages.secret.is_none()) {
        messages.secret = Some(Secret::from(read_secret("messages.secret_file", file)?));
        keys.push("messages.secret");
    }
    if let Some(file) = alerts.secret_file.as_ref().filter(|_| alerts.secret.is_none()) {
        alerts.secret = Some(Secret::from(read_secret("alerts.secret_file", file)?));
        keys.push("alerts.secret");
    }
    if let Some(file) =
        traces.authorization_file.as_ref().filter(|_| traces.authorization.is_none())
    {
        let secret = read_secret("traces.authorization_file", file)?;
        traces.authorization = Some(Secret::from(secret));
        keys.push("traces.authorization");
    }
    Ok(keys)
}

fn read_secret(key: &str, path: &Path) -> Result<String, Invalid> {
    let invalid = |reason: String| Invalid { key: key.to_owned(), reason };
    let text = std::fs::read_to_string(path)
        .map_err(|error| invalid(format!("failed to read {}: {error}", path.display())))?;
    match text.trim() {
        "" => Err(invalid(format!("{} is empty", path.display()))),
        text => Ok(text.to_owned()),
    }
}
