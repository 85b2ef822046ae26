//! The way in for browsers: the cookie of a session.

use super::{
    cookie::{CookieNames, find_cookie},
    session_id::SessionId,
    session_inquiry::{NewSession, NotBegun, SessionInquiry},
    session_store::{OpenSession, SessionError, SessionStore},
};
use crate::{
    identity::{Credentials, Identify, Principal, Unidentified},
    store::StoreError,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{fmt, sync::Arc};

/// Identifies browsers by their sessions.
#[derive(Clone)]
pub struct Sessions {
    /// Those of this node.
    kept: Arc<SessionStore>,
    /// Those of the node that keeps them, where it is another one.
    elsewhere: Option<Arc<SessionInquiry>>,
    /// The names of their cookies.
    names: CookieNames,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({})", self.names.session)
    }
}

impl Sessions {
    /// Those that `kept` has, and those that another node keeps `elsewhere`, in cookies with these names.
    pub fn new(
        kept: Arc<SessionStore>,
        elsewhere: Option<Arc<SessionInquiry>>,
        names: CookieNames,
    ) -> Self {
        Self { kept, elsewhere, names }
    }

    /// The names of their cookies.
    pub fn names(&self) -> CookieNames {
        self.names
    }

    /// The session that a browser shows in its `cookies`, open or not.
    pub fn shown_in(&self, cookies: &str) -> Option<SessionId> {
        find_cookie(cookies, self.names.session).and_then(SessionId::parse)
    }

    /// Those that this node keeps itself.
    pub fn own(&self) -> &SessionStore {
        &self.kept
    }

    /// Begins a session of `principal`, whom the ID token `token` of a login with this `nonce` names, at the node that keeps them.
    pub(super) async fn begin(
        &self,
        principal: &Principal,
        token: String,
        nonce: String,
    ) -> Result<SessionId, SessionError> {
        let id = SessionId::generate()?;
        let digest = id.digest();
        let Some(elsewhere) = &self.elsewhere else {
            self.kept.begin(digest, principal).await?;
            return Ok(id);
        };
        let begun = elsewhere.keeper.begin(NewSession { digest, token, nonce }).await;
        begun.map(|()| id).map_err(|why| {
            tracing::warn!(%why, "failed to begin a session");
            match why {
                NotBegun::Refused(_) => SessionError::Refused,
                NotBegun::Away(_) => SessionError::Away,
            }
        })
    }

    /// Ends the session that a browser shows, everywhere.
    ///
    /// # Errors
    /// [`SessionError`]
    pub async fn sign_out(&self, cookies: &str) -> Result<(), SessionError> {
        let Some(id) = self.shown_in(cookies) else { return Ok(()) };
        self.kept.end(id.digest()).await?;
        let Some(elsewhere) = &self.elsewhere else { return Ok(()) };
        elsewhere.end(id.digest()).await.map_err(|why| {
            tracing::warn!(why, "failed to end a session");
            SessionError::Away
        })
    }

    /// Whose session it is; `is_glance`: that it is asked is no use of it.
    async fn find(
        &self,
        id: &SessionId,
        is_glance: bool,
    ) -> Result<Option<Arc<Principal>>, Unidentified> {
        let unreadable = |_: StoreError| Unidentified::Unavailable("the sessions cannot be read");
        let own = if is_glance {
            self.kept.peek(id.digest())
        } else {
            self.kept.find(id.digest()).await.map_err(unreadable)?
        };
        match (own, &self.elsewhere) {
            (Some(OpenSession { principal, .. }), _) => Ok(Some(principal)),
            (None, Some(elsewhere)) => elsewhere.find(id.digest(), is_glance).await,
            (None, None) => Ok(None),
        }
    }
}

impl Identify for Sessions {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
        async move {
            // A session that has ended is none: a browser goes on sending its cookie, also to what is for everyone.
            match credentials.cookie.and_then(|cookies| self.shown_in(cookies)) {
                Some(id) => self.find(&id, credentials.is_glance).await,
                None => Ok(None),
            }
        }
        .boxed()
    }
}
