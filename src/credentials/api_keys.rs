//! Identifies the holders of API keys.

use super::{api_key::KeyText, key_inquiry::KeyInquiry, key_store::KeyStore};
use crate::identity::{Credentials, Identify, Principal, Unidentified};
use futures_util::{FutureExt, future::BoxFuture};
use std::{future::ready, sync::Arc};

/// What is said of every key that opens nothing, so that it cannot be told which part of it was wrong.
const INVALID: Unidentified = Unidentified::Invalid("there is no such key, or it has ended");

/// Identifies by `Authorization: Bearer hf_…`.
pub struct ApiKeys {
    keys: Arc<KeyStore>,
    elsewhere: Option<Arc<KeyInquiry>>,
}

impl ApiKeys {
    /// Identifies by `keys`, and by those that another node keeps `elsewhere`.
    pub fn new(keys: Arc<KeyStore>, elsewhere: Option<Arc<KeyInquiry>>) -> Self {
        Self { keys, elsewhere }
    }

    async fn find(&self, text: &str) -> Result<Arc<Principal>, Unidentified> {
        let shown = KeyText::parse(text).ok_or(INVALID)?;
        if let Some(key) = self.keys.find(&shown.id) {
            let is_valid = key.is_shown_by(&shown) && key.is_valid(self.keys.now());
            return is_valid.then(|| Arc::new(key.principal())).ok_or(INVALID);
        }
        let Some(elsewhere) = &self.elsewhere else { return Err(INVALID) };
        elsewhere.find(&shown).await?.ok_or(INVALID)
    }
}

impl Identify for ApiKeys {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
        let bearer = credentials.bearer().filter(|text| KeyText::is_of_this_kind(text));
        let Some(text) = bearer else { return ready(Ok(None)).boxed() };
        self.find(text).map(|found| found.map(Some)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actors::Machine,
        credentials::NewKey,
        domain::Timestamp,
        identity::Role,
        store::{MemoryStore, Store},
    };
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    const NOW: Timestamp = Timestamp::from_micros(1_000);
    const LATER: Timestamp = Timestamp::from_micros(2_000);

    /// Keys, and the clock that they end by, in microseconds.
    fn keys() -> (Arc<KeyStore>, Arc<AtomicI64>) {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let clock = Arc::new(AtomicI64::new(NOW.micros()));
        let shown = clock.clone();
        let machine = Machine::new(move || Timestamp::from_micros(shown.load(Relaxed)), || 0);
        (Arc::new(KeyStore::open(&store, machine).unwrap()), clock)
    }

    async fn shown(way: &ApiKeys, header: &str) -> Result<Option<Arc<Principal>>, Unidentified> {
        let credentials = Credentials { authorization: Some(header), ..Credentials::default() };
        way.identify(credentials).await
    }

    #[tokio::test]
    async fn a_key_identifies_its_holder_until_it_ends_or_is_revoked() {
        let (kept, clock) = keys();
        let about = NewKey {
            name: "shop".into(),
            roles: vec![Role::Customer],
            customer: Some("7".into()),
            scopes: vec!["bookrent".into()],
            expires: Some(LATER),
            ..NewKey::default()
        };
        let text = kept.add(about).await.unwrap();
        let header = format!("Bearer {}", text.reveal());
        let way = ApiKeys::new(kept.clone(), None);
        let holder = shown(&way, &header).await.unwrap().unwrap();
        assert_eq!((holder.issuer.as_str(), holder.subject.as_str()), ("key", text.id.as_str()));
        assert_eq!(holder.customer.as_deref(), Some("7"));
        assert_eq!(holder.scopes, ["bookrent"]);
        assert!(holder.roles.has(Role::Customer) && !holder.roles.has(Role::Staff));
        clock.store(LATER.micros(), Relaxed);
        assert_eq!(shown(&way, &header).await, Err(INVALID));
        clock.store(NOW.micros(), Relaxed);
        assert!(shown(&way, &header).await.is_ok());
        kept.revoke(&text.id).await.unwrap();
        assert_eq!(shown(&way, &header).await, Err(INVALID));
    }

    #[tokio::test]
    async fn other_credentials_are_left_to_other_ways_and_wrong_keys_are_not() {
        let way = ApiKeys::new(keys().0, None);
        for other in ["Bearer eyJhbGciOiJSUzI1NiJ9.e30.x", "Basic aGY6aGY=", ""] {
            assert_eq!(shown(&way, other).await, Ok(None), "{other}");
        }
        let unknown = KeyText::generate().unwrap().reveal();
        for wrong in ["hf_", "hf_a_b", unknown.as_str()] {
            let header = format!("Bearer {wrong}");
            assert_eq!(shown(&way, &header).await, Err(INVALID), "{wrong}");
        }
    }
}
