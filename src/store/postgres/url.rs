//! The URL of a database.

use std::{net::IpAddr, time::Duration};
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// How long one host may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// After how long a connection that says nothing is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// A configuration for connections, with what the URL leaves open.
pub fn parse_database_url(url: &str) -> Result<Config, String> {
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if !is_postgres {
        return Err("does not begin with `postgres://`".into());
    }
    // Every connection by TLS is verified, so the stricter names mean the same.
    let mut is_required = false;
    let mut read = url.to_owned();
    for strict in ["sslmode=verify-full", "sslmode=verify-ca"] {
        if read.contains(strict) {
            is_required = true;
            read = read.replace(strict, "sslmode=require");
        }
    }
    let names_mode = read.contains("sslmode=");
    let mut config: Config = read.parse().map_err(|error: tokio_postgres::Error| {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        why.unwrap_or_else(|| error.to_string())
    })?;
    if config.get_hosts().is_empty() {
        return Err("names no host".into());
    }
    if config.get_dbname().is_none_or(str::is_empty) {
        return Err("names no database, as `/holdfast` at its end does".into());
    }
    if config.get_user().is_none() {
        return Err("names no user".into());
    }
    if is_required {
        config.ssl_mode(SslMode::Require);
    } else if !names_mode {
        let are_local = config.get_hosts().iter().all(is_local);
        config.ssl_mode(if are_local { SslMode::Disable } else { SslMode::Require });
    }
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    config.application_name("holdfast");
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config.keepalives_idle(KEEPALIVE);
    config.keepalives_interval(KEEPALIVE);
    config.tcp_user_timeout(2 * KEEPALIVE);
    Ok(config)
}

/// Whether a host is this machine: then nothing can listen in between.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// What keeps `url` from being that of a database.
///
/// # Errors
/// What is wrong with it, without its password.
pub fn check_database_url(url: &str) -> Result<(), String> {
    parse_database_url(url).map(drop)
}

/// Whether connections to the database of `url` are encrypted.
pub fn is_encrypted(url: &str) -> bool {
    parse_database_url(url).is_ok_and(|config| config.get_ssl_mode() != SslMode::Disable)
}

/// The hosts of a URL, for messages, without user and password.
pub fn list_hosts(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(place, host)| {
        let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    hosts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_leave_the_machine_are_encrypted_unless_the_url_says_otherwise() {
        let mode = |url: &str| parse_database_url(url).unwrap().get_ssl_mode();
        assert_eq!(mode("postgres://me@localhost/holdfast"), SslMode::Disable);
        assert_eq!(mode("postgres://me@127.0.0.1,[::1]/holdfast"), SslMode::Disable);
        assert_eq!(mode("postgres://me@db.example/holdfast"), SslMode::Require);
        assert_eq!(mode("postgres://me@localhost,db.example/holdfast"), SslMode::Require);
        assert_eq!(mode("postgres://me@db.example/holdfast?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://me@localhost/holdfast?sslmode=verify-full"), SslMode::Require);
    }

    #[test]
    fn a_url_that_could_never_work_is_refused_without_its_password() {
        for (url, word) in [
            ("mysql://me:secret@db/holdfast", "postgres://"),
            ("postgres://me:secret@db", "database"),
            ("postgres://db/holdfast", "user"),
            ("postgres://me:secret@db/holdfast?sslmode=perhaps", "sslmode"),
            ("postgres://me:secret@db/holdfast?colour=red", "colour"),
        ] {
            let wrong = check_database_url(url).unwrap_err();
            assert!(wrong.contains(word) && !wrong.contains("secret"), "{url}: {wrong}");
        }
        assert_eq!(check_database_url("postgres://me:secret@a:5432,b:5433/holdfast"), Ok(()));
    }

    #[test]
    fn hosts_are_listed_with_their_ports() {
        let config = parse_database_url("postgres://me:secret@a:1,b:2/holdfast").unwrap();
        assert_eq!(list_hosts(&config), "a:1,b:2");
    }
}
