//! What is mine, and what waits for me.

use super::{
    answer::PageAnswer,
    context::{PageContext, PageError, PageResult},
    form::Form,
    item::buttons_of,
    layout::Layout,
    names::find_names,
    show::{Showing, Shown},
    site::{Shelf, System},
    values::encode,
};
use askama::Template;
use serde_json::Value;

/// How many of each kind are shown.
const SIZE: usize = 30;

/// A thing in a list, and what can be done with it.
struct Row {
    shown: Shown,
    href: String,
    buttons: Vec<Form>,
}

/// Things of one kind.
struct Section {
    heading: String,
    rows: Vec<Row>,
    /// The list with all of them, where there are more.
    more: Option<String>,
    /// How another one is begun: what one does, to what, and where.
    begin: Option<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "mine.html")]
struct MinePage {
    layout: Layout,
    heading: String,
    lead: Option<String>,
    sections: Vec<Section>,
    empty: (String, String),
    /// Where to go when nothing is there.
    start: Option<(String, String)>,
    follows: Vec<String>,
    back: String,
}

/// `GET /pages/{system}/mine`
pub async fn my_page(page: &PageContext<'_>, system: &str) -> PageResult {
    let t = page.language();
    let system = page.site.system(system).ok_or(PageError::NotFound)?;
    let mut sections = Vec::new();
    for shelf in system.begun_by_customers() {
        let list = format!("{}?size={SIZE}&sort=id,desc", shelf.path());
        let body = page.get(&list).await?;
        let rows = rows_of(page, system, shelf, &body).await;
        let more = (rows.len() == SIZE).then(|| shelf.page());
        let is_begun_here = !shelf.is_order || system.catalogues().next().is_none();
        let begin = is_begun_here.then(|| {
            let verb = system.creation_label(shelf, t).unwrap_or_else(|| t.new_order().to_owned());
            (verb, system.noun(shelf, t), format!("{}/new", shelf.page()))
        });
        if !rows.is_empty() || begin.is_some() {
            sections.push(Section { heading: system.plural(shelf, t), rows, more, begin });
        }
    }
    let customer = page.request.visitor.customer();
    let lead = match customer {
        Some(customer) => Some(format!("{} {customer}", t.customer())),
        None => Some(t.mine_all_note().to_owned()),
    };
    let start = system.catalogues().next().map(|shelf| (system.plural(shelf, t), shelf.page()));
    // A customer follows each order on its own page; the list of all orders is for staff.
    let orders = system.orders().filter(|_| page.request.visitor.is_staff());
    Ok(PageAnswer::html(
        200,
        &MinePage {
            layout: Layout::of(page, t.my_page()),
            heading: t.my_page().into(),
            lead,
            sections,
            empty: (t.my_page_empty().into(), t.my_page_empty_detail().into()),
            start,
            follows: orders.map(Shelf::path).into_iter().collect(),
            back: String::new(),
        },
    ))
}

/// `GET /pages/{system}/waiting`: what staff has to decide.
pub async fn waiting(page: &PageContext<'_>, system: &str) -> PageResult {
    let t = page.language();
    let system = page.site.system(system).ok_or(PageError::NotFound)?;
    let mut sections = Vec::new();
    let mut follows = Vec::new();
    for shelf in system.contexts.iter().filter(|shelf| shelf.is_decided_by_staff()) {
        let mut rows = Vec::new();
        for (field, value) in system.waiting_values(shelf) {
            let list = format!("{}?{field}={}&size={SIZE}", shelf.path(), encode(&value));
            let body = page.get(&list).await?;
            rows.extend(rows_of(page, system, shelf, &body).await);
        }
        for row in &mut rows {
            let buttons = buttons_of(page, system, shelf, row.shown.number).await;
            row.buttons =
                buttons.into_iter().filter(|form| shelf.is_decision(&form.does)).collect();
        }
        rows.retain(|row| !row.buttons.is_empty());
        follows.push(shelf.path());
        if !rows.is_empty() {
            sections.push(Section {
                heading: system.plural(shelf, t),
                rows,
                more: None,
                begin: None,
            });
        }
    }
    Ok(PageAnswer::html(
        200,
        &MinePage {
            layout: Layout::of(page, t.waiting()),
            heading: t.waiting().into(),
            lead: None,
            sections,
            empty: (t.waiting_empty().into(), t.waiting_empty_detail().into()),
            start: None,
            follows,
            back: format!("/pages/{}/waiting", system.name),
        },
    ))
}

async fn rows_of(page: &PageContext<'_>, system: &System, shelf: &Shelf, body: &Value) -> Vec<Row> {
    let all = body.get("_embedded").and_then(|all| all.get(shelf.name.collection));
    let items = all.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names = find_names(page, system, shelf, items).await;
    let showing = Showing { site: page.site, system, shelf, language: page.language(), names };
    let rows = items.iter().map(|item| {
        let shown = showing.show(item);
        let href = format!("{}/{}", shelf.page(), shown.number);
        Row { shown, href, buttons: Vec::new() }
    });
    rows.collect()
}
