//! How senders of requests are identified: by keys, tokens, and the sessions of browsers.

use super::{failure::Failure, outbound::Outbound};
use crate::{
    actors::Machine,
    cluster::KeyKeeper,
    config::{AuthMode, IssuerSection, Settings},
    credentials::{
        ActingAs, ApiKeys, DevelopmentTokens, EndedLog, ForgetEnded, Identifiers, KeyInquiry,
        KeyStore, Login, NoDevelopmentTokens, ProviderTokens, SessionInquiry, SessionStore,
        Sessions, follow_ended,
    },
    store::Store,
};
use std::sync::Arc;

/// How senders of requests are identified, and how browsers sign in.
pub struct WaysIn {
    /// The ways.
    pub identifiers: Identifiers,
    /// The API keys that this node keeps.
    pub keys: Arc<KeyStore>,
    /// How browsers sign in, if they do.
    pub login: Option<Arc<Login>>,
    /// The sessions of browsers, where they open something.
    pub sessions: Option<Sessions>,
    /// The keys and sessions of this node that have ended.
    pub ended: Arc<EndedLog>,
}

/// The keys and sessions of another node, by what it answers about them.
struct Elsewhere {
    keys: Arc<KeyInquiry>,
    sessions: Arc<SessionInquiry>,
}

impl Elsewhere {
    /// Asks `keeper`, and begins to read what ends there.
    fn follow(keeper: Arc<KeyKeeper>, outbound: &Outbound) -> Self {
        let keys = Arc::new(KeyInquiry::new(keeper.clone(), Machine::default()));
        let sessions = Arc::new(SessionInquiry::new(keeper.clone(), Machine::default()));
        let forgetting: Vec<Arc<dyn ForgetEnded>> = vec![keys.clone(), sessions.clone()];
        outbound.runtime().spawn(follow_ended(keeper, forgetting));
        Self { keys, sessions }
    }
}

impl WaysIn {
    /// By the settings; keys and sessions are those of `trees`, and of the node that `keeper` asks.
    ///
    /// # Errors
    /// [`Failure`] if something of them cannot be read, or a client cannot be set up.
    pub fn open(
        settings: &Settings,
        trees: &Arc<dyn Store>,
        keeper: Option<Arc<KeyKeeper>>,
        outbound: &Outbound,
    ) -> Result<Self, Failure> {
        let ended = Arc::new(EndedLog::default());
        let keys = KeyStore::open(trees, Machine::default()).map_err(Failure::from_error)?;
        let keys = Arc::new(keys.reporting_to(Arc::clone(&ended)));
        let elsewhere = keeper.map(|keeper| Elsewhere::follow(keeper, outbound));
        let mut identifiers = Identifiers::default();
        let asked = elsewhere.as_ref().map(|elsewhere| Arc::clone(&elsewhere.keys));
        identifiers.push(ApiKeys::new(Arc::clone(&keys), asked));
        let mut ways = Self { identifiers, keys, login: None, sessions: None, ended };
        match settings.auth.mode {
            AuthMode::Open => ways.add_development(settings)?,
            AuthMode::Token => ways.add_tokens(settings, trees, elsewhere, outbound)?,
        }
        Ok(ways)
    }

    fn add_development(&mut self, settings: &Settings) -> Result<(), Failure> {
        let tokens = DevelopmentTokens::open(&settings.store.dir, Machine::default());
        self.identifiers.push(tokens.map_err(Failure::from_error)?);
        self.identifiers.push(ActingAs);
        Ok(())
    }

    fn add_tokens(
        &mut self,
        settings: &Settings,
        trees: &Arc<dyn Store>,
        elsewhere: Option<Elsewhere>,
        outbound: &Outbound,
    ) -> Result<(), Failure> {
        let issuers: Vec<_> = settings.auth.issuers.iter().map(IssuerSection::issuer).collect();
        if issuers.is_empty() && self.keys.list().is_empty() && elsewhere.is_none() {
            tracing::warn!(
                "no one can sign in: add `[[auth.issuers]]`, or stop this server and make a key with `holdfast key add --name \
                 root --role admin`"
            );
        }
        let runtime = outbound.runtime();
        let tokens = ProviderTokens::new(issuers, outbound.trust(), runtime, Machine::default());
        let tokens = tokens.map_err(Failure::Failed)?;
        tokens.read_keys();
        let login = settings.auth.login.login(&settings.auth.issuers);
        if login.is_some() || elsewhere.is_some() {
            let own = SessionStore::open(trees, Machine::default()).map_err(Failure::from_error)?;
            let own = Arc::new(own.reporting_to(Arc::clone(&self.ended)));
            let elsewhere = elsewhere.map(|elsewhere| elsewhere.sessions);
            let sessions = Sessions::new(own, elsewhere, settings.http.cookie_names());
            self.identifiers.push(sessions.clone());
            self.sessions = Some(sessions);
        }
        if let (Some(login), Some(sessions)) = (login, self.sessions.clone())
            && let Some(provider) = tokens.provider(&login.issuer.url)
        {
            let login = Login::new(login, provider, outbound.trust(), sessions, Machine::default());
            self.login = Some(Arc::new(login.map_err(Failure::Failed)?));
        }
        self.identifiers.push(NoDevelopmentTokens);
        self.identifiers.push(tokens);
        Ok(())
    }
}
