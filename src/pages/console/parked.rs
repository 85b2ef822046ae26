//! What is parked, to be redriven or dropped: one, or all that a filter wants after a preview; and the jobs that do it.

use super::{
    reading::{items, number, send, state_badge, text, time},
    sagas::{chosen, filter_fields, next_page, row_card},
    screen::{Button, Card, ConsoleForm, Screen, Section, answer},
    texts,
};
use crate::pages::{
    answer::PageAnswer,
    context::{PageContext, PageError, PageResult},
    values::{encode, query_of},
};
use serde_json::{Map, Value};

const PARAMETERS: [&str; 5] = ["system", "context", "customer", "from", "to"];
const PATH: &str = "/pages/console/parked";

/// The buttons that begin with all that the filter wants.
fn bulk_buttons(
    page: &PageContext<'_>,
    chosen: &[(String, String)],
    step: &str,
    wanted: Option<&str>,
) -> Vec<Button> {
    let t = page.language();
    let button = |action: &'static str, text: &str, tone| {
        let mut fields = vec![("action", action.to_owned()), ("step", step.to_owned())];
        for name in PARAMETERS {
            let value = chosen.iter().find(|(known, _)| known == name);
            fields.extend(value.map(|(_, value)| (name, value.clone())));
        }
        Button {
            action: format!("{PATH}/all"),
            text: text.to_owned(),
            tone,
            fields,
            what: String::new(),
        }
    };
    let redrive = || button("redrive", texts::redrive_all(t), "");
    let drop_all = || button("drop", texts::drop_all(t), "danger");
    match wanted {
        Some("redrive") => vec![redrive()],
        Some(_) => vec![drop_all()],
        None => vec![redrive(), drop_all()],
    }
}

/// A letter of the broker, which belongs to no saga that is known.
fn letter_card(page: &PageContext<'_>, item: &Value) -> Card {
    let t = page.language();
    let id = text(item, "id");
    let facts = ["reason", "error", "damaged", "queue", "at"];
    let facts = facts.into_iter().map(|name| (name.to_owned(), text(item, name)));
    Card {
        heading: id.clone(),
        facts: facts.filter(|(_, value)| !value.is_empty()).collect(),
        buttons: super::sagas::parked_buttons(t, &id, PATH),
        ..Card::default()
    }
}

/// `GET /pages/console/parked`
pub async fn list(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let chosen = chosen(page, &PARAMETERS);
    let mut asked = chosen.clone();
    asked.push(("state".into(), "stuck".into()));
    asked.push(("limit".into(), "50".into()));
    let cursor = page.request.parameter("cursor").unwrap_or_default();
    asked.push(("cursor".into(), cursor.to_owned()));
    let body = page.get(&format!("/admin/sagas?{}", query_of(&asked))).await?;
    let back = page.request.here();
    let is_parked = |row: &&Value| !text(row, "id").is_empty();
    let cards: Vec<Card> =
        items(&body, "sagas").filter(is_parked).map(|row| row_card(page, row, &back)).collect();
    let letters = page.get("/admin/parked?after=letter-0&limit=50").await?;
    let is_letter = |item: &&Value| text(item, "id").starts_with("letter-");
    let letters: Vec<Card> =
        items(&letters, "parked").filter(is_letter).map(|item| letter_card(page, item)).collect();
    let buttons =
        if cards.is_empty() { Vec::new() } else { bulk_buttons(page, &chosen, "preview", None) };
    let filter = ConsoleForm {
        action: PATH.into(),
        fields: filter_fields(page, &chosen),
        button: texts::show(t).into(),
        ..ConsoleForm::default()
    };
    let mut sections = vec![Section { heading: None, cards, is_grid: false }];
    if !letters.is_empty() {
        let heading = Some(texts::letters(t).to_owned());
        sections.push(Section { heading, cards: letters, is_grid: false });
    }
    answer(
        page,
        Screen {
            heading: texts::parked(t).into(),
            lead: Some(texts::parked_lead(t).into()),
            filter: Some(filter),
            buttons,
            sections,
            next: next_page(&body, PATH, &chosen),
            empty: Some((texts::nothing_parked(t).into(), texts::nothing_parked_detail(t).into())),
            ..Screen::default()
        },
    )
}

/// What an operator wants to be done with what is parked.
fn wanted_action<'a>(page: &'a PageContext<'_>) -> Result<&'a str, PageError> {
    let action = page.request.field("action").unwrap_or_default();
    if matches!(action, "redrive" | "drop") { Ok(action) } else { Err(PageError::NotFound) }
}

/// `POST /pages/console/parked/one`
pub async fn settle_one(page: &PageContext<'_>) -> PageResult {
    let action = wanted_action(page)?;
    let id = encode(page.request.field("id").unwrap_or_default());
    send(page, "POST", format!("/admin/parked/{id}/{action}"), None).await?;
    let back = page.request.way_back("/pages/console/").unwrap_or(PATH);
    let separator = if back.contains('?') { "&" } else { "?" };
    let done = if back.contains("done=") { String::new() } else { format!("{separator}done=done") };
    Ok(PageAnswer::redirect(format!("{back}{done}")))
}

/// `POST /pages/console/parked/all`: a preview, and then the job.
pub async fn settle_all(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let action = wanted_action(page)?;
    let chosen = chosen(page, &PARAMETERS);
    let given = chosen.iter().filter(|(_, value)| !value.is_empty());
    let mut body: Map<String, Value> =
        given.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let path = format!("/admin/parked/{action}");
    if page.request.field("step") == Some("go") {
        let job = send(page, "POST", path, Some(&Value::Object(body))).await?;
        return Ok(PageAnswer::redirect(format!("/pages/console/jobs/{}", text(&job, "id"))));
    }
    body.insert("dryRun".into(), true.into());
    let preview = send(page, "POST", path, Some(&Value::Object(body))).await?;
    let at_least = preview.get("atLeast").and_then(Value::as_bool).unwrap_or_default();
    let count = number(&preview, "count");
    let mut cards: Vec<Card> =
        items(&preview, "sample").map(|row| row_card(page, row, PATH)).collect();
    cards.iter_mut().for_each(|card| card.buttons.clear());
    let buttons =
        if count == 0 { Vec::new() } else { bulk_buttons(page, &chosen, "go", Some(action)) };
    answer(
        page,
        Screen {
            heading: texts::preview(t).into(),
            warning: Some(texts::would_touch(t, action, count, at_least)),
            buttons,
            sections: vec![Section { heading: None, cards, is_grid: false }],
            empty: Some((texts::nothing_parked(t).into(), texts::nothing_parked_detail(t).into())),
            ..Screen::default()
        },
    )
}

fn job_card(page: &PageContext<'_>, job: &Value) -> Card {
    let t = page.language();
    let id = text(job, "id");
    let state = text(job, "state");
    let filter = job.get("filter").and_then(Value::as_object).into_iter().flatten();
    let filter = filter.filter_map(|(name, value)| Some(format!("{name}: {}", value.as_str()?)));
    let filter = filter.collect::<Vec<_>>().join(", ");
    let facts = vec![
        (texts::filter(t), if filter.is_empty() { texts::any(t).into() } else { filter }),
        (texts::touched(t), text(job, "touched")),
        (texts::parked_again(t), text(job, "parkedAgain")),
        (texts::failed(t), text(job, "failed")),
        (texts::error(t), text(job, "error")),
        (texts::begun(t), time(page, job, "begun")),
        (texts::ended(t), time(page, job, "ended")),
        (texts::by(t), text(job, "by")),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let cancel = Button {
        action: format!("/pages/console/jobs/{id}/cancel"),
        text: texts::cancel(t).into(),
        tone: "danger",
        fields: Vec::new(),
        what: id.clone(),
    };
    Card {
        heading: texts::job_title(t, &text(job, "action")).to_owned(),
        href: Some(format!("/pages/console/jobs/{id}")),
        kicker: id,
        badges: vec![state_badge(t, &state)],
        facts: facts.map(|(label, value)| (label.to_owned(), value)).collect(),
        buttons: if state == "running" { vec![cancel] } else { Vec::new() },
    }
}

/// `GET /pages/console/jobs`
pub async fn list_jobs(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let body = page.get("/admin/jobs").await?;
    let cards: Vec<Card> = items(&body, "jobs").map(|job| job_card(page, job)).collect();
    answer(
        page,
        Screen {
            heading: texts::jobs(t).into(),
            lead: Some(texts::jobs_lead(t).into()),
            sections: vec![Section { heading: None, cards, is_grid: false }],
            empty: Some((texts::no_jobs(t).into(), texts::no_jobs_detail(t).into())),
            ..Screen::default()
        },
    )
}

/// `GET /pages/console/jobs/{id}`
pub async fn show_job(page: &PageContext<'_>, id: &str) -> PageResult {
    let job = page.get(&format!("/admin/jobs/{}", encode(id))).await?;
    let heading = texts::job_title(page.language(), &text(&job, "action")).to_owned();
    let renews = text(&job, "state") == "running";
    let cards = vec![job_card(page, &job)];
    let sections = vec![Section { heading: None, cards, is_grid: false }];
    answer(page, Screen { heading, sections, renews, ..Screen::default() })
}

/// `POST /pages/console/jobs/{id}/cancel`
pub async fn cancel_job(page: &PageContext<'_>, id: &str) -> PageResult {
    let id = encode(id);
    send(page, "POST", format!("/admin/jobs/{id}/cancel"), None).await?;
    Ok(PageAnswer::redirect(format!("/pages/console/jobs/{id}?done=done")))
}
