//! API keys: `hf_<id>_<secret>`, of which the secret is kept by its digest alone.

use super::same_bytes::same_bytes;
use crate::{
    domain::{Timestamp, text},
    identity::Role,
    suggestion::find_closest,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// What all keys begin with, so that scanners of leaked secrets find them.
const PREFIX: &str = "hf_";
/// The length of an id, in characters.
const ID_LENGTH: usize = 12;
/// The length of a secret, in characters: 32 random bytes in base64.
const SECRET_LENGTH: usize = 43;
const SECRET_BYTES: usize = 32;
/// The letters and digits of an id, without those that look alike.
const ID_LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The public part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The id that `text` is, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_id =
            text.len() == ID_LENGTH && text.bytes().all(|letter| ID_LETTERS.contains(&letter));
        is_id.then(|| Self(text.to_owned()))
    }

    /// It as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key as its holder shows it. It can be printed by [`KeyText::reveal`] alone.
pub struct KeyText {
    /// Its public part.
    pub id: KeyId,
    secret: String,
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({})", self.id)
    }
}

/// No random bytes could be had.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness;

impl KeyText {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut id = [0; ID_LENGTH];
        let mut secret = [0; SECRET_BYTES];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| NoRandomness)?;
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| NoRandomness)?;
        let letter = |byte: &u8| ID_LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
        let id = KeyId(id.iter().filter_map(letter).collect());
        Ok(Self { id, secret: BASE64_URL_SAFE_NO_PAD.encode(secret) })
    }

    /// The key that `text` is, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b"-_".contains(&letter);
        let is_secret = secret.len() == SECRET_LENGTH && secret.bytes().all(is_letter);
        let id = KeyId::parse(id)?;
        is_secret.then(|| Self { id, secret: secret.to_owned() })
    }

    /// Whether `text` claims to be a key, valid or not.
    pub fn is_of_this_kind(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The whole key, to be shown once to whom it is for.
    pub fn reveal(&self) -> String {
        let Self { id, secret } = self;
        format!("{PREFIX}{id}_{secret}")
    }

    /// What is kept of the secret.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.secret.as_bytes()).into()
    }
}

/// What is decided about a key when it is made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NewKey {
    /// What it is for, in the words of who made it.
    pub name: String,
    /// What its holder may do.
    pub roles: Vec<Role>,
    /// The customer that its holder is, for the role `customer`.
    pub customer: Option<String>,
    /// The contexts that it may reach: `bookrent.rent`, or `bookrent` for all of a system. Empty: no restriction.
    pub scopes: Vec<String>,
    /// How many requests a second it may make; `None`: any number.
    pub rate: Option<u64>,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

/// The roles that a key may have.
const ROLES: [Role; 5] = [Role::Customer, Role::Staff, Role::Admin, Role::Operator, Role::Auditor];

/// The role of a key with this name.
///
/// # Errors
/// [`BadKey::UnknownRole`]
pub fn parse_role(name: &str) -> Result<Role, BadKey> {
    let role = name.parse().ok().filter(|role| ROLES.contains(role));
    role.ok_or_else(|| BadKey::UnknownRole(name.chars().take(40).collect()))
}

/// Why a key cannot be made so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It has no name, or a long one.
    #[error("a key has a name of 1 to 100 characters that can be printed")]
    Name,
    /// It has no role, or that of a node.
    #[error("a key has roles, of customer, staff, admin, operator and auditor")]
    Roles,
    /// There is no such role, or no key may have it.
    #[error("`{0}` is no role of a key; roles are customer, staff, admin, operator and auditor")]
    UnknownRole(String),
    /// It has the role without a customer.
    #[error("a key with the role customer names the customer that its holder is, such as 7")]
    NoCustomer,
    /// It names a customer without the role.
    #[error(
        "only a key with the role customer names a customer: add the role, or leave the customer out"
    )]
    NotOfCustomer,
    /// The name of the customer is none.
    #[error("a customer is named without spaces around the name and without invisible characters")]
    CustomerName,
    /// A scope is no name.
    #[error("a scope is a system or a context, such as `bookrent` or `bookrent.rent`")]
    Scope,
    /// There is no such system or context.
    #[error("there is no system or context `{scope}`{}", describe_meant(.meant.as_deref()))]
    UnknownScope {
        /// What was given.
        scope: String,
        /// The name that it may have been meant for.
        meant: Option<String>,
    },
    /// It may do nothing.
    #[error("a rate is at least one request a second")]
    Rate,
    /// It has ended already.
    #[error("a key ends in the future")]
    Expired,
}

fn describe_meant(meant: Option<&str>) -> String {
    meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default()
}

impl NewKey {
    /// Whether its scopes are among those that are `known`, which are the names of systems and contexts.
    ///
    /// # Errors
    /// [`BadKey::UnknownScope`]
    pub fn check_scopes(&self, known: &[&str]) -> Result<(), BadKey> {
        let wrong = self.scopes.iter().find(|scope| !known.contains(&scope.as_str()));
        wrong.map_or(Ok(()), |scope| {
            let meant = find_closest(scope, known.iter().copied()).map(str::to_owned);
            Err(BadKey::UnknownScope { scope: scope.clone(), meant })
        })
    }

    /// Whether it can be made `now`.
    ///
    /// # Errors
    /// [`BadKey`]
    pub fn check(&self, now: Timestamp) -> Result<(), BadKey> {
        let length = self.name.chars().count();
        let is_printable = !self.name.contains(char::is_control) && !self.name.trim().is_empty();
        let is_scope = |scope: &String| {
            let letter = |letter: char| letter.is_ascii_alphabetic() || letter == '-';
            let mut parts = scope.split('.');
            let are_words = parts.all(|part| !part.is_empty() && part.chars().all(letter));
            are_words && scope.matches('.').count() < 2
        };
        let is_customer = self.roles.contains(&Role::Customer);
        let is_name = |name: &str| {
            !name.is_empty()
                && name.trim() == name
                && text::normalize_text(name).is_ok_and(|written| written == name)
        };
        let is_named = self.customer.as_deref().is_none_or(is_name);
        let names_customer = self.customer.is_some() && is_named;
        let checks = [
            (is_printable && length <= 100, BadKey::Name),
            (!self.roles.is_empty() && !self.roles.contains(&Role::Node), BadKey::Roles),
            (is_named, BadKey::CustomerName),
            (!is_customer || names_customer, BadKey::NoCustomer),
            (is_customer || !names_customer, BadKey::NotOfCustomer),
            (self.scopes.iter().all(is_scope), BadKey::Scope),
            (self.rate != Some(0), BadKey::Rate),
            (self.expires.is_none_or(|expires| expires > now), BadKey::Expired),
        ];
        let wrong = checks.into_iter().find(|(holds, _)| !holds);
        wrong.map_or(Ok(()), |(_, wrong)| Err(wrong))
    }
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its public part.
    pub id: KeyId,
    /// SHA-256 of its secret.
    digest: [u8; 32],
    /// What was decided about it.
    pub about: NewKey,
    /// When it was made.
    pub made: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl ApiKey {
    /// The record of `text`.
    pub fn new(text: &KeyText, about: NewKey, made: Timestamp) -> Self {
        Self { id: text.id.clone(), digest: text.digest(), about, made, revoked: None }
    }

    /// Whether `text` is this key.
    pub fn is_shown_by(&self, text: &KeyText) -> bool {
        self.id == text.id && self.has_digest(&text.digest())
    }

    /// Whether `digest` is that of its secret.
    pub fn has_digest(&self, digest: &[u8]) -> bool {
        same_bytes(digest, &self.digest)
    }

    /// Whether it opens anything `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.about.expires.is_none_or(|expires| now < expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn about() -> NewKey {
        NewKey { name: "till".into(), roles: vec![Role::Staff], ..NewKey::default() }
    }

    #[test]
    fn a_key_is_read_as_it_was_shown_and_its_secret_is_not_kept() {
        let text = KeyText::generate().unwrap();
        let kept = ApiKey::new(&text, about(), Timestamp::from_micros(1));
        let shown = text.reveal();
        let read = KeyText::parse(&shown).unwrap();
        assert!(kept.is_shown_by(&read), "{shown}");
        let secret = shown.rsplit_once(text.id.as_str()).unwrap().1;
        assert!(!format!("{kept:?} {text:?}").contains(secret));
        assert!(!kept.is_shown_by(&KeyText::generate().unwrap()));
    }

    #[test]
    fn a_key_has_a_name_roles_and_a_customer_only_where_its_holder_is_one() {
        let now = Timestamp::from_micros(1_000);
        assert_eq!(about().check(now), Ok(()));
        let customer = NewKey { roles: vec![Role::Customer], ..about() };
        let named = NewKey { customer: Some("7".into()), ..customer.clone() };
        assert_eq!(named.check(now), Ok(()));
        let deposits = NewKey { scopes: vec!["gbike.userDeposit".into()], ..about() };
        assert_eq!(deposits.check(now), Ok(()));
        let wrong = [
            (NewKey { name: "  ".into(), ..about() }, BadKey::Name),
            (NewKey { name: "a\nb".into(), ..about() }, BadKey::Name),
            (NewKey { roles: vec![], ..about() }, BadKey::Roles),
            (NewKey { roles: vec![Role::Node], ..about() }, BadKey::Roles),
            (customer, BadKey::NoCustomer),
            (NewKey { customer: Some("7".into()), ..about() }, BadKey::NotOfCustomer),
            (NewKey { customer: Some(" 7".into()), ..named.clone() }, BadKey::CustomerName),
            (NewKey { customer: Some("7\u{200b}".into()), ..named.clone() }, BadKey::CustomerName),
            (NewKey { scopes: vec!["bookrent.".into()], ..about() }, BadKey::Scope),
            (NewKey { scopes: vec!["a.b.c".into()], ..about() }, BadKey::Scope),
            (NewKey { rate: Some(0), ..about() }, BadKey::Rate),
            (NewKey { expires: Some(now), ..about() }, BadKey::Expired),
        ];
        for (key, why) in wrong {
            assert_eq!(key.check(now), Err(why), "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_but_a_whole_key_is_read(text in "(hf_)?[a-z2-9_]{0,14}_?[A-Za-z0-9_-]{0,45}") {
            if let Some(key) = KeyText::parse(&text) {
                prop_assert_eq!(key.reveal(), text);
            }
        }

        #[test]
        fn a_key_with_one_other_letter_is_no_key_or_another(at in 0usize..58, letter in "[A-Za-z0-9_]") {
            let text = KeyText::generate().unwrap();
            let kept = ApiKey::new(&text, about(), Timestamp::from_micros(1));
            let mut shown = text.reveal();
            let same = shown.get(at..=at) == Some(letter.as_str());
            shown.replace_range(at..=at, &letter);
            let opens = KeyText::parse(&shown).is_some_and(|read| kept.is_shown_by(&read));
            // The last letter of the base64 of 32 bytes has bits without a meaning, which are compared too.
            prop_assert_eq!(opens, same);
        }
    }
}
