//! The language, and in development the choice of whom to act as.

use super::{
    answer::PageAnswer,
    backend::BackendRequest,
    context::{PageContext, PageError, PageResult, Refused},
    language::{LANGUAGE_COOKIE, Language},
    layout::Layout,
    visitor::ACTING_COOKIE,
};
use askama::Template;

/// How long a browser keeps a choice, in seconds.
const KEPT: u32 = 365 * 24 * 60 * 60;

#[derive(Template)]
#[template(path = "who.html")]
struct WhoPage {
    layout: Layout,
    /// Whom the visitor acts as now.
    current: String,
    /// Roles without a name: value and text.
    roles: Vec<(&'static str, &'static str)>,
    back: String,
}

/// `POST /pages/language`
pub fn choose_language(page: &PageContext<'_>) -> PageResult {
    let chosen = page.request.field("language").unwrap_or_default();
    let chosen = Language::of_request(Some(chosen), page.language().tag());
    let mut answer = PageAnswer::redirect(way_back(page));
    answer.cookies.push((LANGUAGE_COOKIE, chosen.tag().to_owned(), KEPT));
    Ok(answer)
}

/// `GET /pages/who`
pub fn offer_choice(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let acting = page.request.visitor.acting_as.clone();
    let current = acting.ok_or(PageError::NotFound)?;
    let roles = vec![
        ("", t.as_developer()),
        ("staff", t.staff()),
        ("admin", t.admin()),
        ("operator", t.operator()),
    ];
    let layout = Layout::of(page, t.who_am_i());
    let back = page.request.parameter("back").unwrap_or("/pages/").to_owned();
    Ok(PageAnswer::html(200, &WhoPage { layout, current, roles, back }))
}

/// `POST /pages/who`
pub fn choose(page: &PageContext<'_>) -> PageResult {
    if page.request.visitor.acting_as.is_none() {
        return Err(PageError::NotFound);
    }
    let field = |name: &str| page.request.field(name).unwrap_or_default().trim().to_owned();
    let customer = field("customer");
    let grade = field("grade");
    let chosen = match (customer.is_empty(), grade.is_empty()) {
        (true, _) => field("role"),
        (false, true) => format!("customer/{customer}"),
        (false, false) => format!("customer/{customer}/{grade}"),
    };
    let mut answer = PageAnswer::redirect(way_back(page));
    answer.cookies.push((ACTING_COOKIE, super::values::encode(&chosen), KEPT));
    Ok(answer)
}

/// `POST /pages/sign-out`
pub async fn sign_out(page: &PageContext<'_>) -> PageResult {
    let request =
        BackendRequest { method: "POST", path: "/logout".into(), ..BackendRequest::default() };
    let reply = page.backend.send(request).await;
    if !reply.is_success() {
        return Err(PageError::Refused(Refused::of_reply(&reply)));
    }
    let cookies = reply.headers.into_iter().filter(|(name, _)| name == "set-cookie");
    let mut answer = PageAnswer::redirect("/pages/");
    answer.set_cookies = cookies.map(|(_, cookie)| cookie).collect();
    Ok(answer)
}

/// The page that the form was on, if it is one of ours.
fn way_back(page: &PageContext<'_>) -> String {
    page.request.way_back("/pages/").unwrap_or("/pages/").to_owned()
}
