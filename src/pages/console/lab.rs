//! In development: faults that are injected into contexts, and the clock.

use super::{
    reading::{context_title, items, send, text},
    screen::{Button, Card, Choice, ConsoleForm, Field, Screen, Section, answer},
    texts,
};
use crate::pages::{
    answer::PageAnswer,
    context::{PageContext, PageError, PageResult},
    language::Language,
    values::encode,
};
use serde_json::{Value, json};

const PATH: &str = "/pages/console/lab";

fn field(name: &'static str, label: &str, value: &str, kind: &'static str) -> Field {
    Field { name, label: label.into(), value: value.into(), kind, ..Field::default() }
}

fn fault_form(t: Language, contexts: &[(String, String)]) -> ConsoleForm {
    let choices = contexts.iter().map(|(name, title)| Choice {
        value: name.clone(),
        text: format!("{title} ({name})"),
        is_chosen: false,
    });
    let context = Field {
        name: "context",
        label: texts::context(t).into(),
        choices: choices.collect(),
        ..Field::default()
    };
    ConsoleForm {
        action: format!("{PATH}/fault"),
        heading: Some(texts::inject(t).into()),
        fields: vec![
            context,
            field("least", texts::delay_least(t), "400", "number"),
            field("most", texts::delay_most(t), "620", "number"),
            field("failing", texts::share_lost(t), "0", "number"),
        ],
        button: texts::inject(t).into(),
    }
}

fn clock_form(t: Language) -> ConsoleForm {
    let mut advance = field("advance", texts::advance(t), "PT10M", "text");
    advance.hint = Some(texts::advance_hint(t).into());
    ConsoleForm {
        action: format!("{PATH}/clock"),
        heading: Some(texts::clock(t).into()),
        fields: vec![advance],
        button: texts::move_clock(t).into(),
    }
}

/// `GET /pages/console/lab`
pub async fn show(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let body = page.get("/admin/contexts").await?;
    let all: Vec<(String, String)> = items(&body, "contexts")
        .map(|context| text(context, "context"))
        .map(|name| (name.clone(), context_title(page, &name)))
        .collect();
    let has_fault = |context: &&Value| context.get("fault").is_some_and(Value::is_object);
    let cards = items(&body, "contexts").filter(has_fault).map(|context| {
        let name = text(context, "context");
        let fault = context.get("fault").cloned().unwrap_or_default();
        let delay = fault.get("delayMs").map(ToString::to_string).unwrap_or_default();
        Card {
            heading: context_title(page, &name),
            kicker: name.clone(),
            facts: vec![
                (texts::delay(t).into(), format!("{delay} ms")),
                (texts::share_lost(t).into(), text(&fault, "failureRate")),
            ],
            buttons: vec![Button {
                action: format!("{PATH}/heal"),
                text: texts::heal(t).into(),
                tone: "",
                fields: vec![("context", name.clone())],
                what: name,
            }],
            ..Card::default()
        }
    });
    let cards: Vec<Card> = cards.collect();
    answer(
        page,
        Screen {
            heading: texts::lab(t).into(),
            lead: Some(texts::lab_lead(t).into()),
            sections: vec![Section { heading: None, cards, is_grid: true }],
            forms: vec![fault_form(t, &all), clock_form(t)],
            ..Screen::default()
        },
    )
}

/// A number of a form, as JSON has it; a text that is none is refused there.
fn number_of(page: &PageContext<'_>, name: &str) -> Value {
    let text = page.request.field(name).unwrap_or_default().trim();
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// `POST /pages/console/lab/{what}`
pub async fn act(page: &PageContext<'_>, what: &str) -> PageResult {
    let context = encode(page.request.field("context").unwrap_or_default());
    let fault = format!("/admin/contexts/{context}/fault");
    match what {
        "fault" => {
            let delay = [number_of(page, "least"), number_of(page, "most")];
            let body = json!({ "delayMs": delay, "failureRate": number_of(page, "failing") });
            send(page, "PUT", fault, Some(&body)).await?;
        }
        "heal" => drop(send(page, "DELETE", fault, None).await?),
        "clock" => {
            let advance = page.request.field("advance").unwrap_or_default().trim();
            let body = json!({ "advance": advance });
            send(page, "POST", "/admin/clock".into(), Some(&body)).await?;
        }
        _ => return Err(PageError::NotFound),
    }
    Ok(PageAnswer::redirect(format!("{PATH}?done=done")))
}
