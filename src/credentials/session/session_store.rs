//! Where sessions are kept: a tree of the node, all of it in memory as well.

use super::session_id::SessionDigest;
use crate::{
    actors::{Machine, NodeTree},
    credentials::{
        api_key::NoRandomness,
        ended::{Ended, EndedLog},
    },
    domain::Timestamp,
    identity::{Principal, Role},
    store::{
        Scan, Store, StoreError, codec,
        keys::{KeyBuf, Space},
        paging::Pages,
    },
    sync,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use strum::IntoEnumIterator;

/// The tree that they are kept in.
const TREE: &str = "holdfast.sessions";
/// So many there may be.
const MOST: usize = 100_000;
/// So many rows are read at once.
const PAGE: usize = 1000;
const VERSION: u16 = 1;
const MINUTE: i64 = 60 * 1_000_000;
/// A session that is not used for so long has ended.
const IDLE: i64 = 30 * MINUTE;
/// A session ends after so long, however much it is used.
const LONGEST: i64 = 8 * 60 * MINUTE;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There are too many.
    #[error("{MOST} sessions are open")]
    TooMany,
    /// There is one with this id.
    #[error("there is a session with this id")]
    Taken,
    /// No id can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The node that keeps the sessions refuses the login.
    #[error("the node that keeps the sessions refuses the login")]
    Refused,
    /// The node that keeps the sessions does not answer.
    #[error("the node that keeps the sessions does not answer")]
    Away,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A session, as it is stored. The key of its row is the digest of its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    issuer: String,
    subject: String,
    roles: Vec<Role>,
    customer: Option<String>,
    grade: Option<String>,
    scopes: Vec<String>,
    begun: Timestamp,
    /// When it was used last, as far as that was written.
    used: Timestamp,
}

impl Session {
    fn of(principal: &Principal, now: Timestamp) -> Self {
        let Principal { issuer, subject, roles, customer, grade, scopes, .. } = principal.clone();
        let roles = Role::iter().filter(|role| roles.has(*role)).collect();
        Self { issuer, subject, roles, customer, grade, scopes, begun: now, used: now }
    }

    fn principal(&self) -> Principal {
        let Self { issuer, subject, roles, customer, grade, scopes, .. } = self.clone();
        let roles = roles.into_iter().filter(|role| *role != Role::Node).collect();
        Principal { issuer, subject, roles, customer, grade, scopes, rate: None }
    }
}

/// A session in memory.
struct Open {
    session: Session,
    principal: Arc<Principal>,
    used: i64,
}

impl Open {
    fn of(session: Session) -> Self {
        let principal = Arc::new(session.principal());
        let used = session.used.micros();
        Self { session, principal, used }
    }

    /// How long it would go on without being used, in microseconds.
    fn left(&self, now: i64) -> i64 {
        (self.used + IDLE).min(self.session.begun.micros() + LONGEST) - now
    }

    fn is_over(&self, now: i64) -> bool {
        self.left(now) <= 0
    }
}

/// A session that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// Whose it is.
    pub principal: Arc<Principal>,
    /// How long it would go on without being used, in microseconds.
    pub left: i64,
}

type Digest = [u8; 32];

/// The sessions of this node.
pub struct SessionStore {
    rows: NodeTree,
    machine: Machine,
    open: Mutex<HashMap<Digest, Open>>,
    ended: Arc<EndedLog>,
}

fn row_key(digest: &Digest) -> Vec<u8> {
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    KeyBuf::new(Space::State).text(&hex).build()
}

impl SessionStore {
    /// Reads the sessions of a store. A damaged one is none, and is reported.
    ///
    /// # Errors
    /// The error of the store.
    pub fn open(store: &Arc<dyn Store>, machine: Machine) -> Result<Self, StoreError> {
        let rows = NodeTree::open(store, TREE)?;
        let mut open = HashMap::new();
        let mut pages = Pages::over_scan(Scan::space(Space::State, PAGE));
        while let Some(page) = rows.next_page(&mut pages, 1)? {
            for (key, row) in &page {
                match codec::decode::<(Digest, Session)>(Space::State, &row.record) {
                    Ok((digest, session)) if row_key(&digest) == *key => {
                        open.insert(digest, Open::of(session));
                    }
                    Ok(_) => tracing::error!("a session is under the key of another"),
                    Err(StoreError::Damaged(what)) => {
                        tracing::error!(what, "a session is damaged and has ended");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self { rows, machine, open: Mutex::new(open), ended: Arc::default() })
    }

    /// What ends is written to `ended`.
    #[must_use]
    pub fn reporting_to(self, ended: Arc<EndedLog>) -> Self {
        Self { ended, ..self }
    }

    /// Begins a session of `principal` whose id has this digest, durably.
    ///
    /// # Errors
    /// [`SessionError`]
    pub async fn begin(
        &self,
        SessionDigest(digest): SessionDigest,
        principal: &Principal,
    ) -> Result<(), SessionError> {
        self.sweep().await?;
        {
            let open = sync::lock(&self.open);
            // The same login again is a question that was repeated.
            if let Some(begun) = open.get(&digest) {
                let is_same = begun.principal.as_ref() == principal;
                return if is_same { Ok(()) } else { Err(SessionError::Taken) };
            }
            if open.len() >= MOST {
                return Err(SessionError::TooMany);
            }
        }
        let session = Session::of(principal, self.machine.now());
        let record = codec::encode(Space::State, VERSION, &(digest, &session))?;
        self.rows.write_durably(row_key(&digest), Some(record)).await?;
        sync::lock(&self.open).insert(digest, Open::of(session));
        Ok(())
    }

    /// The session whose id has this digest, if it is open; it has been used now.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn find(
        &self,
        SessionDigest(digest): SessionDigest,
    ) -> Result<Option<OpenSession>, StoreError> {
        let now = self.machine.now();
        let (found, stale) = {
            let mut open = sync::lock(&self.open);
            let Some(found) = open.get_mut(&digest).filter(|open| !open.is_over(now.micros()))
            else {
                return Ok(None);
            };
            found.used = found.used.max(now.micros());
            // After a restart it counts as used up to a minute before it was.
            let is_stale = now.micros() >= found.session.used.micros() + MINUTE;
            let stale = is_stale.then(|| {
                found.session.used = now;
                found.session.clone()
            });
            let left = found.left(now.micros());
            (OpenSession { principal: Arc::clone(&found.principal), left }, stale)
        };
        if let Some(session) = stale {
            let record = codec::encode(Space::State, VERSION, &(digest, &session))?;
            self.rows.write_row(row_key(&digest), Some(record)).await?;
            // One that has ended meanwhile stays ended.
            if !sync::lock(&self.open).contains_key(&digest) {
                self.rows.write_durably(row_key(&digest), None).await?;
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// The session whose id has this digest, if it is open; that it is asked is no use of it.
    pub fn peek(&self, SessionDigest(digest): SessionDigest) -> Option<OpenSession> {
        let now = self.machine.now().micros();
        let open = sync::lock(&self.open);
        let found = open.get(&digest).filter(|open| !open.is_over(now))?;
        let left = found.left(now);
        Some(OpenSession { principal: Arc::clone(&found.principal), left })
    }

    /// Ends the session whose id has this digest, durably and at once.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn end(&self, digest: SessionDigest) -> Result<(), StoreError> {
        if sync::lock(&self.open).remove(&digest.0).is_some() {
            // Who keeps an answer about it must not wait for the disk.
            self.ended.push(Ended::Session(digest));
            self.rows.write_durably(row_key(&digest.0), None).await?;
        }
        Ok(())
    }

    /// Forgets the sessions that have ended.
    async fn sweep(&self) -> Result<(), StoreError> {
        let now = self.machine.now().micros();
        let over: Vec<Digest> = {
            let mut open = sync::lock(&self.open);
            let over = open.iter().filter(|(_, open)| open.is_over(now));
            let over: Vec<Digest> = over.map(|(digest, _)| *digest).collect();
            over.iter().for_each(|digest| drop(open.remove(digest)));
            over
        };
        for digest in over {
            self.rows.write_row(row_key(&digest), None).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credentials::session::session_id::SessionId, store::MemoryStore};
    use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

    struct Clock(Arc<AtomicI64>);

    impl Clock {
        fn new() -> Self {
            Self(Arc::new(AtomicI64::new(0)))
        }
        fn machine(&self) -> Machine {
            let shown = Arc::clone(&self.0);
            Machine::new(move || Timestamp::from_micros(shown.load(SeqCst)), || 0)
        }
        fn set_minute(&self, minute: i64) {
            self.0.store(minute * MINUTE, SeqCst);
        }
    }

    fn kim() -> Principal {
        Principal {
            issuer: "https://id.example".into(),
            subject: "kim".into(),
            roles: [Role::Customer, Role::Auditor].into_iter().collect(),
            customer: Some("7".into()),
            grade: Some("VIP".into()),
            scopes: vec!["bookrent".into()],
            rate: None,
        }
    }

    async fn begin(sessions: &SessionStore) -> SessionId {
        let id = SessionId::generate().unwrap();
        sessions.begin(id.digest(), &kim()).await.unwrap();
        id
    }

    async fn find(sessions: &SessionStore, id: &SessionId) -> Option<Arc<Principal>> {
        sessions.find(id.digest()).await.unwrap().map(|open| open.principal)
    }

    #[tokio::test]
    async fn a_session_ends_when_it_is_not_used_and_after_eight_hours_however_much_it_is() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let clock = Clock::new();
        let sessions = SessionStore::open(&store, clock.machine()).unwrap();
        let idle = begin(&sessions).await;
        let glance = || sessions.peek(idle.digest()).map(|open| open.principal);
        clock.set_minute(29);
        assert_eq!(glance().as_deref(), Some(&kim()));
        clock.set_minute(0);
        let used = begin(&sessions).await;
        for minute in (0..480).step_by(29) {
            clock.set_minute(minute);
            let found = find(&sessions, &used).await;
            assert_eq!(found.as_deref(), Some(&kim()), "{minute}");
        }
        assert!(glance().is_none() && find(&sessions, &idle).await.is_none());
        clock.set_minute(480);
        assert!(find(&sessions, &used).await.is_none());
        // What has ended is forgotten when another begins.
        begin(&sessions).await;
        assert_eq!(sync::lock(&sessions.open).len(), 1);
        assert_eq!(sync::lock(&SessionStore::open(&store, clock.machine()).unwrap().open).len(), 1);
    }

    #[tokio::test]
    async fn a_session_outlives_a_restart_with_its_times_and_its_end_does_too() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let clock = Clock::new();
        let sessions = SessionStore::open(&store, clock.machine()).unwrap();
        let kept = begin(&sessions).await;
        let ended = begin(&sessions).await;
        sessions.end(ended.digest()).await.unwrap();
        sessions.end(ended.digest()).await.unwrap();
        assert!(find(&sessions, &ended).await.is_none());
        // Ids of two sessions differ; one that is known is not taken for another login.
        sessions.begin(kept.digest(), &kim()).await.unwrap();
        let lee = Principal { subject: "lee".into(), ..kim() };
        let taken = sessions.begin(kept.digest(), &lee).await;
        assert!(matches!(taken, Err(SessionError::Taken)), "{taken:?}");
        clock.set_minute(20);
        assert!(find(&sessions, &kept).await.is_some());
        let reopened = SessionStore::open(&store, clock.machine()).unwrap();
        assert!(find(&reopened, &ended).await.is_none());
        clock.set_minute(49);
        assert_eq!(find(&reopened, &kept).await.as_deref(), Some(&kim()));
        clock.set_minute(79);
        assert!(find(&reopened, &kept).await.is_none());
    }

    #[tokio::test]
    async fn ids_are_not_kept_and_differ_and_a_damaged_session_costs_no_other() {
        let memory = MemoryStore::default();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let clock = Clock::new();
        let sessions = SessionStore::open(&store, clock.machine()).unwrap();
        let damaged = begin(&sessions).await;
        let other = begin(&sessions).await;
        assert_ne!(damaged.reveal(), other.reveal());
        assert_ne!(damaged.form_token(), other.form_token());
        assert_eq!(SessionId::parse(other.reveal()).unwrap(), other);
        assert!(SessionId::parse("short").is_none());
        assert!(!format!("{other:?}").contains(other.reveal()));
        memory.damage_row(TREE, &row_key(&damaged.digest().0), Some(vec![1, 2, 3]));
        let reopened = SessionStore::open(&store, clock.machine()).unwrap();
        assert!(find(&reopened, &damaged).await.is_none());
        assert!(find(&reopened, &other).await.is_some());
    }
}
