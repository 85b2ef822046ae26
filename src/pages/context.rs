//! What a page is made with: the site, the request, and the server to ask.

use super::{
    answer::PageAnswer,
    backend::{Backend, BackendReply, BackendRequest},
    language::Language,
    nav_link::NavLink,
    site::{Site, System},
    visitor::PageRequest,
};
use crate::identity::Role;
use serde_json::Value;

/// What a page is made with.
pub struct PageContext<'a> {
    pub site: &'a Site,
    pub request: &'a PageRequest,
    pub backend: &'a dyn Backend,
}

/// Why there is no such page.
#[derive(Debug, Clone)]
pub enum PageError {
    /// There is nothing at this address.
    NotFound,
    /// The server has refused what the page asked of it.
    Refused(Refused),
}

/// Makes a page, or says why there is none.
pub type PageResult = Result<PageAnswer, PageError>;

/// A problem that the server has answered with.
#[derive(Debug, Clone, Default)]
pub struct Refused {
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// The fields that are wrong, and how.
    pub errors: Vec<(String, String)>,
}

impl Refused {
    /// The problem in a reply.
    pub fn of_reply(reply: &BackendReply) -> Self {
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
        let errors = errors.map(|error| (text(error, "pointer"), text(error, "detail")));
        Self { status: reply.status, detail: text(&body, "detail"), errors: errors.collect() }
    }
}

/// One thing, and its version.
#[derive(Debug, Clone, Default)]
pub struct FoundItem {
    pub body: Value,
    pub tag: String,
}

impl<'a> PageContext<'a> {
    /// The language of the page.
    pub fn language(&self) -> Language {
        self.request.visitor.language
    }

    /// The system that the page belongs to: the one in its path, or the only one.
    pub fn system(&self) -> Option<&'a System> {
        let first = self.request.path.split('/').next().unwrap_or_default();
        let only = || match self.site.systems.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        self.site.system(first).or_else(only)
    }

    /// What the server answers to `GET path`.
    ///
    /// # Errors
    /// [`PageError`]: the problem that it answers with.
    pub async fn get(&self, path: &str) -> Result<Value, PageError> {
        self.get_item(path, "application/json").await.map(|found| found.body)
    }

    /// The same, in this media type and with its version.
    ///
    /// # Errors
    /// [`PageError`]
    pub async fn get_item(&self, path: &str, accept: &str) -> Result<FoundItem, PageError> {
        let request = BackendRequest::get(path).with_header("accept", accept);
        let reply = self.backend.send(request).await;
        if !reply.is_success() {
            return Err(PageError::Refused(Refused::of_reply(&reply)));
        }
        let tag = reply.header("etag").unwrap_or_default().to_owned();
        let body = serde_json::from_slice(&reply.body).unwrap_or_default();
        Ok(FoundItem { body, tag })
    }

    /// The links at the head of the page.
    pub fn navigation(&self) -> Vec<NavLink> {
        let t = self.language();
        let visitor = &self.request.visitor;
        let mut links = Vec::new();
        let here = format!("/pages/{}", self.request.path);
        let mut add = |text: String, href: String| {
            let is_here = here == href || here.starts_with(&format!("{href}/"));
            links.push(NavLink { text, href, is_here });
        };
        if let Some(system) = self.system() {
            for shelf in system.catalogues() {
                add(system.plural(shelf, t), shelf.page());
            }
            add(t.my_page().into(), format!("/pages/{}/mine", system.name));
            if visitor.is_staff() {
                if system.contexts.iter().any(|shelf| shelf.is_decided_by_staff()) {
                    add(t.waiting().into(), format!("/pages/{}/waiting", system.name));
                }
                if let Some(orders) = system.orders() {
                    add(t.all_orders().into(), orders.page());
                }
            }
        }
        if visitor.is_operator() {
            add(t.console().into(), "/pages/console".into());
        }
        links
    }

    /// Who looks at the page, in words; none: no one in particular.
    pub fn describe_visitor(&self) -> Option<String> {
        let visitor = &self.request.visitor;
        let t = visitor.language;
        let Some(principal) = &visitor.principal else {
            return visitor.can_sign_in.then(|| t.not_signed_in().to_owned());
        };
        if principal.is_developer() {
            return Some(t.developer().to_owned());
        }
        let role = match () {
            () if visitor.has(Role::Admin) => t.admin(),
            () if visitor.has(Role::Staff) => t.staff(),
            () if visitor.has(Role::Operator) => t.operator(),
            () => t.customer(),
        };
        let name = match (&principal.customer, principal.issuer.as_str()) {
            (Some(customer), _) => customer.as_str(),
            (None, "development") => "",
            (None, _) => principal.subject.as_str(),
        };
        Some(format!("{role} {name}").trim_end().to_owned())
    }
}
