//! Who calls.

use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

/// The issuer of principals while authentication is open.
pub const DEVELOPMENT: &str = "development";

/// A person or a program whose identity has been verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Principal {
    /// Who vouches for it: the URL of an OpenID provider, `key`, `node`, `broker`, `development`.
    pub issuer: String,
    /// Its name with the issuer. With the issuer it identifies who acted.
    pub subject: String,
    /// What it may do.
    pub roles: Roles,
    /// The business's own customer that it is, as text in its shortest form: `7`, `A`.
    pub customer: Option<String>,
    /// The grade of that customer, where the issuer states one.
    pub grade: Option<String>,
    /// The contexts that it may reach: `bookrent.rent`, or `bookrent` for all of a system. Empty: no restriction.
    pub scopes: Vec<String>,
    /// How many requests a second it may make, where its credentials name a number.
    pub rate: Option<u32>,
}

/// What a principal is to the business.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::EnumIter,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// A customer: its own things.
    Customer,
    /// Runs the business: catalogue, approvals, on behalf of customers.
    Staff,
    /// Staff that administers the server too.
    Admin,
    /// Runs the server: reads administration, stops, starts, redrives. Sees no personal fields.
    Operator,
    /// Reads events.
    Auditor,
    /// Another node of the business.
    Node,
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Roles(u8);

impl Roles {
    /// Whether `role` is among them. Admins are staff.
    pub fn has(self, role: Role) -> bool {
        let admin = role == Role::Staff && self.0 & Self::bit(Role::Admin) != 0;
        admin || self.0 & Self::bit(role) != 0
    }

    /// Those that are in the set by themselves, in their order.
    pub fn list(self) -> Vec<Role> {
        Role::iter().filter(|role| self.0 & Self::bit(*role) != 0).collect()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn bit(role: Role) -> u8 {
        1 << role as u8
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        Self(roles.into_iter().fold(0, |set, role| set | Self::bit(role)))
    }
}

impl Principal {
    /// The principal of requests that show nothing while authentication is open: it may do everything but what is for nodes.
    pub fn development() -> Self {
        let roles = [Role::Customer, Role::Admin, Role::Operator, Role::Auditor];
        Self {
            issuer: DEVELOPMENT.into(),
            subject: DEVELOPMENT.into(),
            roles: roles.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether it is the one of requests that show nothing while authentication is open.
    pub fn is_developer(&self) -> bool {
        self.issuer == DEVELOPMENT && self.subject == DEVELOPMENT
    }

    /// Whether its scopes let it reach `context`, such as `bookrent.rent`.
    pub fn reaches(&self, context: &str) -> bool {
        let system = context.split_once('.').map_or(context, |(system, _)| system);
        self.scopes.is_empty()
            || self.scopes.iter().any(|scope| scope == context || scope == system)
    }

    /// Who acted, in one string that no other issuer and subject have: both are prefixed with their length.
    pub fn identifier(&self) -> String {
        let Self { issuer, subject, .. } = self;
        format!("{}:{issuer}{}:{subject}", issuer.len(), subject.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_is_staff_and_nothing_else_follows() {
        let admin: Roles = [Role::Admin].into_iter().collect();
        assert!(admin.has(Role::Admin) && admin.has(Role::Staff));
        assert!(!admin.has(Role::Customer) && !admin.has(Role::Operator) && !admin.has(Role::Node));
        let staff: Roles = [Role::Staff].into_iter().collect();
        assert!(!staff.has(Role::Admin));
        assert!(Roles::default().is_empty());
    }

    #[test]
    fn no_two_principals_share_an_identifier() {
        let named = |issuer: &str, subject: &str| {
            Principal { issuer: issuer.into(), subject: subject.into(), ..Principal::default() }
                .identifier()
        };
        assert_ne!(named("a", "bc"), named("ab", "c"));
        assert_ne!(named("a", "1:b"), named("a1:", "b"));
    }
}
