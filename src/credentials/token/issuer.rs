//! What a token of an issuer must be, and who its holder is.

use super::{
    jwt::{Claims, Header},
    key_set::TokenAlgorithm,
};
use crate::{
    domain::text,
    identity::{Principal, Role, Roles},
};
use serde_json::Value;
use std::str::FromStr;

/// How far the clocks of issuer and server may differ, in seconds.
const LEEWAY: i64 = 30;
/// Characters of a subject, as OpenID Connect bounds them, and of a customer and a grade.
const LONGEST_SUBJECT: usize = 255;
const LONGEST_NAME: usize = 100;
/// What the words of a scope begin with that are for this server.
const SCOPE: &str = "holdfast:";

/// A word of the provider, and the role that it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleName {
    /// The word.
    pub word: String,
    /// The role.
    pub role: Role,
}

/// A text that is no [`RoleName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a word and a role, such as `shop-manager=staff`; roles are customer, staff, admin, operator and auditor"
)]
pub struct NotARoleName;

impl FromStr for RoleName {
    type Err = NotARoleName;

    fn from_str(text: &str) -> Result<Self, NotARoleName> {
        let (word, role) = text.rsplit_once('=').ok_or(NotARoleName)?;
        let word = word.trim();
        let role = role.trim().parse().map_err(|_| NotARoleName)?;
        // Nodes are let in by keys of their own.
        if word.is_empty() || role == Role::Node {
            return Err(NotARoleName);
        }
        Ok(Self { word: word.to_owned(), role })
    }
}

/// An OpenID provider that vouches for callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its URL, as its tokens have it.
    pub url: String,
    /// For whom its tokens have to be.
    pub audience: String,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<TokenAlgorithm>,
    /// The claim that has the roles: a name, or a JSON Pointer.
    pub roles_claim: String,
    /// The claim that has the customer.
    pub customer_claim: String,
    /// The claim that has the grade of the customer.
    pub grade_claim: String,
    /// Its words for roles. Without any, they are the names of the roles.
    pub roles: Vec<RoleName>,
}

/// Why a token is refused.
type Wrong = &'static str;

impl Issuer {
    /// The key that verifies a token with this header, by name and algorithm.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub fn key_of<'h>(&self, header: &'h Header) -> Result<(&'h str, TokenAlgorithm), Wrong> {
        let algorithm = header.alg.parse().ok().filter(|known| self.algorithms.contains(known));
        let algorithm =
            algorithm.ok_or("the token is signed with another algorithm than its issuer's")?;
        if header.asks_for_trust() {
            return Err("the token brings a key of its own, or demands what is not known here");
        }
        if !header.typ.as_deref().is_none_or(is_access_token) {
            return Err("the token is of another kind");
        }
        let kid = header.kid.as_deref().ok_or("the token does not name its key")?;
        Ok((kid, algorithm))
    }

    /// Whose the token with these claims is, and the second in which it ends. Its signature has been verified.
    ///
    /// # Errors
    /// What is wrong with a claim.
    pub fn judge(&self, claims: &Claims, now: i64) -> Result<(Principal, i64), Wrong> {
        if claims.text("iss") != Some(self.url.as_str()) {
            return Err("the token is of another issuer");
        }
        if !names_audience(claims.find("aud"), &self.audience) {
            return Err("the token is for others");
        }
        if claims.find("cnf").is_some() {
            return Err("the token is bound to a key, which cannot be checked here");
        }
        let until = seconds(claims, "exp")?.ok_or("the token has no end")?.saturating_add(LEEWAY);
        if now >= until {
            return Err("the token has ended");
        }
        for (name, wrong) in
            [("nbf", "the token does not count yet"), ("iat", "the token was issued in the future")]
        {
            if seconds(claims, name)?.is_some_and(|from| from > now.saturating_add(LEEWAY)) {
                return Err(wrong);
            }
        }
        let subject = claims.text("sub").filter(|subject| is_name(subject, LONGEST_SUBJECT));
        let principal = Principal {
            issuer: self.url.clone(),
            subject: subject.ok_or("the token has no subject")?.to_owned(),
            roles: self.roles_of(claims)?,
            customer: name_in(claims.find(&self.customer_claim))
                .map_err(|()| "the customer of the token is neither a text nor a whole number")?,
            grade: name_in(claims.find(&self.grade_claim))
                .map_err(|()| "the grade of the token is neither a text nor a whole number")?,
            scopes: scopes_of(claims)?,
            rate: None,
        };
        Ok((principal, until))
    }

    fn roles_of(&self, claims: &Claims) -> Result<Roles, Wrong> {
        let words = words(claims.find(&self.roles_claim))
            .map_err(|()| "the roles of the token are neither a text nor a list of texts")?;
        let roles = words.into_iter().flat_map(|word| self.roles_named(word));
        Ok(roles.collect())
    }

    /// What a word means; nothing, where it is for others.
    fn roles_named(&self, word: &str) -> Vec<Role> {
        if self.roles.is_empty() {
            return word.parse().ok().filter(|role| *role != Role::Node).into_iter().collect();
        }
        self.roles.iter().filter(|name| name.word == word).map(|name| name.role).collect()
    }
}

/// Whether a token of this type is meant to be shown to servers. Providers leave the type out, too.
fn is_access_token(typ: &str) -> bool {
    let short = typ.strip_prefix("application/").unwrap_or(typ);
    ["jwt", "at+jwt"].iter().any(|known| short.eq_ignore_ascii_case(known))
}

fn names_audience(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// A point in time, which may have a fraction.
fn seconds(claims: &Claims, name: &str) -> Result<Option<i64>, Wrong> {
    let Some(value) = claims.find(name) else { return Ok(None) };
    let number = value.as_f64().filter(|_| value.is_number()).filter(|number| number.is_finite());
    // What is beyond the range is at its end.
    number.map(|number| Some(number.floor() as i64)).ok_or("a time in the token is no number")
}

fn is_name(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= longest && !text.contains(char::is_control)
}

/// A customer or a grade, as the business writes it.
fn name_in(claim: Option<&Value>) -> Result<Option<String>, ()> {
    match claim {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if number.is_u64() || number.is_i64() => {
            Ok(Some(number.to_string()))
        }
        Some(Value::String(name)) if is_name(name, LONGEST_NAME) && name.trim() == name => {
            text::normalize_text(name).map(Some).map_err(drop)
        }
        Some(_) => Err(()),
    }
}

/// The words of a claim: a list, or a text with spaces.
fn words(claim: Option<&Value>) -> Result<Vec<&str>, ()> {
    match claim {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(words)) => Ok(words.split_ascii_whitespace().collect()),
        Some(Value::Array(words)) => words.iter().map(|word| word.as_str().ok_or(())).collect(),
        Some(_) => Err(()),
    }
}

/// The contexts that the holder is restricted to. Words for other servers restrict nothing here.
fn scopes_of(claims: &Claims) -> Result<Vec<String>, Wrong> {
    let words = words(claims.find("scope")).map_err(|()| "the scope of the token is no text")?;
    Ok(words.into_iter().filter_map(|word| word.strip_prefix(SCOPE)).map(str::to_owned).collect())
}
