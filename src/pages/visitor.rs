//! Who looks at a page, and what was asked for.

use super::language::Language;
use crate::identity::{Principal, Role};
use std::sync::Arc;

/// The cookie with whom a developer acts as.
pub const ACTING_COOKIE: &str = "holdfast-acting-as";

/// Who looks at a page.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// In which language.
    pub language: Language,
    /// Who it is, if that is known.
    pub principal: Option<Arc<Principal>>,
    /// In development, whom they have chosen to act as; empty: no one in particular.
    pub acting_as: Option<String>,
    /// Whether the server knows a provider at which people sign in.
    pub can_sign_in: bool,
    /// What forms send back, so that they are known to be of this server; empty without a session.
    pub form_token: String,
}

impl Visitor {
    /// Whether they have this role.
    pub fn has(&self, role: Role) -> bool {
        self.principal.as_ref().is_some_and(|principal| principal.roles.has(role))
    }

    /// Whether they run the business.
    pub fn is_staff(&self) -> bool {
        self.has(Role::Staff)
    }

    /// Whether they run the server.
    pub fn is_operator(&self) -> bool {
        self.has(Role::Operator) || self.has(Role::Admin)
    }

    /// The customer that they are, if they are one and no more.
    pub fn customer(&self) -> Option<&str> {
        let principal = self.principal.as_ref().filter(|_| !self.is_staff())?;
        principal.customer.as_deref()
    }

    /// Whether they may do what is for customers or for staff.
    pub fn may(&self, role: crate::domain::Role) -> bool {
        use crate::domain::Role as Whose;
        match role {
            Whose::Customer => self.has(Role::Customer) || self.is_staff(),
            Whose::Admin => self.is_staff(),
            Whose::Both => self.has(Role::Customer) || self.is_staff(),
        }
    }
}

/// A request for a page.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Whether something is to be done.
    pub is_post: bool,
    /// The path below `/pages/`.
    pub path: String,
    /// The parameters of the query.
    pub query: Vec<(String, String)>,
    /// The fields of the form that was sent.
    pub form: Vec<(String, String)>,
    /// The path that precedes those of the server, where a proxy has it under a path of its own.
    pub prefix: String,
    /// Who asks.
    pub visitor: Visitor,
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

impl PageRequest {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.query, name).filter(|value| !value.is_empty())
    }

    /// A field of the form.
    pub fn field(&self, name: &str) -> Option<&str> {
        find(&self.form, name)
    }

    /// The page that a form was on, where it is one whose path begins with `under`, and one that browsers can be led to.
    pub fn way_back(&self, under: &str) -> Option<&str> {
        let is_plain = |back: &&str| !back.contains('\\') && !back.contains(char::is_control);
        self.field("back").filter(is_plain).filter(|back| back.starts_with(under))
    }

    /// The path of this page with its query, to come back to.
    pub fn here(&self) -> String {
        let segments: Vec<String> = self.path.split('/').map(super::values::encode).collect();
        let mut url = format!("/pages/{}", segments.join("/"));
        let query = super::values::query_of(&self.query);
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        url
    }
}
