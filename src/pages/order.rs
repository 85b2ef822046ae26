//! The form by which something is ordered or registered.

use super::{
    answer::PageAnswer,
    backend::BackendRequest,
    command,
    context::{PageContext, PageError, PageResult, Refused},
    form::{self, Form, FormMaker, Input},
    layout::Layout,
    shape::Shape,
    site::{Shelf, System},
};
use crate::actors::RouteInfo;
use askama::Template;

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    layout: Layout,
    heading: String,
    form: Form,
    /// Whether it is for one of several things, of which none may be had.
    is_nothing_free: bool,
    /// Why it was not taken.
    problem: Option<String>,
    back: String,
}

fn find<'a>(
    page: &PageContext<'a>,
    system: &str,
    collection: &str,
) -> Result<(&'a System, &'a Shelf, &'a RouteInfo), PageError> {
    let system = page.site.system(system).ok_or(PageError::NotFound)?;
    let shelf = system.shelf(collection).ok_or(PageError::NotFound)?;
    let route = shelf.creation().ok_or(PageError::NotFound)?;
    Ok((system, shelf, route))
}

/// `GET /pages/{system}/{collection}/new`
pub async fn offer(page: &PageContext<'_>, system: &str, collection: &str) -> PageResult {
    let (system, shelf, route) = find(page, system, collection)?;
    let visitor = &page.request.visitor;
    if !visitor.may(route.role) {
        let status = if visitor.principal.is_some() { 403 } else { 401 };
        let detail = page.language().wrong_role().to_owned();
        return Err(PageError::Refused(Refused { status, detail, ..Refused::default() }));
    }
    show(page, (system, shelf, route), None).await
}

/// `POST /pages/{system}/{collection}/new`
pub async fn send(page: &PageContext<'_>, system: &str, collection: &str) -> PageResult {
    let (system, shelf, route) = find(page, system, collection)?;
    let shape = shape_of(route)?;
    let body = form::read_body(page, &shape);
    let request = BackendRequest {
        method: "POST",
        path: shelf.path(),
        body: Some(body.to_string()),
        ..BackendRequest::default()
    };
    let reply = command::send(page, request).await;
    if !reply.is_success() {
        return show(page, (system, shelf, route), Some(Refused::of_reply(&reply))).await;
    }
    let number = reply.header("location").and_then(|path| path.rsplit('/').next());
    let number = number.unwrap_or_default();
    let done = match (reply.status, reply.header("holdfast-outcome")) {
        _ if shelf.is_catalogue() => "registered",
        (202, _) | (_, Some("pending")) => "pending",
        (_, Some("failed" | "refused" | "canceled")) => "failed",
        _ => "ordered",
    };
    Ok(PageAnswer::redirect(format!("{}/{number}?done={done}", shelf.page())))
}

fn shape_of(route: &RouteInfo) -> Result<Shape, PageError> {
    let body = route.bodies.first().ok_or(PageError::NotFound)?;
    Ok(Shape::of_body(*body))
}

async fn show(
    page: &PageContext<'_>,
    (system, shelf, route): (&System, &Shelf, &RouteInfo),
    refused: Option<Refused>,
) -> PageResult {
    let t = page.language();
    let shape = shape_of(route)?;
    let maker = FormMaker { page, system, shelf };
    let known = maker.known_of(&shape).await;
    let visitor = &page.request.visitor;
    // A customer's credentials say who it is.
    let left_out: Vec<&str> = match visitor.customer() {
        Some(_) => route.subject.into_iter().chain(route.grade).collect(),
        None => Vec::new(),
    };
    let mut inputs = maker.inputs(&shape, &left_out, &known, refused.as_ref()).await;
    if route.subject.is_none() && route.begins_for_customer() && visitor.is_staff() {
        inputs.push(Input {
            name: "_customer".into(),
            label: t.on_behalf_of().to_owned(),
            kind: "text",
            value: page.request.field("_customer").unwrap_or_default().to_owned(),
            fixed_text: None,
            choices: Vec::new(),
            is_required: false,
            error: None,
            autocomplete: "off",
        });
    }
    let is_nothing_free =
        inputs.iter().any(|input| input.kind == "select" && input.choices.is_empty());
    let noun = system.noun(shelf, t);
    let verb = if shelf.is_catalogue() { t.register() } else { t.order() };
    let named = known.first().map_or(noun, |(_, _, name)| name.clone());
    let own = system.creation_label(shelf, t);
    let usual = || t.choose(format!("{verb}: {named}"), format!("{named} {verb}"));
    let heading = own.clone().unwrap_or_else(usual);
    let button = if shelf.is_catalogue() { t.register() } else { t.order_now() };
    let query = super::values::query_of(&page.request.query);
    let action = match query.as_str() {
        "" => format!("{}/new", shelf.page()),
        query => format!("{}/new?{query}", shelf.page()),
    };
    let key = match &refused {
        Some(refused) => command::next_key(page, refused),
        None => form::new_key(),
    };
    let form = Form {
        action,
        does: String::new(),
        button: own.unwrap_or_else(|| button.to_owned()),
        tone: "",
        inputs,
        key,
        tag: String::new(),
        id: "new".into(),
    };
    let status = refused.as_ref().map_or(200, |refused| refused.status);
    let problem = refused.as_ref().map(|refused| command::explain(page, refused));
    let back = match system.catalogues().next() {
        Some(catalogue) if !shelf.is_catalogue() => catalogue.page(),
        _ if shelf.is_catalogue() => shelf.page(),
        _ => format!("/pages/{}/mine", system.name),
    };
    let layout = Layout::of(page, heading.clone());
    let page = OrderPage { layout, heading, form, is_nothing_free, problem, back };
    Ok(PageAnswer::html(status, &page))
}
