//! What surrounds every page: head, navigation, who one is, the languages.

use super::{context::PageContext, language::Language, nav_link::NavLink};

/// What surrounds a page.
#[derive(Debug, Clone)]
pub struct Layout {
    pub t: Language,
    /// The title of the page.
    pub title: String,
    pub brand: String,
    /// The path that precedes those of the server.
    pub prefix: String,
    pub style: String,
    pub script: String,
    pub logo: Option<String>,
    pub nav: Vec<NavLink>,
    /// Who one is, in words; none: no one.
    pub who: Option<String>,
    /// The path that leads to a choice of who one is, or to the provider.
    pub sign_in: Option<String>,
    /// Whether there is a session that can be ended.
    pub can_sign_out: bool,
    pub form_token: String,
    /// The page itself, to come back to.
    pub here: String,
    /// What the page says first, after something was done.
    pub notice: Option<String>,
    /// Whether the page is to be loaded again by browsers without scripts: something on it is about to change.
    pub refreshes: bool,
}

impl Layout {
    /// That of a page called `title`.
    pub fn of(page: &PageContext<'_>, title: impl Into<String>) -> Self {
        let PageContext { site, request, .. } = page;
        let visitor = &request.visitor;
        let language = visitor.language;
        let is_development = visitor.acting_as.is_some();
        let sign_in = match (is_development, visitor.can_sign_in, &visitor.principal) {
            (true, ..) => Some("/pages/who".to_owned()),
            (false, true, None) => {
                Some(format!("/login?to={}", super::values::encode(&request.here())))
            }
            _ => None,
        };
        Self {
            t: language,
            title: title.into(),
            brand: site.brand.name.clone(),
            prefix: request.prefix.clone(),
            style: site.assets.style.clone(),
            script: site.assets.script.clone(),
            logo: site.assets.logo.clone(),
            nav: page.navigation(),
            who: page.describe_visitor(),
            sign_in,
            can_sign_out: !is_development && visitor.can_sign_in && visitor.principal.is_some(),
            form_token: visitor.form_token.clone(),
            here: request.here(),
            notice: request
                .parameter("done")
                .and_then(|done| language.notice(done))
                .map(str::to_owned),
            refreshes: false,
        }
    }

    /// The languages of the switch, with whether it is the one of the page.
    pub fn languages(&self) -> [(Language, bool); 2] {
        Language::ALL.map(|language| (language, language == self.t))
    }

    /// The path of a page, for a link.
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}
