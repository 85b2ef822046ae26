//! When the keys of a provider are read, in paused time.

use super::*;
use futures_util::future::{join_all, ready};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio::time::{advance, sleep};

/// A provider whose keys are these names, and that may be away.
#[derive(Clone, Default)]
struct Fake {
    kids: Arc<Mutex<Option<Vec<&'static str>>>>,
    asked: Arc<AtomicUsize>,
    slow: bool,
}

impl Fake {
    fn with(kids: &[&'static str]) -> Self {
        let fake = Self::default();
        fake.publish(kids);
        fake
    }
    fn publish(&self, kids: &[&'static str]) {
        *sync::lock(&self.kids) = Some(kids.to_vec());
    }
    fn leave(&self) {
        *sync::lock(&self.kids) = None;
    }
    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

impl KeySource for Fake {
    fn fetch(&self) -> BoxFuture<'static, Result<Published, String>> {
        self.asked.fetch_add(1, SeqCst);
        let this = self.clone();
        async move {
            if this.slow {
                sleep(Duration::from_secs(1)).await;
            }
            let kids = sync::lock(&this.kids).clone().ok_or("away")?;
            let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
            let key = |kid| json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x });
            let keys = KeySet::read(kids.into_iter().map(key).collect())?;
            Ok(Published { keys, ..Published::default() })
        }
        .boxed()
    }
}

fn provider(source: &Fake) -> Arc<Provider> {
    Provider::new("https://id.example", source.clone(), Handle::current())
}

async fn find(provider: &Arc<Provider>, kid: &str) -> Result<u64, Unidentified> {
    provider.find_key(kid, TokenAlgorithm::EdDSA).await.map(|(_, generation)| generation)
}

fn is_unknown(found: &Result<u64, Unidentified>) -> bool {
    matches!(found, Err(Unidentified::Invalid(_)))
}

fn is_unavailable(found: &Result<u64, Unidentified>) -> bool {
    matches!(found, Err(Unidentified::Unavailable(_)))
}

#[tokio::test(start_paused = true)]
async fn however_many_wait_the_provider_is_asked_once() {
    let source = Fake { slow: true, ..Fake::with(&["a"]) };
    let provider = provider(&source);
    let found = join_all((0..100).map(|_| find(&provider, "a"))).await;
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    assert_eq!(source.asked(), 1);
    source.publish(&["b"]);
    let found = join_all((0..100).map(|_| find(&provider, "b"))).await;
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_leads_to_the_provider_once_in_thirty_seconds() {
    let source = Fake::with(&["a"]);
    let provider = provider(&source);
    assert_eq!(find(&provider, "a").await, Ok(1));
    for _ in 0..3 {
        assert!(is_unknown(&find(&provider, "b").await));
    }
    assert_eq!(source.asked(), 2);
    source.publish(&["a", "b"]);
    advance(Duration::from_secs(29)).await;
    assert!(is_unknown(&find(&provider, "b").await));
    assert_eq!(find(&provider, "a").await, Ok(1));
    advance(Duration::from_secs(1)).await;
    assert_eq!(find(&provider, "b").await, Ok(2));
    assert_eq!(source.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_again_before_they_are_old_and_no_request_waits_for_that() {
    let source = Fake::with(&["a"]);
    let provider = provider(&source);
    find(&provider, "a").await.unwrap();
    advance(RENEWED).await;
    source.publish(&["b"]);
    // It is begun here, and not waited for.
    assert_eq!(find(&provider, "a").now_or_never(), Some(Ok(1)));
    let reading = sync::lock(&provider.state).reading.clone();
    reading.unwrap().await;
    assert_eq!(source.asked(), 2);
    assert!(!provider.is_current(1));
    assert!(provider.is_current(2));
    assert_eq!(find(&provider, "b").now_or_never(), Some(Ok(2)));
}

#[tokio::test(start_paused = true)]
async fn old_keys_judge_nothing_where_the_provider_is_there() {
    let source = Fake::with(&["a"]);
    let provider = provider(&source);
    find(&provider, "a").await.unwrap();
    source.publish(&["b"]);
    advance(KEPT).await;
    assert!(!provider.is_current(1));
    assert!(is_unknown(&find(&provider, "a").await));
    assert_eq!(find(&provider, "b").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn the_last_good_set_serves_while_the_provider_is_away() {
    let source = Fake::with(&["a"]);
    let provider = provider(&source);
    find(&provider, "a").await.unwrap();
    source.leave();
    advance(KEPT).await;
    assert_eq!(find(&provider, "a").await, Ok(1));
    assert!(provider.is_current(1));
    let asked = source.asked();
    for _ in 0..10 {
        assert_eq!(find(&provider, "a").now_or_never(), Some(Ok(1)));
    }
    assert_eq!(source.asked(), asked);
    // It is asked again now and then, and its new keys count when it is back.
    source.publish(&["b"]);
    advance(PAUSE).await;
    assert_eq!(find(&provider, "a").now_or_never(), Some(Ok(1)));
    assert_eq!(find(&provider, "b").await, Ok(2));
    assert_eq!(source.asked(), asked + 1);
    assert!(is_unknown(&find(&provider, "a").await));
}

#[tokio::test(start_paused = true)]
async fn without_keys_nothing_is_judged_and_the_provider_is_not_flooded() {
    let source = Fake::default();
    let provider = provider(&source);
    for _ in 0..10 {
        assert!(is_unavailable(&find(&provider, "a").await));
    }
    assert_eq!(source.asked(), 1);
    assert!(!provider.is_current(1));
    source.publish(&["a"]);
    advance(SHORT_PAUSE).await;
    assert_eq!(find(&provider, "a").await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn where_browsers_sign_in_is_known_as_long_as_the_keys_are() {
    let source = Fake::default();
    let provider = provider(&source);
    assert!(matches!(provider.endpoints().await, Err(Unidentified::Unavailable(_))));
    source.publish(&["a"]);
    advance(SHORT_PAUSE).await;
    assert_eq!(provider.endpoints().await, Ok(Endpoints::default()));
    source.leave();
    advance(KEPT).await;
    assert!(provider.endpoints().await.is_ok());
}

/// A source that panics.
struct Broken;

impl KeySource for Broken {
    fn fetch(&self) -> BoxFuture<'static, Result<Published, String>> {
        ready(()).map(|()| panic!("broken")).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_panics_is_one_that_failed() {
    let provider = Provider::new("https://id.example", Broken, Handle::current());
    assert!(is_unavailable(&find(&provider, "a").await));
    advance(SHORT_PAUSE).await;
    assert!(is_unavailable(&find(&provider, "a").await));
}
