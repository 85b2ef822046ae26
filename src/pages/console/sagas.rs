//! The list of sagas, with filters.

use super::{
    reading::{context_title, items, state_badge, text, time},
    screen::{Button, Card, Choice, ConsoleForm, Field, Screen, Section, answer},
    texts,
};
use crate::pages::{
    context::{PageContext, PageResult},
    language::Language,
    values::query_of,
};
use serde_json::Value;

/// The parameters of the list that its form has.
const PARAMETERS: [&str; 6] = ["state", "system", "context", "customer", "from", "to"];
const STATES: [&str; 5] = ["running", "waiting", "stuck", "failed", "ended"];

/// What was chosen, of these parameters.
pub fn chosen(page: &PageContext<'_>, names: &[&str]) -> Vec<(String, String)> {
    let given = names.iter().map(|name| {
        let value = page.request.parameter(name).or_else(|| page.request.field(name));
        ((*name).to_owned(), value.unwrap_or_default().trim().to_owned())
    });
    given.collect()
}

fn value_of<'a>(chosen: &'a [(String, String)], name: &str) -> &'a str {
    chosen.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn select(
    name: &'static str,
    label: &str,
    now: &str,
    any: &str,
    values: Vec<(String, String)>,
) -> Field {
    let any = (String::new(), any.to_owned());
    let choices = [any].into_iter().chain(values).map(|(value, text)| Choice {
        is_chosen: value == now,
        value,
        text,
    });
    Field { name, label: label.into(), choices: choices.collect(), ..Field::default() }
}

fn input(name: &'static str, label: &str, value: &str, hint: Option<&str>) -> Field {
    let hint = hint.map(str::to_owned);
    Field { name, label: label.into(), value: value.into(), kind: "text", hint, ..Field::default() }
}

/// The fields by which sagas and what is parked are chosen.
pub fn filter_fields(page: &PageContext<'_>, chosen: &[(String, String)]) -> Vec<Field> {
    let t = page.language();
    let now = |name: &str| value_of(chosen, name);
    let systems = page.site.systems.iter().map(|system| (system.name.to_owned(), system.title(t)));
    let contexts = page.site.systems.iter().flat_map(|system| &system.contexts);
    let contexts = contexts.map(|shelf| {
        let name = shelf.name.context;
        (name.to_owned(), name.to_owned())
    });
    let any = texts::any(t);
    vec![
        select("system", texts::system(t), now("system"), any, systems.collect()),
        select("context", texts::owed_by(t), now("context"), any, contexts.collect()),
        input("customer", t.customer(), now("customer"), None),
        input("from", texts::since_from(t), now("from"), Some(texts::time_hint(t))),
        input("to", texts::since_to(t), now("to"), None),
    ]
}

/// The buttons of what is parked.
pub fn parked_buttons(t: Language, id: &str, back: &str) -> Vec<Button> {
    if id.is_empty() {
        return Vec::new();
    }
    let button = |action: &str, text: &str, tone| Button {
        action: "/pages/console/parked/one".into(),
        text: text.to_owned(),
        tone,
        fields: vec![("id", id.to_owned()), ("action", action.to_owned()), ("back", back.into())],
        what: id.to_owned(),
    };
    vec![
        button("redrive", texts::redrive(t), "second"),
        button("drop", texts::drop_it(t), "danger"),
    ]
}

/// One thing that is owed.
pub fn row_card(page: &PageContext<'_>, row: &Value, back: &str) -> Card {
    let t = page.language();
    let context = text(row, "context");
    let number = text(row, "number");
    let owed_by = text(row, "owedBy");
    let attempts = text(row, "attempts");
    let facts = vec![
        (texts::why(t), texts::reason(t, row)),
        (texts::owed_by(t), owed_by),
        (texts::waits_for(t), text(row, "waitsFor")),
        (texts::since(t), time(page, row, "since")),
        (texts::attempts(t), if attempts == "0" { String::new() } else { attempts }),
        (texts::next_try(t), time(page, row, "nextTry")),
        (t.customer(), text(row, "customer")),
        (texts::node(t), text(row, "node")),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    Card {
        heading: format!("{} {number}", context_title(page, &context)),
        href: Some(format!("/pages/console/sagas/{context}/{number}")),
        kicker: context,
        badges: vec![state_badge(t, &text(row, "state"))],
        facts: facts.map(|(label, value)| (label.to_owned(), value)).collect(),
        buttons: parked_buttons(t, &text(row, "id"), back),
    }
}

/// The page after this one, at the cursor that the administration has given.
pub fn next_page(body: &Value, path: &str, chosen: &[(String, String)]) -> Option<String> {
    let next = text(body, "next");
    let (_, query) = next.split_once('?')?;
    let cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor="))?;
    let others = query_of(chosen);
    let separator = if others.is_empty() { "" } else { "&" };
    Some(format!("{path}?{others}{separator}cursor={cursor}"))
}

/// `GET /pages/console/sagas`
pub async fn list(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let chosen = chosen(page, &PARAMETERS);
    let mut asked = chosen.clone();
    asked.push(("limit".into(), "50".into()));
    let cursor = page.request.parameter("cursor").unwrap_or_default();
    asked.push(("cursor".into(), cursor.to_owned()));
    let body = page.get(&format!("/admin/sagas?{}", query_of(&asked))).await?;
    let back = page.request.here();
    let cards = items(&body, "sagas").map(|row| row_card(page, row, &back)).collect();
    let states = STATES.map(|state| (state.to_owned(), texts::state(t, state)));
    let now = value_of(&chosen, "state");
    let mut fields =
        vec![select("state", texts::state_label(t), now, texts::owed(t), states.into())];
    fields.extend(filter_fields(page, &chosen));
    let filter = ConsoleForm {
        action: "/pages/console/sagas".into(),
        fields,
        button: texts::show(t).into(),
        ..ConsoleForm::default()
    };
    answer(
        page,
        Screen {
            heading: texts::sagas(t).into(),
            lead: Some(texts::sagas_lead(t).into()),
            filter: Some(filter),
            next: next_page(&body, "/pages/console/sagas", &chosen),
            sections: vec![Section { heading: None, cards, is_grid: false }],
            empty: Some((texts::nothing_owed(t).into(), texts::nothing_owed_detail(t).into())),
            ..Screen::default()
        },
    )
}
