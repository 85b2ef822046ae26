//! What there is: the businesses, and the list of what one offers.

use super::{
    answer::PageAnswer,
    context::{PageContext, PageError, PageResult},
    layout::Layout,
    names::find_names,
    shape::FieldKind,
    show::{Showing, Shown},
    site::{Shelf, System},
    values::{encode, query_of},
};
use askama::Template;
use serde_json::Value;

/// A business, as the first page offers it.
struct Business {
    title: String,
    /// What there is in it: text and path.
    doors: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    layout: Layout,
    businesses: Vec<Business>,
}

/// `GET /pages/`: the businesses; where there is one, what it offers.
pub async fn home(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    if let [only] = page.site.systems.as_slice()
        && let Some(first) = only.catalogues().next()
    {
        return Ok(PageAnswer::redirect(first.page()));
    }
    let businesses = page.site.systems.iter().map(|system| {
        let catalogues = system.catalogues();
        let mut doors: Vec<_> =
            catalogues.map(|shelf| (system.plural(shelf, t), shelf.page())).collect();
        doors.extend(free_standing_order(system).map(|shelf| {
            (
                format!("{}: {}", system.noun(shelf, t), t.new_order()),
                format!("{}/new", shelf.page()),
            )
        }));
        doors.push((t.my_page().to_owned(), format!("/pages/{}/mine", system.name)));
        Business { title: system.title(t), doors }
    });
    let businesses = businesses.collect();
    let layout = Layout::of(page, t.home());
    Ok(PageAnswer::html(200, &HomePage { layout, businesses }))
}

/// `GET /pages/{system}`: leads to what the business offers, or to what the visitor has there.
pub fn begin(page: &PageContext<'_>, system: &str) -> PageResult {
    let system = page.site.system(system).ok_or(PageError::NotFound)?;
    let first = system.catalogues().next().map(Shelf::page);
    let mine = || format!("/pages/{}/mine", system.name);
    Ok(PageAnswer::redirect(first.unwrap_or_else(mine)))
}

/// The orders of a business that are for nothing in a catalogue.
pub fn free_standing_order(system: &System) -> Option<&Shelf> {
    let is_there = system.catalogues().next().is_some();
    system.orders().filter(|_| !is_there)
}

/// A filter of a list.
struct Chip {
    text: String,
    href: String,
    is_here: bool,
}

/// A thing in a list.
struct Card {
    shown: Shown,
    href: String,
    /// The path that orders it.
    order: Option<String>,
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    layout: Layout,
    heading: String,
    chips: Vec<Chip>,
    cards: Vec<Card>,
    count: String,
    register: Option<(String, String)>,
    previous: Option<String>,
    next: Option<String>,
    position: String,
    /// The path whose changes the page follows.
    follows: Option<String>,
    is_catalogue: bool,
}

/// How many things are on a page.
const SIZE: u64 = 24;

/// `GET /pages/{system}/{collection}`: what there is, with what is free.
pub async fn list(page: &PageContext<'_>, system: &str, collection: &str) -> PageResult {
    let t = page.language();
    let system = page.site.system(system).ok_or(PageError::NotFound)?;
    let shelf = system.shelf(collection).ok_or(PageError::NotFound)?;
    let number = page.request.parameter("page").and_then(|page| page.parse().ok()).unwrap_or(0_u64);
    let filters: Vec<_> = shelf
        .filters
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), page.request.parameter(name)?.to_owned())))
        .collect();
    let mut query = filters.clone();
    query.push(("page".into(), number.to_string()));
    query.push(("size".into(), SIZE.to_string()));
    if !shelf.is_catalogue() {
        query.push(("sort".into(), "id,desc".into()));
    }
    let body = page.get(&format!("{}?{}", shelf.path(), query_of(&query))).await?;
    let items = body.get("_embedded").and_then(|all| all.get(collection)).and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    let names = find_names(page, system, shelf, items).await;
    let showing = Showing { site: page.site, system, shelf, language: t, names };
    let cards = items.iter().map(|item| {
        let shown = showing.show(item);
        let href = format!("{}/{}", shelf.page(), shown.number);
        let order = order_path(page, system, shelf, item).filter(|_| shown.is_free);
        Card { shown, href, order }
    });
    let cards = cards.collect();
    let totals = |name: &str| {
        body.get("page").and_then(|page| page.get(name)).and_then(Value::as_u64).unwrap_or(0)
    };
    let pages = totals("totalPages").max(1);
    let to = |number: u64| {
        let mut query = filters.clone();
        query.push(("page".into(), number.to_string()));
        format!("{}?{}", shelf.page(), query_of(&query))
    };
    let register = shelf.creation().filter(|route| page.request.visitor.may(route.role));
    let layout = Layout::of(page, system.plural(shelf, t));
    Ok(PageAnswer::html(
        200,
        &ListPage {
            heading: system.plural(shelf, t),
            chips: chips(page, system, shelf, &filters),
            cards,
            count: t.count(totals("totalElements"), false),
            register: register.map(|_| {
                let usual = if shelf.is_catalogue() { t.register() } else { t.new_order() };
                let text = system.creation_label(shelf, t).unwrap_or_else(|| usual.to_owned());
                (text, format!("{}/new", shelf.page()))
            }),
            previous: number.checked_sub(1).map(to),
            next: (number + 1 < pages).then(|| to(number + 1)),
            position: t.page_of(number + 1, pages),
            follows: page.request.visitor.is_staff().then(|| shelf.path()),
            is_catalogue: shelf.is_catalogue(),
            layout,
        },
    ))
}

/// The page that orders `item`, if customers order such things.
pub fn order_path(
    page: &PageContext<'_>,
    system: &System,
    shelf: &Shelf,
    item: &Value,
) -> Option<String> {
    if !shelf.is_catalogue() {
        return None;
    }
    system.begun_by_customers().find_map(|order| {
        let route = order.creation().filter(|_| page.request.visitor.principal.is_some())?;
        let shape = super::shape::Shape::of_body(*route.bodies.first()?);
        shape.fields.iter().find_map(|field| {
            let (referred, by_number) = system.referred(&field.name)?;
            if referred.name != shelf.name {
                return None;
            }
            let key = if by_number { item.get("id") } else { item.get(&field.name) }?;
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            Some(format!("{}/new?{}={}", order.page(), field.name, encode(&key)))
        })
    })
}

/// The filters of a list: each value that people have a label for.
fn chips(
    page: &PageContext<'_>,
    system: &System,
    shelf: &Shelf,
    given: &[(String, String)],
) -> Vec<Chip> {
    let t = page.language();
    let mut chips = Vec::new();
    for name in &shelf.filters {
        let Some(field) = shelf.shape.find(name) else { continue };
        let values = match &field.kind {
            FieldKind::Choice(values) => values.clone(),
            FieldKind::Flag => vec!["true".to_owned(), "false".to_owned()],
            _ => continue,
        };
        for value in values.iter().filter(|value| system.declares((name, value))) {
            let Some((text, _)) = system.value_label(shelf, (name, value), t) else { continue };
            let is_here = given.iter().any(|(known, chosen)| known == name && chosen == value);
            let href = format!("{}?{name}={}", shelf.page(), encode(value));
            chips.push(Chip { text, href, is_here });
        }
    }
    if !chips.is_empty() {
        let is_here = given.is_empty();
        chips.insert(0, Chip { text: t.everything().to_owned(), href: shelf.page(), is_here });
    }
    chips
}
