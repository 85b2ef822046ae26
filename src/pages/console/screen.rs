//! What the operator's pages are made of: one template for all but the timeline.

use super::texts;
use crate::{
    identity::Role,
    pages::{
        answer::PageAnswer,
        context::{PageContext, PageResult},
        layout::Layout,
        show::Badge,
    },
};
use askama::Template;

/// A link to a part of the console.
pub struct Tab {
    pub text: &'static str,
    pub href: &'static str,
    pub is_here: bool,
}

/// Something that is done with one press.
#[derive(Default)]
pub struct Button {
    pub action: String,
    pub text: String,
    pub tone: &'static str,
    /// What is sent with it.
    pub fields: Vec<(&'static str, String)>,
    /// What it is done to, for those who do not see where it is.
    pub what: String,
}

/// A choice of a field.
pub struct Choice {
    pub value: String,
    pub text: String,
    pub is_chosen: bool,
}

/// A field of a form.
#[derive(Default)]
pub struct Field {
    pub name: &'static str,
    pub label: String,
    pub value: String,
    pub kind: &'static str,
    pub choices: Vec<Choice>,
    pub hint: Option<String>,
}

/// A form that is filled in.
#[derive(Default)]
pub struct ConsoleForm {
    pub action: String,
    pub heading: Option<String>,
    pub fields: Vec<Field>,
    pub button: String,
}

/// One thing on a page.
#[derive(Default)]
pub struct Card {
    pub heading: String,
    pub href: Option<String>,
    /// What comes before the heading.
    pub kicker: String,
    pub badges: Vec<Badge>,
    pub facts: Vec<(String, String)>,
    pub buttons: Vec<Button>,
}

/// Things of one kind.
#[derive(Default)]
pub struct Section {
    pub heading: Option<String>,
    pub cards: Vec<Card>,
    /// Whether they lie beside each other.
    pub is_grid: bool,
}

/// A page of the console.
#[derive(Default)]
pub struct Screen {
    pub heading: String,
    pub lead: Option<String>,
    /// What has gone wrong, or needs a decision.
    pub warning: Option<String>,
    /// Where to go because of that.
    pub remedy: Option<(String, String)>,
    /// What chooses what is shown.
    pub filter: Option<ConsoleForm>,
    pub forms: Vec<ConsoleForm>,
    pub buttons: Vec<Button>,
    pub sections: Vec<Section>,
    /// What is said where there is nothing.
    pub empty: Option<(String, String)>,
    pub next: Option<String>,
    /// Whether it changes by itself.
    pub renews: bool,
}

#[derive(Template)]
#[template(path = "console.html")]
struct ConsolePage {
    layout: Layout,
    tabs: Vec<Tab>,
    screen: Screen,
}

/// The parts of the console, for the page at `here`.
pub fn tabs(page: &PageContext<'_>, here: &str) -> Vec<Tab> {
    let t = page.language();
    // In development, and for those who may do everything there.
    let visitor = &page.request.visitor;
    let has_lab = visitor.acting_as.is_some() && visitor.has(Role::Admin);
    let all = [
        (texts::contexts(t), "/pages/console"),
        (texts::nodes(t), "/pages/console/nodes"),
        (texts::sagas(t), "/pages/console/sagas"),
        (texts::parked(t), "/pages/console/parked"),
        (texts::jobs(t), "/pages/console/jobs"),
        (texts::outside(t), "/pages/console/outside"),
        (texts::lab(t), "/pages/console/lab"),
    ];
    let is_below = |href: &str| href != "/pages/console" && here.starts_with(&format!("{href}/"));
    let tab = |(text, href)| Tab { text, href, is_here: here == href || is_below(href) };
    let offered = all.into_iter().filter(|(_, href)| has_lab || !href.ends_with("/lab"));
    offered.map(tab).collect()
}

/// Whether the page is empty.
impl Screen {
    fn is_empty(&self) -> bool {
        self.sections.iter().all(|section| section.cards.is_empty())
    }
}

/// Answers with a page of the console.
pub fn answer(page: &PageContext<'_>, screen: Screen) -> PageResult {
    let mut layout = Layout::of(page, screen.heading.clone());
    layout.refreshes = screen.renews;
    let here = format!("/pages/{}", page.request.path.trim_end_matches('/'));
    let here = if here.ends_with("/contexts") { "/pages/console".to_owned() } else { here };
    let tabs = tabs(page, &here);
    Ok(PageAnswer::html(200, &ConsolePage { layout, tabs, screen }))
}
