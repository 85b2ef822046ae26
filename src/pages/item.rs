//! One thing: what it is, what has happened to it elsewhere, and what one can do with it.

use super::{
    answer::PageAnswer,
    command,
    context::{FoundItem, PageContext, PageError, PageResult, Refused},
    form::{self, Form, FormMaker, Known},
    layout::Layout,
    names::find_names,
    shape::Shape,
    shop::order_path,
    show::{Fact, Names, Showing, Shown},
    site::{SharedBy, Shelf, System},
    values,
};
use crate::domain::Reads;
use askama::Template;
use serde_json::{Map, Value};

/// The media type of a thing with what may be commanded of it.
const FORMS: &str = "application/prs.hal-forms+json";

/// What has become of a thing in another context.
pub struct Chapter {
    pub title: String,
    pub shown: Shown,
    /// The page of the thing there, where it has one of its own.
    pub href: Option<String>,
}

#[derive(Template)]
#[template(path = "item.html")]
struct ItemPage {
    layout: Layout,
    shown: Shown,
    /// What is done with one press.
    buttons: Vec<Form>,
    /// What is filled in first.
    forms: Vec<Form>,
    chapters: Vec<Chapter>,
    order: Option<String>,
    receipt: Option<String>,
    /// For those who run the server: its saga.
    saga: Option<String>,
    /// The paths whose changes the page follows.
    follows: Vec<String>,
    /// Why the last command was not taken.
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage {
    layout: Layout,
    shown: Shown,
    chapters: Vec<Chapter>,
    back: String,
}

/// A thing that was found, where it belongs.
struct Found<'a> {
    system: &'a System,
    shelf: &'a Shelf,
    number: String,
    item: FoundItem,
}

async fn find<'a>(
    page: &PageContext<'a>,
    system: &str,
    collection: &str,
    number: &str,
) -> Result<Found<'a>, PageError> {
    let system = page.site.system(system).ok_or(PageError::NotFound)?;
    let shelf = system.shelf(collection).ok_or(PageError::NotFound)?;
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(PageError::NotFound);
    }
    let item = page.get_item(&format!("{}/{number}", shelf.path()), FORMS).await?;
    Ok(Found { system, shelf, number: number.to_owned(), item })
}

/// `GET /pages/{system}/{collection}/{number}`
pub async fn show(
    page: &PageContext<'_>,
    system: &str,
    collection: &str,
    number: &str,
) -> PageResult {
    let found = find(page, system, collection, number).await?;
    write(page, &found, None).await
}

/// `POST /pages/{system}/{collection}/{number}`: a command.
pub async fn act(
    page: &PageContext<'_>,
    system: &str,
    collection: &str,
    number: &str,
) -> PageResult {
    let found = find(page, system, collection, number).await?;
    let does = page.request.field("_do").unwrap_or_default();
    let now = (found.number.as_str(), &found.item.body);
    let request = command::request_of(page, found.shelf, now, does);
    let request = request.ok_or(PageError::NotFound)?;
    let is_offered = found.item.body.get("_templates").is_some_and(|all| all.get(does).is_some());
    let is_unchanged = is_offered
        && does == "correct"
        && command::is_unchanged(page, found.shelf, &found.item.body);
    // What stays as it is needs no command.
    if !is_unchanged {
        let reply = command::send(page, request).await;
        if !reply.is_success() {
            let refused = Refused::of_reply(&reply);
            return write(page, &found, Some((does, refused))).await;
        }
    }
    let done = if matches!(does, "correct" | "change") { "saved" } else { "done" };
    let waiting = format!("/pages/{system}/waiting");
    let back = page.request.field("_back").filter(|back| *back == waiting);
    let item = format!("{}/{number}", found.shelf.page());
    Ok(PageAnswer::redirect(format!("{}?done={done}", back.unwrap_or(&item))))
}

async fn write(
    page: &PageContext<'_>,
    found: &Found<'_>,
    refused: Option<(&str, Refused)>,
) -> PageResult {
    let t = page.language();
    let Found { system, shelf, number, item } = found;
    let names = find_names(page, system, shelf, [&item.body]).await;
    let showing = Showing { site: page.site, system, shelf, language: t, names: names.clone() };
    let mut shown = showing.show(&item.body);
    let all = forms_of(page, found, refused.as_ref()).await;
    let (buttons, forms): (Vec<Form>, Vec<Form>) =
        all.into_iter().partition(|form| !form.is_filled_in());
    let chapters = story_of(page, found, &shown, &names).await;
    let order = order_path(page, system, shelf, &item.body).filter(|_| shown.is_free);
    let is_order = shelf.is_order && !shelf.is_view;
    let mut layout = Layout::of(page, shown.heading.clone());
    layout.refreshes = shown.is_open;
    let mut follows = vec![format!("{}/{number}", shelf.path())];
    if is_order && let Some(view) = system.order_view() {
        follows.push(format!("{}/{number}", view.path()));
    }
    let status = refused.as_ref().map_or(200, |(_, refused)| refused.status);
    let problem = refused.as_ref().map(|(_, refused)| command::explain(page, refused));
    shown.facts.retain(|fact| !fact.value.is_empty());
    let receipt =
        (is_order && !shown.is_open).then(|| format!("{}/{number}/receipt", shelf.page()));
    let is_operator = page.request.visitor.is_operator();
    let saga =
        (is_order && is_operator).then(|| format!("/pages/console/sagas/{}/{number}", system.name));
    let page = ItemPage {
        saga,
        layout,
        shown,
        buttons,
        forms,
        chapters,
        order,
        receipt,
        follows,
        problem,
    };
    Ok(PageAnswer::html(status, &page))
}

/// The forms of what may be commanded of a thing, as the server offers it.
async fn forms_of(
    page: &PageContext<'_>,
    found: &Found<'_>,
    refused: Option<&(&str, Refused)>,
) -> Vec<Form> {
    let Found { system, shelf, number, item } = found;
    let templates = item.body.get("_templates").and_then(Value::as_object);
    let mut forms = Vec::new();
    for (does, template) in templates.into_iter().flatten() {
        let shape = asked_of(shelf, does, template);
        let maker = FormMaker { page, system, shelf };
        let refused = refused.filter(|(command, _)| command == does).map(|(_, refused)| refused);
        let mut inputs = maker.inputs(&shape, &[], &Known::new(), refused).await;
        if does == "correct" {
            inputs.iter_mut().for_each(|input| fill_in(page, input, item.body.as_object()));
        }
        forms.push(Form {
            action: format!("{}/{number}", shelf.page()),
            does: does.clone(),
            button: system.label(shelf, does, page.language()),
            tone: if matches!(does.as_str(), "approve" | "change" | "correct") {
                ""
            } else {
                "second"
            },
            inputs,
            key: refused.map_or_else(form::new_key, |refused| command::next_key(page, refused)),
            tag: item.tag.clone(),
            id: format!("{does}-{number}"),
        });
    }
    forms
}

/// The buttons of a thing in a list: what is done with one press.
pub async fn buttons_of(
    page: &PageContext<'_>,
    system: &System,
    shelf: &Shelf,
    number: u64,
) -> Vec<Form> {
    let path = format!("{}/{number}", shelf.path());
    let Ok(item) = page.get_item(&path, FORMS).await else { return Vec::new() };
    let number = number.to_string();
    let found = FoundIn { system, shelf, number, item };
    let forms = forms_of(page, &found.into(), None).await;
    forms.into_iter().filter(|form| !form.is_filled_in()).collect()
}

struct FoundIn<'a> {
    system: &'a System,
    shelf: &'a Shelf,
    number: String,
    item: FoundItem,
}

impl<'a> From<FoundIn<'a>> for Found<'a> {
    fn from(FoundIn { system, shelf, number, item }: FoundIn<'a>) -> Self {
        Self { system, shelf, number, item }
    }
}

/// The fields that a template asks for.
fn asked_of(shelf: &Shelf, does: &str, template: &Value) -> Shape {
    let Some(shape) = command::form_shape(shelf, does == "change") else { return Shape::default() };
    let asked = template.get("properties").and_then(Value::as_array).into_iter().flatten();
    let asked = asked.filter(|property| property.get("value").is_none());
    let names: Vec<&str> = asked.filter_map(|property| property.get("name")?.as_str()).collect();
    let fields = shape.fields.into_iter().filter(|field| names.contains(&field.name.as_str()));
    Shape { fields: fields.collect() }
}

/// What there is now, where nothing else was entered.
fn fill_in(page: &PageContext<'_>, input: &mut form::Input, item: Option<&Map<String, Value>>) {
    let name = input.name.strip_prefix("f.").unwrap_or(&input.name);
    let now = item.and_then(|item| item.get(name)).map(form::text_of).unwrap_or_default();
    if input.value.is_empty() {
        input.value = match input.kind {
            "datetime-local" => values::time_to_enter(&now, &page.site.zone),
            _ => now,
        };
    }
    input.is_required = false;
    let value = input.value.clone();
    input.choices.iter_mut().for_each(|choice| choice.is_chosen = choice.value == value);
}

/// What has become of an order in the other contexts, in the order of the board.
async fn story_of(
    page: &PageContext<'_>,
    found: &Found<'_>,
    shown: &Shown,
    names: &Names,
) -> Vec<Chapter> {
    let t = page.language();
    let Found { system, shelf, number, .. } = found;
    if !shelf.is_order && !shelf.is_catalogue() && shelf.reads != Reads::Owner {
        return Vec::new();
    }
    let mut chapters = Vec::new();
    for other in system.contexts.iter().filter(|other| other.name != shelf.name) {
        let names = names.clone();
        let showing = Showing { site: page.site, system, shelf: other, language: t, names };
        let Some(way) = system.shares_number(shelf, other) else { continue };
        let items = match way {
            SharedBy::Number => {
                page.get(&format!("{}/{number}", other.path())).await.map(|item| vec![item])
            }
            SharedBy::Field(field) => {
                let list = format!("{}?{field}={number}&size=20", other.path());
                page.get(&list).await.map(|body| items_of(&body, other))
            }
        };
        for item in items.unwrap_or_default() {
            let mut part = showing.show(&item);
            part.facts.retain(|fact| is_news(fact, shown));
            let there = || match way {
                SharedBy::Number => format!("{}/{number}", other.page()),
                SharedBy::Field(_) => format!("{}/{}", other.page(), part.number),
            };
            // A view shows what is here already, and takes no commands.
            let href = (!other.is_view).then(there);
            chapters.push(Chapter { title: system.noun(other, t), shown: part, href });
        }
    }
    chapters
}

fn items_of(body: &Value, shelf: &Shelf) -> Vec<Value> {
    let all = body.get("_embedded").and_then(|all| all.get(shelf.name.collection));
    all.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Whether the order itself does not say it already.
fn is_news(fact: &Fact, shown: &Shown) -> bool {
    !shown.facts.iter().any(|known| known.value == fact.value && known.label == fact.label)
        && fact.value != shown.number.to_string()
}

/// `GET /pages/{system}/{collection}/{number}/receipt`
pub async fn receipt(
    page: &PageContext<'_>,
    system: &str,
    collection: &str,
    number: &str,
) -> PageResult {
    let found = find(page, system, collection, number).await?;
    let Found { system, shelf, number, item } = &found;
    if !shelf.is_order || shelf.is_view {
        return Err(PageError::NotFound);
    }
    let names = find_names(page, system, shelf, [&item.body]).await;
    let language = page.language();
    let showing = Showing { site: page.site, system, shelf, language, names: names.clone() };
    let shown = showing.show(&item.body);
    let chapters = story_of(page, &found, &shown, &names).await;
    let title = format!("{} · {}", page.language().receipt(), shown.kicker);
    let layout = Layout::of(page, title);
    let back = format!("{}/{number}", shelf.page());
    Ok(PageAnswer::html(200, &ReceiptPage { layout, shown, chapters, back }))
}
