//! Which nodes are known, and what each may do here.

use super::{
    node_key::{HEADER, LIFETIME, NODE_TOKEN, NodeClaims},
    same_bytes::same_bytes,
    seen_tokens::SeenTokens,
};
use crate::{
    actors::Machine,
    identity::{Principal, Role},
    sync,
};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// The clocks of two nodes may differ by so many seconds.
const LEEWAY: i64 = 30;
/// The length of the public half of a key, in bytes.
const PUBLIC_BYTES: usize = 32;
/// The one scope of a node that hosts nothing. No context has this name.
const NOTHING: &str = "none";

/// Another node: its name, the public half of its key, and the contexts that it hosts. As text `NAME KEY CONTEXT…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Its name.
    pub name: String,
    /// The public half of its key.
    pub key: String,
    /// The contexts that it hosts: `bookrent.rent`, or `bookrent` for all of a system.
    pub contexts: Vec<String>,
}

/// A text that describes no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the name of a node, its key and the contexts that it hosts, as `holdfast node-key` prints them there"
)]
pub struct NotANode;

impl FromStr for KnownNode {
    type Err = NotANode;

    fn from_str(text: &str) -> Result<Self, NotANode> {
        let mut words = text.split_whitespace().map(str::to_owned);
        let name = words.next().ok_or(NotANode)?;
        let key = words.next().ok_or(NotANode)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&key).map_err(|_| NotANode)?;
        let mut contexts: Vec<String> = words.collect();
        if contexts == [NOTHING] {
            contexts.clear();
        }
        if bytes.len() == PUBLIC_BYTES { Ok(Self { name, key, contexts }) } else { Err(NotANode) }
    }
}

impl fmt::Display for KnownNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.key)?;
        self.contexts.iter().try_for_each(|context| write!(f, " {context}"))
    }
}

/// What a request shows of the node that sends it.
#[derive(Debug, Clone, Copy)]
pub struct NodeRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header [`NODE_TOKEN`].
    pub token: Option<&'a str>,
}

impl NodeRequest<'_> {
    /// The header in which a node shows its token.
    pub const TOKEN: &'static str = NODE_TOKEN;
    /// The header by which a node says that it passes a request on: the address of the client.
    pub const CLIENT: &'static str = "holdfast-client";
}

/// The nodes that are known here: by their own keys, and by the credential that all share.
#[derive(Clone, Default)]
pub struct NodeTrust {
    credential: Option<Arc<str>>,
    /// By the public halves of their keys.
    known: HashMap<String, Arc<Principal>>,
    machine: Machine,
    shown: Arc<Shown>,
}

/// What was shown here.
#[derive(Default)]
struct Shown {
    /// By the public halves of the keys of known nodes.
    tokens: Mutex<HashMap<String, SeenTokens>>,
    /// How often a token was shown again.
    repeated: AtomicU64,
}

impl fmt::Debug for NodeTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeTrust({})", self.known.len())
    }
}

impl NodeTrust {
    /// Knows `nodes`, and everyone who shows the `credential`. Tokens end by the clock of `machine`.
    pub fn new(
        credential: Option<Arc<str>>,
        nodes: impl IntoIterator<Item = KnownNode>,
        machine: Machine,
    ) -> Self {
        let known = nodes.into_iter().map(|KnownNode { name, key, contexts }| {
            let scopes = if contexts.is_empty() { vec![NOTHING.to_owned()] } else { contexts };
            (key, Arc::new(node(name, scopes)))
        });
        Self { credential, known: known.collect(), machine, shown: Arc::default() }
    }

    /// The node that sends `request`. One that shows the shared credential alone has no name, and may do what any may.
    pub fn identify(&self, request: NodeRequest<'_>) -> Option<Arc<Principal>> {
        let by_key = request.token.and_then(|token| self.read_token(token, request));
        by_key.or_else(|| self.has_credential(request).then(|| Arc::new(node("", Vec::new()))))
    }

    /// How many tokens were shown again, and refused.
    pub fn repeated_tokens(&self) -> u64 {
        self.shown.repeated.load(Relaxed)
    }

    fn has_credential(&self, request: NodeRequest<'_>) -> bool {
        let shown = request.authorization.and_then(|value| value.strip_prefix("Bearer "));
        shown
            .zip(self.credential.as_deref())
            .is_some_and(|(shown, expected)| same_bytes(shown.as_bytes(), expected.as_bytes()))
    }

    fn read_token(&self, token: &str, request: NodeRequest<'_>) -> Option<Arc<Principal>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
        // No other algorithm, and nothing that names where a key would be.
        if decode(header)? != HEADER.as_bytes() {
            return None;
        }
        let claims: NodeClaims = serde_json::from_slice(&decode(claims)?).ok()?;
        let found = self.known.get(&claims.iss)?;
        let key = UnparsedPublicKey::new(&ED25519, decode(&claims.iss)?);
        key.verify(signed.as_bytes(), &decode(signature)?).ok()?;
        let now = self.machine.now().micros().div_euclid(1_000_000);
        let lasts = claims.exp.checked_sub(claims.iat)?;
        let is_current = (0..=LIFETIME).contains(&lasts)
            && claims.iat.checked_sub(LEEWAY)? <= now
            && now < claims.exp.checked_add(LEEWAY)?;
        let is_for_this = claims.htm == request.method && claims.htu == request.path;
        (is_current && is_for_this && self.is_new(&claims, found, now)).then(|| Arc::clone(found))
    }

    /// Whether a valid token of `node` is shown for the first time.
    fn is_new(&self, claims: &NodeClaims, node: &Principal, now: i64) -> bool {
        let until = claims.exp.saturating_add(LEEWAY);
        let mut shown = sync::lock(&self.shown.tokens);
        if shown.entry(claims.iss.clone()).or_default().note(claims.jti, until, now) {
            return true;
        }
        drop(shown);
        let times = self.shown.repeated.fetch_add(1, Relaxed) + 1;
        if times.is_power_of_two() {
            let NodeClaims { htm, htu, .. } = claims;
            let node = &node.subject;
            tracing::warn!(
                node,
                method = htm,
                path = htu,
                times,
                "refused the token of a node that was shown before"
            );
        }
        false
    }
}

fn node(subject: impl Into<String>, scopes: Vec<String>) -> Principal {
    Principal {
        issuer: "node".into(),
        subject: subject.into(),
        roles: [Role::Node].into_iter().collect(),
        scopes,
        ..Principal::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credentials::{NodeKey, NodePass},
        domain::Timestamp,
    };
    use proptest::prelude::*;
    use tempfile::TempDir;

    const NOW: i64 = 1_000_000;

    fn at(seconds: i64) -> Machine {
        Machine::new(move || Timestamp::from_micros(seconds * 1_000_000), || 0)
    }

    fn key_at(dir: &TempDir, seconds: i64) -> NodeKey {
        NodeKey::open(dir.path(), at(seconds)).unwrap()
    }

    fn known(key: &NodeKey, contexts: &[&str]) -> KnownNode {
        let contexts = contexts.iter().map(ToString::to_string).collect();
        KnownNode { name: "rent".into(), key: key.public_half(), contexts }
    }

    const PATH: &str = "/internal/asks/bookrent.book";

    fn post<'a>(token: &'a str) -> NodeRequest<'a> {
        NodeRequest { method: "POST", path: PATH, authorization: None, token: Some(token) }
    }

    #[test]
    fn a_token_is_good_for_its_request_and_a_minute() {
        let dir = TempDir::new().unwrap();
        let key = key_at(&dir, NOW);
        let token = key.sign("POST", PATH);
        let trusts =
            |seconds: i64| NodeTrust::new(None, [known(&key, &["bookrent.rent"])], at(seconds));
        let found = trusts(NOW).identify(post(&token)).unwrap();
        assert_eq!((found.issuer.as_str(), found.subject.as_str()), ("node", "rent"));
        assert!(found.roles.has(Role::Node) && found.reaches("bookrent.rent"));
        assert!(!found.reaches("bookrent.book"));
        for (seconds, good) in [(-31, false), (-30, true), (89, true), (90, false)] {
            let is_good = trusts(NOW + seconds).identify(post(&token)).is_some();
            assert_eq!(is_good, good, "{seconds}");
        }
        for other in [
            NodeRequest { method: "GET", ..post(&token) },
            NodeRequest { path: "/internal/asks/bookrent.rent", ..post(&token) },
            NodeRequest { token: None, authorization: Some(&token), ..post(&token) },
        ] {
            assert_eq!(trusts(NOW).identify(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_key_of_another_node_opens_nothing() {
        let ours = TempDir::new().unwrap();
        let theirs = TempDir::new().unwrap();
        let trust = NodeTrust::new(None, [known(&key_at(&ours, NOW), &[])], at(NOW));
        let forged = key_at(&theirs, NOW).sign("POST", PATH);
        assert_eq!(trust.identify(post(&forged)), None);
        // The claims of one key with the signature of another.
        let token = key_at(&ours, NOW).sign("POST", PATH);
        let signed = token.rsplit_once('.').unwrap().0;
        let signature = forged.rsplit_once('.').unwrap().1;
        assert_eq!(trust.identify(post(&format!("{signed}.{signature}"))), None);
        // The same key is read again.
        assert_eq!(key_at(&ours, NOW).public_half(), key_at(&ours, NOW + 1).public_half());
    }

    #[test]
    fn a_token_is_good_once_and_one_that_is_for_another_request_is_not_used_up_by_it() {
        let dir = TempDir::new().unwrap();
        let key = key_at(&dir, NOW);
        let trust = NodeTrust::new(None, [known(&key, &[])], at(NOW));
        let token = key.sign("POST", PATH);
        let elsewhere = NodeRequest { path: "/internal/contexts", ..post(&token) };
        assert_eq!(trust.identify(elsewhere), None);
        // A copy of the settings of a worker knows what the others were shown.
        assert!(trust.clone().identify(post(&token)).is_some());
        assert_eq!((trust.identify(post(&token)), trust.repeated_tokens()), (None, 1));
        let again = key.sign("POST", PATH);
        assert!(trust.identify(post(&again)).is_some());
        // Another process with the same key counts for itself.
        assert!(trust.identify(post(&key_at(&dir, NOW).sign("POST", PATH))).is_some());
        assert_eq!(trust.repeated_tokens(), 1);
    }

    #[test]
    fn a_node_that_hosts_nothing_reaches_no_context() {
        let dir = TempDir::new().unwrap();
        let key = key_at(&dir, NOW);
        let trust = NodeTrust::new(None, [known(&key, &[])], at(NOW));
        let found = trust.identify(post(&key.sign("POST", PATH))).unwrap();
        assert!(!found.reaches("bookrent.rent"));
    }

    #[test]
    fn the_shared_credential_and_keys_are_taken_side_by_side() {
        let dir = TempDir::new().unwrap();
        let key = key_at(&dir, NOW);
        let both = NodePass { credential: Some("shared".into()), key: Some(key.clone()) };
        let old = NodePass { key: None, ..both.clone() };
        let new = NodePass { credential: None, ..both.clone() };
        let lists = || [known(&key, &["bookrent.rent"])];
        let in_between = NodeTrust::new(Some("shared".into()), lists(), at(NOW));
        let before = NodeTrust::new(Some("shared".into()), [], at(NOW));
        let after = NodeTrust::new(None, lists(), at(NOW));
        let is_taken = |trust: &NodeTrust, pass: &NodePass| {
            let shown = pass.headers("POST", PATH);
            let header = |name: &str| {
                shown.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
            };
            let request = NodeRequest {
                method: "POST",
                path: PATH,
                authorization: header("authorization"),
                token: header(NodeRequest::TOKEN),
            };
            trust.identify(request).map(|found| found.subject.clone())
        };
        let by_key = || Some("rent".to_owned());
        let by_credential = || Some(String::new());
        let table = [
            (&before, [by_credential(), by_credential(), None]),
            (&in_between, [by_credential(), by_key(), by_key()]),
            (&after, [None, by_key(), by_key()]),
        ];
        for (trust, expected) in table {
            assert_eq!([&old, &both, &new].map(|pass| is_taken(trust, pass)), expected);
        }
        assert_eq!(is_taken(&NodeTrust::default(), &both), None);
    }

    #[test]
    fn a_node_is_written_as_it_is_read() {
        let dir = TempDir::new().unwrap();
        let node = known(&key_at(&dir, NOW), &["bookrent.rent", "bookrent.view"]);
        assert_eq!(node.to_string().parse(), Ok(node.clone()));
        let nothing = known(&key_at(&dir, NOW), &[]);
        assert_eq!(format!("{nothing} none").parse(), Ok(nothing.clone()));
        assert_eq!(nothing.to_string().parse(), Ok(nothing));
        let key = node.key;
        for wrong in ["", "rent", "rent key", "rent AAAA", &format!("rent {key}A"), &key] {
            assert_eq!(wrong.parse::<KnownNode>(), Err(NotANode), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_altered_token_is_taken(at_byte in 0usize..400, letter in "[A-Za-z0-9_.-]") {
            let dir = TempDir::new().unwrap();
            let key = key_at(&dir, NOW);
            let trust = NodeTrust::new(None, [known(&key, &["bookrent.rent"])], at(NOW));
            let mut token = key.sign("POST", PATH);
            let place = at_byte % token.len();
            let same = token.get(place..=place) == Some(letter.as_str());
            token.replace_range(place..=place, &letter);
            prop_assert_eq!(trust.identify(post(&token)).is_some(), same);
        }
    }
}
