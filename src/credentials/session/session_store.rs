//! Where sessions are kept: a tree of the node, all of it in memory as well.

use super::session_id::SessionId;
use crate::{
    actors::{Machine, NodeTree},
    credentials::api_key::NoRandomness,
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
    /// No id can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
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

    fn is_over(&self, now: i64) -> bool {
        now >= self.used + IDLE || now >= self.session.begun.micros() + LONGEST
    }
}

type Digest = [u8; 32];

/// The sessions of this node.
pub struct SessionStore {
    rows: NodeTree,
    machine: Machine,
    open: Mutex<HashMap<Digest, Open>>,
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
        Ok(Self { rows, machine, open: Mutex::new(open) })
    }

    /// Begins a session of `principal`, durably.
    ///
    /// # Errors
    /// [`SessionError`]
    pub async fn begin(&self, principal: &Principal) -> Result<SessionId, SessionError> {
        self.sweep().await?;
        if sync::lock(&self.open).len() >= MOST {
            return Err(SessionError::TooMany);
        }
        let id = SessionId::generate()?;
        let session = Session::of(principal, self.machine.now());
        let digest = id.digest();
        let record = codec::encode(Space::State, VERSION, &(digest, &session))?;
        self.rows.write_durably(row_key(&digest), Some(record)).await?;
        sync::lock(&self.open).insert(digest, Open::of(session));
        Ok(id)
    }

    /// Whose session this is, if it is open; it has been used now.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn find(&self, id: &SessionId) -> Result<Option<Arc<Principal>>, StoreError> {
        let now = self.machine.now();
        let digest = id.digest();
        let (principal, stale) = {
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
            (Arc::clone(&found.principal), stale)
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
        Ok(Some(principal))
    }

    /// Whose session this is, if it is open; that it is asked is no use of it.
    pub fn peek(&self, id: &SessionId) -> Option<Arc<Principal>> {
        let now = self.machine.now().micros();
        let open = sync::lock(&self.open);
        let found = open.get(&id.digest()).filter(|open| !open.is_over(now));
        found.map(|found| Arc::clone(&found.principal))
    }

    /// Ends a session, durably and at once.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn end(&self, id: &SessionId) -> Result<(), StoreError> {
        let digest = id.digest();
        if sync::lock(&self.open).remove(&digest).is_some() {
            self.rows.write_durably(row_key(&digest), None).await?;
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
    use crate::store::MemoryStore;
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

    #[tokio::test]
    async fn a_session_ends_when_it_is_not_used_and_after_eight_hours_however_much_it_is() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let clock = Clock::new();
        let sessions = SessionStore::open(&store, clock.machine()).unwrap();
        let idle = sessions.begin(&kim()).await.unwrap();
        clock.set_minute(29);
        assert_eq!(sessions.peek(&idle).as_deref(), Some(&kim()));
        clock.set_minute(0);
        let used = sessions.begin(&kim()).await.unwrap();
        for minute in (0..480).step_by(29) {
            clock.set_minute(minute);
            let found = sessions.find(&used).await.unwrap();
            assert_eq!(found.as_deref(), Some(&kim()), "{minute}");
        }
        assert!(sessions.peek(&idle).is_none());
        assert!(sessions.find(&idle).await.unwrap().is_none());
        clock.set_minute(480);
        assert!(sessions.find(&used).await.unwrap().is_none());
        // What has ended is forgotten when another begins.
        sessions.begin(&kim()).await.unwrap();
        assert_eq!(sync::lock(&sessions.open).len(), 1);
        assert_eq!(sync::lock(&SessionStore::open(&store, clock.machine()).unwrap().open).len(), 1);
    }

    #[tokio::test]
    async fn a_session_outlives_a_restart_with_its_times_and_its_end_does_too() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let clock = Clock::new();
        let sessions = SessionStore::open(&store, clock.machine()).unwrap();
        let kept = sessions.begin(&kim()).await.unwrap();
        let ended = sessions.begin(&kim()).await.unwrap();
        sessions.end(&ended).await.unwrap();
        sessions.end(&ended).await.unwrap();
        assert!(sessions.find(&ended).await.unwrap().is_none());
        clock.set_minute(20);
        assert!(sessions.find(&kept).await.unwrap().is_some());
        let reopened = SessionStore::open(&store, clock.machine()).unwrap();
        assert!(reopened.find(&ended).await.unwrap().is_none());
        clock.set_minute(49);
        assert_eq!(reopened.find(&kept).await.unwrap().as_deref(), Some(&kim()));
        clock.set_minute(79);
        assert!(reopened.find(&kept).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn ids_are_not_kept_and_differ_and_a_damaged_session_costs_no_other() {
        let memory = MemoryStore::default();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let clock = Clock::new();
        let sessions = SessionStore::open(&store, clock.machine()).unwrap();
        let damaged = sessions.begin(&kim()).await.unwrap();
        let other = sessions.begin(&kim()).await.unwrap();
        assert_ne!(damaged.reveal(), other.reveal());
        assert_ne!(damaged.form_token(), other.form_token());
        assert_eq!(SessionId::parse(other.reveal()).unwrap(), other);
        assert!(SessionId::parse("short").is_none());
        assert!(!format!("{other:?}").contains(other.reveal()));
        memory.damage_row(TREE, &row_key(&damaged.digest()), Some(vec![1, 2, 3]));
        let reopened = SessionStore::open(&store, clock.machine()).unwrap();
        assert!(reopened.find(&damaged).await.unwrap().is_none());
        assert!(reopened.find(&other).await.unwrap().is_some());
    }
}
