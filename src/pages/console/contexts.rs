//! The contexts of all nodes, which can be stopped and started; and the nodes.

use super::{
    reading::{context_title, items, number, send, state_badge, text, time},
    screen::{Button, Card, Screen, Section, answer},
    texts,
};
use crate::pages::{
    answer::PageAnswer,
    context::{PageContext, PageError, PageResult},
    values::group_digits,
};
use serde_json::Value;

/// The list of what is stuck.
const STUCK: &str = "/pages/console/sagas?state=stuck";

fn context_card(page: &PageContext<'_>, context: &Value) -> Card {
    let t = page.language();
    let name = text(context, "context");
    let state = text(context, "state");
    let title = context_title(page, &name);
    let count = |label: &str, field: &str| {
        (label.to_owned(), group_digits(&number(context, field).to_string()))
    };
    let mut facts = vec![
        count(texts::backlog(t), "backlog"),
        count(texts::waiting_callers(t), "waiting"),
        count(texts::parked(t), "parked"),
        count(texts::restarts(t), "restarts"),
    ];
    if let Some(guard) = context.get("guard").filter(|guard| guard.is_object()) {
        facts.push((texts::breaker(t).into(), texts::state(t, &text(guard, "breaker"))));
    }
    let node = text(context, "node");
    if !node.is_empty() {
        facts.push((texts::node(t).into(), node));
    }
    let mut badges = vec![state_badge(t, &state)];
    if context.get("fault").is_some_and(Value::is_object) {
        badges.push(crate::pages::show::Badge { text: texts::faulty(t).into(), tone: "taken" });
    }
    let is_away = matches!(state.as_str(), "stopped" | "failed");
    let button = Button {
        action: format!(
            "/pages/console/contexts/{name}/{}",
            if is_away { "start" } else { "stop" }
        ),
        text: if is_away { texts::start(t) } else { texts::stop(t) }.into(),
        tone: if is_away { "" } else { "second" },
        fields: Vec::new(),
        what: name.clone(),
    };
    Card { heading: title, href: None, kicker: name, badges, facts, buttons: vec![button] }
}

/// `GET /pages/console`
pub async fn list(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let body = page.get("/admin/contexts").await?;
    let mut sections = Vec::<(String, Section)>::new();
    for context in items(&body, "contexts") {
        let name = text(context, "context");
        let system = name.split('.').next().unwrap_or_default().to_owned();
        let card = context_card(page, context);
        match sections.last_mut() {
            Some((last, section)) if *last == system => section.cards.push(card),
            _ => {
                let known = page.site.systems.iter().find(|known| known.name == system);
                let heading = Some(known.map_or_else(|| system.clone(), |known| known.title(t)));
                let section = Section { heading, cards: vec![card], is_grid: true };
                sections.push((system, section));
            }
        }
    }
    let stuck = page.get("/admin/sagas?state=stuck&limit=1").await?;
    let warning = items(&stuck, "sagas").next().map(|_| texts::some_are_stuck(t).to_owned());
    answer(
        page,
        Screen {
            heading: texts::contexts(t).into(),
            lead: Some(texts::contexts_lead(t).into()),
            remedy: warning.is_some().then(|| (texts::look(t).into(), STUCK.to_owned())),
            warning,
            sections: sections.into_iter().map(|(_, section)| section).collect(),
            ..Screen::default()
        },
    )
}

/// `POST /pages/console/contexts/{context}/{stop or start}`
pub async fn act(page: &PageContext<'_>, context: &str, action: &str) -> PageResult {
    if !matches!(action, "stop" | "start") {
        return Err(PageError::NotFound);
    }
    let context = crate::pages::values::encode(context);
    send(page, "POST", format!("/admin/contexts/{context}/{action}"), None).await?;
    Ok(PageAnswer::redirect("/pages/console?done=done"))
}

/// `GET /pages/console/nodes`
pub async fn list_nodes(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let body = page.get("/admin/nodes").await?;
    let cards = items(&body, "nodes").map(|node| {
        let hosted = items(node, "contexts").map(|context| {
            let state = text(context, "state");
            let name = text(context, "context");
            if matches!(state.as_str(), "running" | "") {
                name
            } else {
                format!("{name} ({})", texts::state(t, &state))
            }
        });
        let url = text(node, "url");
        let facts = vec![
            (
                texts::address(t).into(),
                if url.is_empty() { texts::this_node(t).into() } else { url },
            ),
            (texts::version(t).into(), text(node, "version")),
            (texts::since(t).into(), time(page, node, "since")),
            (texts::hosts(t).into(), hosted.collect::<Vec<_>>().join(", ")),
            (texts::error(t).into(), text(node, "error")),
        ];
        let name = text(node, "node");
        Card {
            heading: if name.is_empty() { texts::unknown_node(t).into() } else { name },
            badges: vec![state_badge(t, &text(node, "state"))],
            facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            ..Card::default()
        }
    });
    let sections = vec![Section { heading: None, cards: cards.collect(), is_grid: false }];
    let heading = texts::nodes(t).into();
    answer(page, Screen { heading, sections, ..Screen::default() })
}
