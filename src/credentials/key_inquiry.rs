//! Keys that another node keeps: it is asked, and a yes is kept for a while.

use super::{
    api_key::{ApiKey, KeyId, KeyText, NewKey},
    ended::{Ended, ForgetEnded},
    kept_answers::KeptAnswers,
};
use crate::{
    actors::Machine,
    domain::Timestamp,
    identity::{Principal, Role, Unidentified},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is asked about a key: never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyQuestion {
    /// Its public part.
    pub id: KeyId,
    /// The digest of its secret.
    digest: String,
}

impl KeyQuestion {
    /// About the key that `text` shows.
    fn about(text: &KeyText) -> Self {
        Self { id: text.id.clone(), digest: BASE64_URL_SAFE_NO_PAD.encode(text.digest()) }
    }

    /// What is answered where `key` has the id that is asked about.
    pub fn answer(&self, key: Option<&ApiKey>, now: Timestamp) -> KeyAnswer {
        let digest = BASE64_URL_SAFE_NO_PAD.decode(&self.digest).unwrap_or_default();
        let is_this = |key: &&ApiKey| key.id == self.id && key.has_digest(&digest);
        let key = key.filter(is_this).filter(|key| key.is_valid(now));
        KeyAnswer { holder: key.map(|key| KeyHolder::from(&key.about)) }
    }
}

/// What is answered: who the holder of a valid key is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyAnswer {
    /// The holder; `None`: there is no such key, or it has ended.
    pub holder: Option<KeyHolder>,
}

/// The holder of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyHolder {
    roles: Vec<Role>,
    customer: Option<String>,
    scopes: Vec<String>,
    rate: Option<u64>,
    expires: Option<Timestamp>,
}

impl From<&NewKey> for KeyHolder {
    fn from(about: &NewKey) -> Self {
        let NewKey { roles, customer, scopes, rate, expires, .. } = about.clone();
        Self { roles, customer, scopes, rate, expires }
    }
}

impl KeyHolder {
    /// Who the holder of the key with this id is.
    pub fn principal(&self, id: &KeyId) -> Principal {
        Principal {
            issuer: "key".into(),
            subject: id.as_str().into(),
            roles: self.roles.iter().copied().collect(),
            customer: self.customer.clone(),
            scopes: self.scopes.clone(),
            rate: self.rate.map(|rate| u32::try_from(rate).unwrap_or(u32::MAX)),
            ..Principal::default()
        }
    }
}

impl ApiKey {
    /// Who its holder is.
    pub fn principal(&self) -> Principal {
        KeyHolder::from(&self.about).principal(&self.id)
    }
}

/// The way to the node that keeps the keys.
pub trait AskKeeper: Send + Sync {
    /// What it answers, or why it does not.
    fn ask(&self, question: KeyQuestion) -> BoxFuture<'static, Result<KeyAnswer, String>>;
}

/// The keys of another node.
pub struct KeyInquiry {
    keeper: Arc<dyn AskKeeper>,
    machine: Machine,
    kept: KeptAnswers<KeyQuestion>,
}

impl KeyInquiry {
    /// Asks `keeper`. What it answers is kept by the clock of `machine`.
    pub fn new(keeper: Arc<dyn AskKeeper>, machine: Machine) -> Self {
        Self { keeper, machine, kept: KeptAnswers::default() }
    }

    /// The holder of the key that `text` shows; `None`: there is no such key, or it has ended.
    ///
    /// # Errors
    /// [`Unidentified::Unavailable`] where its keeper does not answer.
    pub async fn find(&self, text: &KeyText) -> Result<Option<Arc<Principal>>, Unidentified> {
        let question = KeyQuestion::about(text);
        let before = match self.kept.find(&question, self.machine.now()) {
            Ok(holder) => return Ok(Some(holder)),
            Err(before) => before,
        };
        let answer = self.keeper.ask(question.clone()).await.map_err(|why| {
            tracing::warn!(why, "the node that keeps the keys does not answer");
            Unidentified::Unavailable("the node that keeps the keys does not answer")
        })?;
        let Some(holder) = answer.holder else { return Ok(None) };
        let principal = Arc::new(holder.principal(&question.id));
        self.kept.keep(question, Arc::clone(&principal), holder.expires, before);
        Ok(Some(principal))
    }
}

impl ForgetEnded for KeyInquiry {
    fn forget(&self, ended: &Ended) {
        if let Ended::Key(ended) = ended {
            self.kept.forget(|question| question.id == *ended);
        }
    }

    fn forget_all(&self) {
        self.kept.forget(|_| true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credentials::kept_answers::KEPT, sync};
    use futures_util::FutureExt;
    use std::sync::{
        Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed},
    };

    /// A keeper of one key, which counts how often it is asked.
    struct Keeper {
        key: Mutex<Option<ApiKey>>,
        is_away: Mutex<bool>,
        asked: AtomicUsize,
        clock: Arc<AtomicI64>,
    }

    impl AskKeeper for Keeper {
        fn ask(&self, question: KeyQuestion) -> BoxFuture<'static, Result<KeyAnswer, String>> {
            self.asked.fetch_add(1, Relaxed);
            let now = Timestamp::from_micros(self.clock.load(Relaxed));
            // As it travels.
            let sent = serde_json::to_string(&question).unwrap();
            let received: KeyQuestion = serde_json::from_str(&sent).unwrap();
            let answer = received.answer(sync::lock(&self.key).as_ref(), now);
            let answer = serde_json::to_string(&answer).unwrap();
            let answer = serde_json::from_str(&answer).unwrap();
            let is_away = *sync::lock(&self.is_away);
            std::future::ready(if is_away { Err("away".to_owned()) } else { Ok(answer) }).boxed()
        }
    }

    fn asking(about: NewKey) -> (KeyText, Arc<Keeper>, KeyInquiry) {
        let text = KeyText::generate().unwrap();
        let key = ApiKey::new(&text, about, Timestamp::from_micros(0));
        let clock = Arc::new(AtomicI64::new(0));
        let keeper = Arc::new(Keeper {
            key: Mutex::new(Some(key)),
            is_away: Mutex::new(false),
            asked: AtomicUsize::new(0),
            clock: clock.clone(),
        });
        let machine = Machine::new(move || Timestamp::from_micros(clock.load(Relaxed)), || 0);
        (text, keeper.clone(), KeyInquiry::new(keeper, machine))
    }

    fn about() -> NewKey {
        let roles = vec![Role::Customer];
        let customer = Some("7".to_owned());
        NewKey { name: "shop".into(), roles, customer, ..NewKey::default() }
    }

    fn revoke(keeper: &Keeper) {
        if let Some(key) = sync::lock(&keeper.key).as_mut() {
            key.revoked = Some(Timestamp::from_micros(0));
        }
    }

    #[tokio::test]
    async fn a_yes_is_kept_for_half_a_minute_and_a_revocation_arrives_by_then() {
        let (text, keeper, inquiry) = asking(about());
        let holder = inquiry.find(&text).await.unwrap().unwrap();
        let kept = sync::lock(&keeper.key).clone().unwrap();
        assert_eq!(*holder, kept.principal());
        revoke(&keeper);
        keeper.clock.store(KEPT - 1, Relaxed);
        assert!(inquiry.find(&text).await.unwrap().is_some());
        assert_eq!(keeper.asked.load(Relaxed), 1);
        keeper.clock.store(KEPT, Relaxed);
        assert_eq!(inquiry.find(&text).await, Ok(None));
        assert_eq!(keeper.asked.load(Relaxed), 2);
    }

    #[tokio::test]
    async fn a_revocation_that_becomes_known_ends_a_kept_yes_at_once() {
        let (text, keeper, inquiry) = asking(about());
        assert!(inquiry.find(&text).await.unwrap().is_some());
        let other = KeyText::generate().unwrap();
        inquiry.forget(&Ended::Key(other.id));
        assert!(inquiry.find(&text).await.unwrap().is_some());
        assert_eq!(keeper.asked.load(Relaxed), 1, "the yes is kept");
        // The clock does not move on.
        revoke(&keeper);
        inquiry.forget(&Ended::Key(text.id.clone()));
        assert_eq!(inquiry.find(&text).await, Ok(None));
        inquiry.forget_all();
        assert_eq!(inquiry.find(&text).await, Ok(None));
    }

    #[tokio::test]
    async fn a_key_ends_here_when_it_ends_there() {
        let expires = Some(Timestamp::from_micros(1_000));
        let (text, keeper, inquiry) = asking(NewKey { expires, ..about() });
        assert!(inquiry.find(&text).await.unwrap().is_some());
        keeper.clock.store(1_000, Relaxed);
        assert_eq!(inquiry.find(&text).await, Ok(None));
    }

    #[tokio::test]
    async fn no_other_secret_is_taken_for_the_key_and_no_is_not_kept() {
        let (text, keeper, inquiry) = asking(about());
        let mut forged = text.reveal();
        let last = if forged.ends_with('A') { "E" } else { "A" };
        forged.replace_range(forged.len() - 1.., last);
        let forged = KeyText::parse(&forged).unwrap();
        for _ in 0..2 {
            assert_eq!(inquiry.find(&forged).await, Ok(None));
        }
        assert_eq!(keeper.asked.load(Relaxed), 2);
        assert!(inquiry.find(&text).await.unwrap().is_some());
        assert_eq!(inquiry.find(&forged).await, Ok(None));
    }

    #[tokio::test]
    async fn while_its_keeper_is_away_a_key_is_neither_good_nor_bad() {
        let (text, keeper, inquiry) = asking(about());
        *sync::lock(&keeper.is_away) = true;
        let unknown = inquiry.find(&text).await;
        assert!(matches!(unknown, Err(Unidentified::Unavailable(_))), "{unknown:?}");
        *sync::lock(&keeper.is_away) = false;
        assert!(inquiry.find(&text).await.unwrap().is_some());
        *sync::lock(&keeper.is_away) = true;
        assert!(inquiry.find(&text).await.unwrap().is_some());
    }
}
