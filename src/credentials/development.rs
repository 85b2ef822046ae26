//! Who one is in development, while authentication is open: by a token, signed with a key in the data directory, or by a header.

use super::key_file::open_key;
use crate::{
    actors::Machine,
    identity::{Credentials, DEVELOPMENT, Identify, Principal, Role, Unidentified},
};
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};
use std::{future::ready, io, path::Path, str::FromStr, sync::Arc};

/// What all tokens begin with.
const PREFIX: &str = "hfdev_";
/// The file of the data directory that has the key.
const KEY_FILE: &str = "development.key";

/// Whom to act as: `customer/7`, `customer/7/VIP`, `staff`, `admin`, `operator`, `auditor`; a name may follow the
/// role of any of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActAs {
    text: String,
    role: Role,
    name: Option<String>,
    grade: Option<String>,
}

/// A text that names no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected whom to act as: customer/7, customer/7/VIP for one of a grade, staff, admin, operator or auditor"
)]
pub struct NotAnIdentity;

impl FromStr for ActAs {
    type Err = NotAnIdentity;

    fn from_str(text: &str) -> Result<Self, NotAnIdentity> {
        let is_part = |part: &&str| {
            !part.is_empty() && part.chars().count() <= 100 && !part.contains(char::is_control)
        };
        let mut parts = text.split('/');
        let role = parts.next().and_then(|role| role.parse().ok()).ok_or(NotAnIdentity)?;
        let rest: Vec<&str> = parts.collect();
        let are_parts = rest.iter().all(is_part);
        let is_known = match (role, rest.as_slice()) {
            (Role::Customer, [_] | [_, _]) => true,
            (Role::Node | Role::Customer, _) => false,
            (_, rest) => rest.len() < 2,
        };
        if !are_parts || !is_known {
            return Err(NotAnIdentity);
        }
        let part = |at: usize| rest.get(at).map(|part| (*part).to_owned());
        Ok(Self { text: text.to_owned(), role, name: part(0), grade: part(1) })
    }
}

impl ActAs {
    /// Who that is in development.
    pub fn principal(self) -> Principal {
        let subject = self.text.clone();
        self.principal_of(DEVELOPMENT, subject)
    }

    /// Who that is where `issuer` vouches for `subject`.
    pub fn principal_of(self, issuer: &str, subject: String) -> Principal {
        let is_customer = self.role == Role::Customer;
        Principal {
            issuer: issuer.into(),
            subject,
            roles: [self.role].into_iter().collect(),
            customer: self.name.filter(|_| is_customer),
            grade: self.grade,
            ..Principal::default()
        }
    }
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    acting_as: String,
    /// When it ends, in microseconds.
    until: i64,
}

/// Makes and reads tokens of development.
pub struct DevelopmentTokens {
    key: hmac::Key,
    machine: Machine,
}

impl DevelopmentTokens {
    /// Signs with the key of the data directory `dir`, which is made if there is none.
    ///
    /// # Errors
    /// The key cannot be read or made.
    pub fn open(dir: &Path, machine: Machine) -> io::Result<Self> {
        let bytes = open_key(dir, KEY_FILE)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &bytes), machine })
    }

    /// A token for `acting_as`, that ends after so many hours.
    pub fn issue(&self, acting_as: &ActAs, hours: u32) -> String {
        let until = self.machine.now().plus_hours(hours).micros();
        let claims = serde_json::json!(Claims { acting_as: acting_as.text.clone(), until });
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        let signature = hmac::sign(&self.key, claims.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        format!("{PREFIX}{claims}.{signature}")
    }

    fn read(&self, text: &str) -> Option<Claims> {
        let (claims, signature) = text.split_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.key, claims.as_bytes(), &signature).ok()?;
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    fn find(&self, text: &str) -> Result<Arc<Principal>, Unidentified> {
        let wrong = Unidentified::Invalid("the token of development is not of this server");
        let claims = self.read(text).ok_or(wrong.clone())?;
        if self.machine.now().micros() >= claims.until {
            return Err(Unidentified::Invalid("the token of development has ended"));
        }
        let acting_as: ActAs = claims.acting_as.parse().map_err(|_| wrong)?;
        Ok(Arc::new(acting_as.principal()))
    }
}

impl Identify for DevelopmentTokens {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
        let token = credentials.bearer().and_then(|bearer| bearer.strip_prefix(PREFIX));
        ready(token.map(|token| self.find(token)).transpose()).boxed()
    }
}

/// Says of tokens of development that there are none, where authentication is not open.
pub struct NoDevelopmentTokens;

impl Identify for NoDevelopmentTokens {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
        let is_one = credentials.bearer().is_some_and(|bearer| bearer.starts_with(PREFIX));
        let what = "tokens of development are taken only where `auth.mode` is \"open\"";
        let found = if is_one { Err(Unidentified::Invalid(what)) } else { Ok(None) };
        ready(found).boxed()
    }
}

/// Takes the word of the header `X-Holdfast-As`, so that development can try what others may do.
pub struct ActingAs;

impl Identify for ActingAs {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
        let named = credentials.acting_as.map(|text| match text.parse::<ActAs>() {
            Ok(named) => Ok(Arc::new(named.principal())),
            Err(NotAnIdentity) => Err(Unidentified::Malformed(NAMES_NONE)),
        });
        ready(named.transpose()).boxed()
    }
}

const NAMES_NONE: &str = "`X-Holdfast-As` names whom to act as: customer/7, customer/7/VIP, staff, admin, operator or auditor";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    fn at(now: Timestamp) -> Machine {
        Machine::new(move || now, || 0)
    }

    fn shown(
        tokens: &DevelopmentTokens,
        bearer: &str,
    ) -> Result<Option<Arc<Principal>>, Unidentified> {
        let header = format!("Bearer {bearer}");
        let credentials = Credentials { authorization: Some(&header), ..Credentials::default() };
        tokens.identify(credentials).now_or_never().unwrap()
    }

    #[test]
    fn roles_and_customers_can_be_named_and_nodes_cannot() {
        let parsed = |text: &str| text.parse::<ActAs>().map(ActAs::principal);
        let customer = parsed("customer/7/VIP").unwrap();
        assert_eq!(customer.customer.as_deref(), Some("7"));
        assert_eq!(customer.grade.as_deref(), Some("VIP"));
        assert!(customer.roles.has(Role::Customer) && !customer.roles.has(Role::Staff));
        let staff = parsed("staff/kim").unwrap();
        assert_eq!((staff.customer, staff.roles.has(Role::Staff)), (None, true));
        for wrong in
            ["", "customer", "customer/", "customer/7/a/b", "node", "staff/a/b", "root", "staff/\n"]
        {
            assert_eq!(wrong.parse::<ActAs>(), Err(NotAnIdentity), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_taken_by_its_server_until_it_ends_and_by_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = DevelopmentTokens::open(dir.path(), at(NOW)).unwrap();
        let acting_as: ActAs = "customer/7".parse().unwrap();
        let token = tokens.issue(&acting_as, 12);
        let principal = shown(&tokens, &token).unwrap().unwrap();
        assert_eq!(*principal, acting_as.principal());
        let again = DevelopmentTokens::open(dir.path(), at(NOW)).unwrap();
        assert_eq!(shown(&again, &token), Ok(Some(principal)));
        let later = DevelopmentTokens::open(dir.path(), at(NOW.plus_hours(12))).unwrap();
        assert!(shown(&later, &token).is_err());
        let elsewhere = tempfile::tempdir().unwrap();
        let other = DevelopmentTokens::open(elsewhere.path(), at(NOW)).unwrap();
        assert!(shown(&other, &token).is_err());
        assert!(shown(&tokens, &token[..token.len() - 1]).is_err());
        assert_eq!(shown(&tokens, "hf_another"), Ok(None));
    }
}
