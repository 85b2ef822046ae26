//! The way in for browsers: the cookie of a session.

use super::{
    cookie::{CookieNames, find_cookie},
    session_id::SessionId,
    session_store::SessionStore,
};
use crate::identity::{Credentials, Identify, Principal, Unidentified};
use futures_util::{FutureExt, future::BoxFuture};
use std::sync::Arc;

/// Identifies browsers by their sessions.
#[derive(Clone)]
pub struct Sessions {
    /// Those that there are.
    pub(super) kept: Arc<SessionStore>,
    /// The names of their cookies.
    pub(super) names: CookieNames,
}

impl Sessions {
    /// Those that `kept` has, in cookies with these names.
    pub fn new(kept: Arc<SessionStore>, names: CookieNames) -> Self {
        Self { kept, names }
    }
}

impl Identify for Sessions {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
        async move {
            let value =
                credentials.cookie.and_then(|cookie| find_cookie(cookie, self.names.session));
            // A session that has ended is none: a browser goes on sending its cookie, also to what is for everyone.
            let Some(id) = value.and_then(SessionId::parse) else { return Ok(None) };
            if credentials.is_glance {
                return Ok(self.kept.peek(&id));
            }
            let found = self.kept.find(&id).await;
            found.map_err(|_| Unidentified::Unavailable("the sessions cannot be read"))
        }
        .boxed()
    }
}
