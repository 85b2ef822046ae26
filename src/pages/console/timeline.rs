//! One saga as a timeline of its contexts: what happened, why, with what pauses; and what is still owed to it.

use super::{
    reading::{context_title, items, text, time},
    sagas::row_card,
    screen::{Card, Tab, tabs},
    texts,
};
use crate::pages::{
    answer::PageAnswer,
    context::{PageContext, PageResult},
    layout::Layout,
    values::{encode, words_of},
};
use askama::Template;
use serde_json::Value;

/// A pause between two events that is worth a line, in seconds.
const PAUSE: i64 = 5;

/// One thing that happened.
struct Entry {
    title: String,
    context: String,
    /// What kind of thing it is, for its colour: `event` or `ask`.
    kind: &'static str,
    at: String,
    cause: String,
    facts: Vec<(String, String)>,
    /// How long nothing had happened before.
    pause: Option<String>,
}

#[derive(Template)]
#[template(path = "console_saga.html")]
struct SagaPage {
    layout: Layout,
    tabs: Vec<Tab>,
    kicker: String,
    owed: Vec<Card>,
    entries: Vec<Entry>,
    states: Vec<Card>,
    item: Option<String>,
    next: Option<String>,
    headings: [&'static str; 3],
    nothing_owed: &'static str,
    more: &'static str,
    open: &'static str,
}

fn facts_of(of: &Value) -> Vec<(String, String)> {
    let fields = of.as_object().into_iter().flatten();
    let fields = fields.filter(|(name, value)| !value.is_null() && !name.starts_with('_'));
    let facts = fields.map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (words_of(name), value)
    });
    facts.collect()
}

fn seconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

fn entries_of(page: &PageContext<'_>, saga: &Value) -> Vec<Entry> {
    let t = page.language();
    let mut before = None;
    let mut entries = Vec::new();
    for entry in items(saga, "entries") {
        let at = seconds(&text(entry, "at"));
        let pause = before.zip(at).map(|(before, at): (i64, i64)| at - before);
        let what = text(entry, "what");
        let is_ask = what == "asks";
        let context = text(entry, "context");
        let number = text(entry, "number");
        entries.push(Entry {
            title: if is_ask { texts::asks(t).to_owned() } else { words_of(&what) },
            context: format!("{} {number} · {context}", context_title(page, &context)),
            kind: if is_ask { "ask" } else { "event" },
            at: time(page, entry, "at"),
            cause: text(entry, "cause"),
            facts: facts_of(entry.get("data").unwrap_or(&Value::Null)),
            pause: pause.filter(|pause| *pause >= PAUSE).map(|pause| texts::pause(t, pause)),
        });
        before = at.or(before);
    }
    entries
}

/// `GET /pages/console/sagas/{context}/{number}`
pub async fn show(page: &PageContext<'_>, context: &str, number: &str) -> PageResult {
    let t = page.language();
    let mut path = format!("/admin/sagas/{}/{}", encode(context), encode(number));
    if let Some(from) = page.request.parameter("from") {
        path.push_str(&format!("?from={}", encode(from)));
    }
    let saga = page.get(&path).await?;
    let began = text(&saga, "context");
    let system = text(&saga, "system");
    let owed = page.get(&format!("/admin/sagas?system={}&limit=1000", encode(&system))).await?;
    let back = page.request.here();
    let is_of_this = |row: &&Value| text(row, "context") == began && text(row, "number") == number;
    let owed = items(&owed, "sagas").filter(is_of_this).map(|row| row_card(page, row, &back));
    let states = saga.get("states").and_then(Value::as_object).into_iter().flatten();
    let states = states.map(|(name, state)| Card {
        heading: context_title(page, name),
        kicker: name.clone(),
        facts: facts_of(state),
        ..Card::default()
    });
    let shelves = page.site.systems.iter().flat_map(|system| &system.contexts);
    let shelf = shelves.into_iter().find(|shelf| shelf.name.context == began);
    let next = text(&saga, "next");
    let next = next.split_once("from=").map(|(_, rest)| rest.split('&').next().unwrap_or(rest));
    let here = format!("/pages/console/sagas/{context}/{number}");
    let title = format!("{} {number}", context_title(page, &began));
    let answer = SagaPage {
        layout: Layout::of(page, title),
        tabs: tabs(page, &here),
        kicker: began.clone(),
        owed: owed.collect(),
        entries: entries_of(page, &saga),
        states: states.collect(),
        item: shelf.map(|shelf| format!("{}/{number}", shelf.page())),
        next: next.map(|next| format!("{here}?from={next}")),
        headings: [texts::still_owed(t), t.story(), texts::states(t)],
        nothing_owed: texts::nothing_owed_to_it(t),
        more: t.next(),
        open: texts::open_item(t),
    };
    Ok(PageAnswer::html(200, &answer))
}
