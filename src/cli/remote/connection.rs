//! Where a running server is, and what to show it: arguments over variables over a profile.

use super::client::Client;
use crate::{app::Failure, config::Secret, tls::Trust};
use clap::Args;
use reqwest::Url;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    env, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Where a server is that says nothing else.
const USUAL_URL: &str = "http://127.0.0.1:8088";
/// The profile that is used when none is named.
const USUAL_PROFILE: &str = "default";
/// What other users of the machine may do with a file.
const OTHERS: u32 = 0o077;

#[derive(Debug, Clone, Default, Args)]
pub struct Connection {
    /// URL of a running server, or of its operators' port (HOLDFAST_URL).
    #[arg(long, value_name = "URL")]
    url: Vec<String>,
    /// File with an API key or a token (HOLDFAST_TOKEN_FILE; HOLDFAST_TOKEN has the key itself).
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates in PEM that are trusted besides those of the system (HOLDFAST_CA_FILE).
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Profile that has the rest (HOLDFAST_PROFILE), of ~/.config/holdfast/profiles.toml (HOLDFAST_PROFILES).
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// A server and how to reach it, as the file of profiles has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: Option<String>,
    token: Option<Secret>,
    token_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

impl Connection {
    /// Whether a server is named: by an argument, a variable, or a profile that is named.
    pub fn is_named(&self) -> bool {
        !self.url.is_empty()
            || self.profile.is_some()
            || has("HOLDFAST_URL")
            || has("HOLDFAST_PROFILE")
    }

    /// Whether more than one server is named.
    pub fn names_several(&self) -> bool {
        self.url.len() > 1
    }

    /// A client of the server.
    ///
    /// # Errors
    /// [`Failure::Usage`]: what is named cannot be used.
    pub fn client(self) -> Result<Client, Failure> {
        self.client_of(USUAL_URL)
    }

    /// A client of the server, which is at `usual` where no other is named.
    ///
    /// # Errors
    /// As [`Connection::client`].
    pub fn client_of(self, usual: &str) -> Result<Client, Failure> {
        let profile = self.load_profile()?;
        if self.names_several() {
            return Err(Failure::Usage("name one server with --url".into()));
        }
        let url = self.url.into_iter().next();
        let url = url.or_else(|| variable("HOLDFAST_URL")).or(profile.url);
        let url = url.as_deref().unwrap_or(usual);
        let known = url.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let known = known.ok_or_else(|| {
            Failure::Usage(format!("`{url}` is no URL of a server, such as {USUAL_URL}"))
        })?;
        let path = |name: &str| variable(name).map(PathBuf::from);
        let token = match self.token_file {
            Some(file) => Some(read_token(&file)?),
            None => match (variable("HOLDFAST_TOKEN"), path("HOLDFAST_TOKEN_FILE")) {
                (Some(token), _) => Some(token),
                (None, Some(file)) => Some(read_token(&file)?),
                (None, None) => match (profile.token, profile.token_file) {
                    (Some(token), _) => Some(token.reveal().to_owned()),
                    (None, Some(file)) => Some(read_token(&file)?),
                    (None, None) => None,
                },
            },
        };
        let ca_file = self.ca_file.or_else(|| path("HOLDFAST_CA_FILE")).or(profile.ca_file);
        let trust = match (known.scheme(), ca_file) {
            ("https", ca_file) => Trust::load(ca_file.as_deref()).map_err(Failure::Usage)?,
            _ => Trust::default(),
        };
        Client::new(known, token, &trust)
    }

    fn load_profile(&self) -> Result<Profile, Failure> {
        let named = self.profile.clone().or_else(|| variable("HOLDFAST_PROFILE"));
        let file = variable("HOLDFAST_PROFILES").map(PathBuf::from).or_else(usual_file);
        let Some(file) = file else { return no_profile(named.as_deref(), None) };
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return no_profile(named.as_deref(), Some(&file));
            }
            read => read.map_err(|error| cannot_use(&file, error))?,
        };
        let mut profiles: BTreeMap<String, Profile> =
            toml::from_str(&text).map_err(|error| cannot_use(&file, error))?;
        let name = named.as_deref().unwrap_or(USUAL_PROFILE);
        match profiles.remove(name) {
            Some(profile) => {
                if profile.token.is_some() {
                    check_private(&file)?;
                }
                Ok(profile)
            }
            None => no_profile(named.as_deref(), Some(&file)),
        }
    }
}

/// Nothing, unless a profile is named.
fn no_profile(named: Option<&str>, file: Option<&Path>) -> Result<Profile, Failure> {
    let Some(name) = named else { return Ok(Profile::default()) };
    let place = file.map_or_else(|| "without HOME".into(), |file| format!("in {}", file.display()));
    Err(Failure::Usage(format!("there is no profile `{name}` {place}")))
}

fn cannot_use(file: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{}: {error}", file.display()))
}

fn usual_file() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(variable("HOME")?).join(".config"));
    let config = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?;
    Some(config.join("holdfast").join("profiles.toml"))
}

fn has(name: &str) -> bool {
    variable(name).is_some()
}

/// The value of a variable; one that is empty is not set.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn read_token(file: &Path) -> Result<String, Failure> {
    check_private(file)?;
    let text = fs::read_to_string(file).map_err(|error| cannot_use(file, error))?;
    match text.trim() {
        "" => Err(cannot_use(file, "it is empty, and should have an API key or a token")),
        token => Ok(token.to_owned()),
    }
}

/// Refuses a file with a secret that other users of the machine can read.
fn check_private(file: &Path) -> Result<(), Failure> {
    let mode = fs::metadata(file).map_err(|error| cannot_use(file, error))?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let what = format!("other users of the machine can read it: chmod 600 {}", file.display());
    Err(cannot_use(file, what))
}
