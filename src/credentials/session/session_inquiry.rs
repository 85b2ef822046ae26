//! Sessions that another node keeps: it is asked, and a yes is kept for a while.

use super::{session_id::SessionDigest, session_store::OpenSession};
use crate::{
    actors::Machine,
    credentials::{
        ended::{Ended, ForgetEnded},
        kept_answers::KeptAnswers,
    },
    domain::Timestamp,
    identity::{Principal, Role, Unidentified},
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strum::IntoEnumIterator;

/// What is asked about a session: never its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionQuestion {
    /// The digest of its id.
    pub digest: SessionDigest,
    /// Whether that it is asked is no use of it.
    #[serde(default)]
    pub is_glance: bool,
}

/// What is answered: whose a session is that is open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionAnswer {
    /// Whose it is; `None`: there is none, or it has ended.
    pub holder: Option<SessionHolder>,
}

/// Whose a session is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionHolder {
    issuer: String,
    subject: String,
    roles: Vec<Role>,
    customer: Option<String>,
    grade: Option<String>,
    scopes: Vec<String>,
    /// How long it would go on without being used, in microseconds: the clocks of nodes differ.
    left: i64,
}

impl From<OpenSession> for SessionHolder {
    fn from(OpenSession { principal, left }: OpenSession) -> Self {
        let Principal { issuer, subject, roles, customer, grade, scopes, .. } =
            principal.as_ref().clone();
        let roles = Role::iter().filter(|role| roles.has(*role)).collect();
        Self { issuer, subject, roles, customer, grade, scopes, left }
    }
}

impl SessionHolder {
    fn into_principal(self) -> Principal {
        let Self { issuer, subject, roles, customer, grade, scopes, .. } = self;
        // No session makes its holder a node.
        let roles = roles.into_iter().filter(|role| *role != Role::Node).collect();
        Principal { issuer, subject, roles, customer, grade, scopes, rate: None }
    }
}

/// A session that is to begin. The node that keeps it judges the token anew, so that no node can make one for just anyone.
#[derive(Serialize, Deserialize)]
pub struct NewSession {
    /// The digest of its id.
    pub digest: SessionDigest,
    /// The ID token of the provider.
    pub token: String,
    /// The nonce of the login.
    pub nonce: String,
}

/// Why a session did not begin at the node that keeps them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBegun {
    /// It refuses the login.
    #[error("the node that keeps the sessions refuses it: {0}")]
    Refused(String),
    /// It does not answer.
    #[error("the node that keeps the sessions does not answer: {0}")]
    Away(String),
}

/// The way to the node that keeps the sessions.
pub trait AskSessions: Send + Sync {
    /// Whose a session is, which has been used now unless it is a glance.
    fn find(&self, question: SessionQuestion) -> BoxFuture<'static, Result<SessionAnswer, String>>;
    /// Begins one, durably.
    fn begin(&self, session: NewSession) -> BoxFuture<'static, Result<(), NotBegun>>;
    /// Ends one, durably.
    fn end(&self, question: SessionQuestion) -> BoxFuture<'static, Result<(), String>>;
}

/// The sessions of another node.
pub struct SessionInquiry {
    pub(super) keeper: Arc<dyn AskSessions>,
    machine: Machine,
    kept: KeptAnswers<SessionDigest>,
}

impl SessionInquiry {
    /// Asks `keeper`. What it answers is kept by the clock of `machine`.
    pub fn new(keeper: Arc<dyn AskSessions>, machine: Machine) -> Self {
        Self { keeper, machine, kept: KeptAnswers::default() }
    }

    /// Whose the session with this digest is, if it is open; `is_glance`: that it is asked is no use of it.
    ///
    /// # Errors
    /// [`Unidentified::Unavailable`] where its keeper does not answer.
    pub async fn find(
        &self,
        digest: SessionDigest,
        is_glance: bool,
    ) -> Result<Option<Arc<Principal>>, Unidentified> {
        let now = self.machine.now();
        let before = match self.kept.find(&digest, now) {
            Ok(holder) => return Ok(Some(holder)),
            Err(before) => before,
        };
        let asked = self.keeper.find(SessionQuestion { digest, is_glance }).await;
        let answer = asked.map_err(|why| {
            tracing::warn!(why, "the node that keeps the sessions does not answer");
            Unidentified::Unavailable("the node that keeps the sessions does not answer")
        })?;
        let Some(holder) = answer.holder else { return Ok(None) };
        let ends = Timestamp::from_micros(now.micros().saturating_add(holder.left));
        let principal = Arc::new(holder.into_principal());
        // A use that follows has to be asked for, so that it counts as one.
        if !is_glance {
            self.kept.keep(digest, Arc::clone(&principal), Some(ends), before);
        }
        Ok(Some(principal))
    }

    /// Ends the session with this digest, everywhere.
    ///
    /// # Errors
    /// Why its keeper does not answer. It has ended here, for as long as answers are kept.
    pub async fn end(&self, digest: SessionDigest) -> Result<(), String> {
        self.forget(&Ended::Session(digest));
        let ended = self.keeper.end(SessionQuestion { digest, is_glance: false }).await;
        self.forget(&Ended::Session(digest));
        ended
    }
}

impl ForgetEnded for SessionInquiry {
    fn forget(&self, ended: &Ended) {
        if let Ended::Session(ended) = ended {
            self.kept.forget(|digest| digest == ended);
        }
    }

    fn forget_all(&self) {
        self.kept.forget(|_| true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credentials::{
            ended::{EndedLog, EndedSince, ReadEnded, follow_ended},
            session::{session_id::SessionId, session_store::SessionStore},
        },
        store::{MemoryStore, Store},
    };
    use futures_util::FutureExt;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};

    const MINUTE: i64 = 60_000_000;

    /// The node that keeps the sessions.
    struct Keeper {
        sessions: Arc<SessionStore>,
        ended: Arc<EndedLog>,
        asked: AtomicUsize,
    }

    impl AskSessions for Keeper {
        fn find(
            &self,
            SessionQuestion { digest, is_glance }: SessionQuestion,
        ) -> BoxFuture<'static, Result<SessionAnswer, String>> {
            self.asked.fetch_add(1, SeqCst);
            let sessions = Arc::clone(&self.sessions);
            async move {
                let found = if is_glance {
                    sessions.peek(digest)
                } else {
                    sessions.find(digest).await.map_err(|why| why.to_string())?
                };
                let answer = SessionAnswer { holder: found.map(Into::into) };
                // As it travels.
                let sent = serde_json::to_string(&answer).unwrap();
                Ok(serde_json::from_str(&sent).unwrap())
            }
            .boxed()
        }

        fn begin(&self, _: NewSession) -> BoxFuture<'static, Result<(), NotBegun>> {
            std::future::ready(Err(NotBegun::Away("not in this test".into()))).boxed()
        }

        fn end(
            &self,
            SessionQuestion { digest, .. }: SessionQuestion,
        ) -> BoxFuture<'static, Result<(), String>> {
            let sessions = Arc::clone(&self.sessions);
            async move { sessions.end(digest).await.map_err(|why| why.to_string()) }.boxed()
        }
    }

    impl ReadEnded for Keeper {
        fn read(&self, place: String) -> BoxFuture<'static, Result<EndedSince, String>> {
            let ended = Arc::clone(&self.ended);
            async move {
                ended.wait(&place).await;
                Ok(ended.read(&place))
            }
            .boxed()
        }
    }

    fn kim() -> Principal {
        Principal {
            issuer: "https://id.example".into(),
            subject: "kim".into(),
            roles: [Role::Customer, Role::Node].into_iter().collect(),
            customer: Some("7".into()),
            grade: Some("VIP".into()),
            scopes: vec!["bookrent".into()],
            rate: None,
        }
    }

    /// A keeper, an inquiry at another node, and their clock.
    fn two_nodes() -> (Arc<Keeper>, Arc<SessionInquiry>, Arc<AtomicI64>) {
        let clock = Arc::new(AtomicI64::new(0));
        let shown = Arc::clone(&clock);
        let machine = Machine::new(move || Timestamp::from_micros(shown.load(SeqCst)), || 0);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let ended = Arc::new(EndedLog::default());
        let sessions = SessionStore::open(&store, machine.clone()).unwrap();
        let sessions = Arc::new(sessions.reporting_to(Arc::clone(&ended)));
        let keeper = Arc::new(Keeper { sessions, ended, asked: AtomicUsize::new(0) });
        let inquiry = Arc::new(SessionInquiry::new(keeper.clone(), machine));
        (keeper, inquiry, clock)
    }

    #[tokio::test]
    async fn a_session_is_the_same_at_another_node_and_ends_there_without_the_clock() {
        let (keeper, inquiry, _clock) = two_nodes();
        let id = SessionId::generate().unwrap();
        keeper.sessions.begin(id.digest(), &kim()).await.unwrap();
        let found = inquiry.find(id.digest(), false).await.unwrap().unwrap();
        let expected = Principal { roles: [Role::Customer].into_iter().collect(), ..kim() };
        assert_eq!(*found, expected, "no session makes its holder a node");
        let keepers: Vec<Arc<dyn ForgetEnded>> = vec![inquiry.clone()];
        let following = tokio::spawn(follow_ended(keeper.clone(), keepers));
        // The first answer says that more may have ended; after it, a yes is kept until something ends.
        let mut asked = 0;
        while asked != keeper.asked.load(SeqCst) {
            asked = keeper.asked.load(SeqCst);
            for _ in 0..9 {
                tokio::task::yield_now().await;
                assert!(inquiry.find(id.digest(), false).await.unwrap().is_some());
            }
        }
        keeper.sessions.end(id.digest()).await.unwrap();
        while inquiry.find(id.digest(), false).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        following.abort();
    }

    #[tokio::test]
    async fn a_session_that_is_used_at_another_node_goes_on_and_one_that_is_not_ends() {
        let (keeper, inquiry, clock) = two_nodes();
        let id = SessionId::generate().unwrap();
        keeper.sessions.begin(id.digest(), &kim()).await.unwrap();
        for minute in [0, 29, 58, 87] {
            clock.store(minute * MINUTE, SeqCst);
            // A stream that looks at it again is no use, and hides none.
            assert!(inquiry.find(id.digest(), true).await.unwrap().is_some(), "{minute}");
            assert!(inquiry.find(id.digest(), false).await.unwrap().is_some(), "{minute}");
        }
        clock.store((87 + 29) * MINUTE, SeqCst);
        assert!(inquiry.find(id.digest(), true).await.unwrap().is_some());
        clock.store((87 + 30) * MINUTE, SeqCst);
        assert!(inquiry.find(id.digest(), false).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn who_signs_out_at_another_node_is_signed_out_at_both() {
        let (keeper, inquiry, _clock) = two_nodes();
        let id = SessionId::generate().unwrap();
        keeper.sessions.begin(id.digest(), &kim()).await.unwrap();
        assert!(inquiry.find(id.digest(), false).await.unwrap().is_some());
        inquiry.end(id.digest()).await.unwrap();
        assert!(inquiry.find(id.digest(), false).await.unwrap().is_none());
        assert!(keeper.sessions.find(id.digest()).await.unwrap().is_none());
        let ended = keeper.ended.read("").place;
        assert!(ended.ends_with("-1"), "{ended}");
    }
}
