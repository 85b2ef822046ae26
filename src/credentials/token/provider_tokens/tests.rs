//! What a token must be, row by row.

use super::*;
use crate::{
    credentials::token::{
        issuer::RoleName,
        key_set::{KeySet, TokenAlgorithm},
        provider::Published,
    },
    domain::Timestamp,
    identity::Role,
};
use futures_util::future::ready;
use serde_json::{Value, json};
use std::sync::{
    LazyLock,
    atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
};
use support::issuer::{TokenKey, base64url};

const URL: &str = "https://id.example/shop";
const NOW: i64 = 1_800_000_000;

static RSA: LazyLock<TokenKey> = LazyLock::new(|| TokenKey::generate("RS256", "rsa"));
static EC: LazyLock<TokenKey> = LazyLock::new(|| TokenKey::generate("ES256", "ec"));
static ED: LazyLock<TokenKey> = LazyLock::new(|| TokenKey::generate("EdDSA", "ed"));

/// A provider that publishes these keys.
#[derive(Clone)]
struct Keys(Arc<Mutex<Vec<Value>>>, Arc<AtomicUsize>);

impl Keys {
    fn of(keys: &[&TokenKey]) -> Self {
        let published = Self(Arc::default(), Arc::default());
        published.publish(keys);
        published
    }
    fn publish(&self, keys: &[&TokenKey]) {
        *sync::lock(&self.0) = keys.iter().map(|key| key.jwk()).collect();
    }
}

impl KeySource for Keys {
    fn fetch(&self) -> futures_util::future::BoxFuture<'static, Result<Published, String>> {
        self.1.fetch_add(1, SeqCst);
        let keys = KeySet::read(sync::lock(&self.0).clone());
        ready(keys.map(|keys| Published { keys, ..Published::default() })).boxed()
    }
}

fn issuer() -> Issuer {
    Issuer {
        url: URL.into(),
        audience: "holdfast".into(),
        algorithms: vec![TokenAlgorithm::RS256, TokenAlgorithm::ES256, TokenAlgorithm::EdDSA],
        roles_claim: "roles".into(),
        customer_claim: "customer".into(),
        grade_claim: "grade".into(),
        roles: Vec::new(),
    }
}

fn machine(clock: &Arc<AtomicI64>) -> Machine {
    let clock = Arc::clone(clock);
    Machine::new(move || Timestamp::from_micros(clock.load(SeqCst) * 1_000_000), || 0)
}

fn trusting(issuer: Issuer, source: &Keys, clock: &Arc<AtomicI64>) -> ProviderTokens {
    let runtime = Handle::current();
    ProviderTokens::with_sources(vec![(issuer, source.clone())], &runtime, machine(clock))
}

fn tokens(issuer: Issuer) -> ProviderTokens {
    let source = Keys::of(&[&RSA, &EC, &ED]);
    trusting(issuer, &source, &Arc::new(AtomicI64::new(NOW)))
}

async fn shown(
    tokens: &ProviderTokens,
    token: &str,
) -> Result<Option<Arc<Principal>>, Unidentified> {
    let header = format!("Bearer {token}");
    let credentials = Credentials { authorization: Some(&header), ..Credentials::default() };
    tokens.identify(credentials).await
}

fn claims() -> Value {
    json!({
        "iss": URL, "aud": "holdfast", "sub": "kim", "exp": NOW + 3600, "iat": NOW - 1, "nbf": NOW - 1,
        "roles": ["customer"], "customer": 7, "grade": "VIP", "scope": "openid holdfast:bookrent",
    })
}

/// The claims, with one of them changed; without it where the value is null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[tokio::test]
async fn a_token_of_each_algorithm_says_who_its_holder_is() {
    let tokens = tokens(issuer());
    for key in [&*RSA, &*EC, &*ED] {
        let principal = shown(&tokens, &key.sign(&claims())).await.unwrap().unwrap();
        let expected = Principal {
            issuer: URL.into(),
            subject: "kim".into(),
            roles: [Role::Customer].into_iter().collect(),
            customer: Some("7".into()),
            grade: Some("VIP".into()),
            scopes: vec!["bookrent".into()],
            rate: None,
        };
        assert_eq!(*principal, expected, "{}", key.algorithm());
    }
}

#[tokio::test]
async fn the_claims_are_judged_row_by_row() {
    let tokens = tokens(issuer());
    let null = Value::Null;
    let long = "x".repeat(256);
    let rows = [
        ("iss", null.clone(), false),
        ("iss", json!("https://id.example/shop/"), false),
        ("iss", json!("https://evil.example"), false),
        ("iss", json!([URL]), false),
        ("aud", null.clone(), false),
        ("aud", json!("other"), false),
        ("aud", json!(["other"]), false),
        ("aud", json!([]), false),
        ("aud", json!({ "holdfast": true }), false),
        ("aud", json!(["other", "holdfast"]), true),
        ("sub", null.clone(), false),
        ("sub", json!(""), false),
        ("sub", json!(" "), false),
        ("sub", json!(7), false),
        ("sub", json!("a\nb"), false),
        ("sub", json!(long), false),
        ("sub", json!(&long[1..]), true),
        ("exp", null.clone(), false),
        ("exp", json!("1900000000"), false),
        ("exp", json!(-1), false),
        ("exp", json!(NOW - 30), false),
        ("exp", json!(NOW - 29), true),
        ("exp", json!(NOW as f64 + 0.5), true),
        ("exp", json!(1e300), true),
        ("exp", json!(-1e300), false),
        ("nbf", null.clone(), true),
        ("nbf", json!(NOW + 30), true),
        ("nbf", json!(NOW + 31), false),
        ("nbf", json!("0"), false),
        ("iat", null.clone(), true),
        ("iat", json!(NOW + 30), true),
        ("iat", json!(NOW + 31), false),
        ("iat", json!(true), false),
        ("cnf", json!({ "jkt": "x" }), false),
        ("cnf", json!(false), false),
        ("roles", null.clone(), true),
        ("roles", json!("customer staff"), true),
        ("roles", json!([7]), false),
        ("roles", json!({ "staff": true }), false),
        ("customer", null.clone(), true),
        ("customer", json!("A"), true),
        ("customer", json!(""), false),
        ("customer", json!(7.5), false),
        ("customer", json!(["7"]), false),
        ("customer", json!("x".repeat(101)), false),
        ("customer", json!("a\u{202e}b"), false),
        ("grade", null.clone(), true),
        ("grade", json!({}), false),
        ("scope", null, true),
        ("scope", json!(["openid", "holdfast:movie"]), true),
        ("scope", json!(7), false),
        ("email", json!("kim@example.org"), true),
    ];
    for (name, value, is_valid) in rows {
        let token = ED.sign(&with(name, value.clone()));
        let found = shown(&tokens, &token).await;
        assert_eq!(found.is_ok(), is_valid, "{name} {value}: {found:?}");
        assert!(is_valid || matches!(found, Err(Unidentified::Invalid(_))), "{name} {value}");
    }
}

#[tokio::test]
async fn the_header_is_judged_row_by_row() {
    let tokens = tokens(issuer());
    let rows = [
        (json!({}), true),
        (json!({ "typ": null }), true),
        (json!({ "typ": "JWT" }), true),
        (json!({ "typ": "application/at+jwt" }), true),
        (json!({ "typ": "dpop+jwt" }), false),
        (json!({ "typ": "logout+jwt" }), false),
        (json!({ "typ": "" }), false),
        (json!({ "typ": 7 }), false),
        (json!({ "kid": null }), false),
        (json!({ "kid": "" }), false),
        (json!({ "kid": "rsa" }), false),
        (json!({ "kid": "unknown" }), false),
        (json!({ "kid": ["ed"] }), false),
        (json!({ "alg": "none" }), false),
        (json!({ "alg": "None" }), false),
        (json!({ "alg": "HS256" }), false),
        (json!({ "alg": "RS256" }), false),
        (json!({ "alg": "ES256" }), false),
        (json!({ "alg": "eddsa" }), false),
        (json!({ "alg": "PS256" }), false),
        (json!({ "alg": null }), false),
        (json!({ "jku": "https://evil.example/keys" }), false),
        (json!({ "x5u": "https://evil.example/cert" }), false),
        (json!({ "jwk": ED.jwk() }), false),
        (json!({ "jwk": null }), false),
        (json!({ "crit": ["exp"] }), false),
        (json!({ "crit": [] }), false),
        (json!({ "x5t": "abc" }), true),
    ];
    for (changes, is_valid) in rows {
        let mut header = ED.header();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        let token = ED.sign_text(&header.to_string(), &claims().to_string());
        let found = shown(&tokens, &token).await;
        assert_eq!(found.is_ok(), is_valid, "{changes}: {found:?}");
        assert!(is_valid || matches!(found, Err(Unidentified::Invalid(_))), "{changes}");
    }
}

#[tokio::test]
async fn what_is_signed_with_another_key_or_changed_afterwards_is_refused() {
    let tokens = tokens(issuer());
    for (genuine, kid) in [(&*RSA, "rsa"), (&*EC, "ec"), (&*ED, "ed")] {
        let forger = TokenKey::generate(genuine.algorithm(), kid);
        let forged = shown(&tokens, &forger.sign(&claims())).await;
        assert!(matches!(forged, Err(Unidentified::Invalid(_))), "{kid}");
        let token = genuine.sign(&claims());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let admin = base64url(with("roles", json!(["admin"])).to_string());
        for changed in [
            format!("{header}.{admin}.{signature}"),
            format!("{message}."),
            format!("{message}.{signature}="),
            format!("{message}.{}", &signature[1..]),
            format!("{message}.{signature}AA"),
        ] {
            let found = shown(&tokens, &changed).await;
            assert!(matches!(found, Err(Unidentified::Invalid(_))), "{changed}");
        }
    }
    // The public key is no secret that signs.
    let unsigned = base64url(r#"{"alg":"none"}"#);
    let unsigned = format!("{unsigned}.{}.", base64url(claims().to_string()));
    assert!(shown(&tokens, &unsigned).await.is_err());
}

#[tokio::test]
async fn what_is_no_token_is_left_to_other_ways_and_what_is_too_long_is_refused() {
    let tokens = tokens(issuer());
    for other in ["", "hf_a_b", "a.b", "a.b.c", "a.b.c.d.e", "W10.e30.x", "..", "not a token"] {
        assert_eq!(shown(&tokens, other).await, Ok(None), "{other}");
    }
    let without = Credentials { cookie: Some("a=b"), ..Credentials::default() };
    assert_eq!(tokens.identify(without).await, Ok(None));
    let valid = ED.sign(&with("padding", json!("x".repeat(5 << 10))));
    assert!(valid.len() < 8 << 10 && shown(&tokens, &valid).await.is_ok());
    let long = ED.sign(&with("padding", json!("x".repeat(6 << 10))));
    assert!(long.len() > 8 << 10);
    let found = shown(&tokens, &long).await;
    assert!(matches!(found, Err(Unidentified::Invalid(why)) if why.contains("8 KiB")), "{found:?}");
}

#[tokio::test]
async fn roles_are_those_of_the_server_or_those_that_the_words_mean_and_never_node() {
    let plain = tokens(issuer());
    let roles = async |tokens: &ProviderTokens, claim: Value| {
        shown(tokens, &ED.sign(&with("roles", claim))).await.unwrap().unwrap().roles
    };
    let set = |roles: &[Role]| roles.iter().copied().collect();
    assert_eq!(roles(&plain, json!(["staff", "node", "root"])).await, set(&[Role::Staff]));
    assert_eq!(
        roles(&plain, json!("operator auditor")).await,
        set(&[Role::Operator, Role::Auditor])
    );
    let named = |text: &str| text.parse::<RoleName>();
    let words = ["shop manager=staff", "a=b=admin", "user = customer"];
    let words = words.iter().map(|text| named(text).unwrap()).collect();
    let mapped = tokens(Issuer { roles: words, roles_claim: "/realm/roles".into(), ..issuer() });
    let claim = json!({ "roles": ["shop manager", "admin", "a=b", "node"] });
    let token = ED.sign(&with("realm", claim));
    let principal = shown(&mapped, &token).await.unwrap().unwrap();
    assert_eq!(principal.roles, set(&[Role::Staff, Role::Admin]));
    for wrong in ["", "staff", "=staff", "a=", "a=node", "a=Staff"] {
        assert!(named(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_token_is_for_the_issuer_that_it_names_and_for_its_algorithms() {
    let other = Issuer { url: "https://other.example".into(), audience: "shop".into(), ..issuer() };
    let first = Issuer { algorithms: vec![TokenAlgorithm::RS256], ..issuer() };
    let sources = [Keys::of(&[&RSA, &ED]), Keys::of(&[&EC])];
    let trusted = vec![(first, sources[0].clone()), (other, sources[1].clone())];
    let clock = Arc::new(AtomicI64::new(NOW));
    let tokens = ProviderTokens::with_sources(trusted, &Handle::current(), machine(&clock));
    assert!(shown(&tokens, &RSA.sign(&claims())).await.is_ok());
    assert!(shown(&tokens, &ED.sign(&claims())).await.is_err(), "it is not among its algorithms");
    assert!(shown(&tokens, &EC.sign(&claims())).await.is_err(), "it is a key of another issuer");
    let mut of_other = with("iss", json!("https://other.example"));
    assert!(shown(&tokens, &EC.sign(&of_other)).await.is_err(), "it is for another audience");
    of_other["aud"] = json!("shop");
    let principal = shown(&tokens, &EC.sign(&of_other)).await.unwrap().unwrap();
    assert_eq!(principal.issuer, "https://other.example");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_verified_ends_with_its_time_and_with_its_key() {
    let source = Keys::of(&[&ED]);
    let clock = Arc::new(AtomicI64::new(NOW));
    let tokens = trusting(issuer(), &source, &clock);
    let token = ED.sign(&with("exp", json!(NOW + 100)));
    let first = shown(&tokens, &token).await.unwrap().unwrap();
    let second = shown(&tokens, &token).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &second), "it is taken from the cache");
    clock.store(NOW + 129, SeqCst);
    assert!(shown(&tokens, &token).await.is_ok());
    clock.store(NOW + 130, SeqCst);
    assert!(shown(&tokens, &token).await.is_err());
    clock.store(NOW, SeqCst);
    assert!(shown(&tokens, &token).await.is_ok());
    // The provider takes its key back.
    source.publish(&[&RSA]);
    tokio::time::advance(std::time::Duration::from_secs(600)).await;
    assert!(shown(&tokens, &token).await.is_err());
    assert!(shown(&tokens, &RSA.sign(&claims())).await.is_ok());
}
