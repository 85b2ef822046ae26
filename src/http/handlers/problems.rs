//! The page to which the type of a problem leads: for people as HTML, for programs as JSON, in English or in Korean.

use crate::{
    api::{self, Meaning, Problem},
    http::{
        call::{Call, Reply},
        handlers::accept::prefers_html,
        response::problem_response,
    },
};
use actix_web::{HttpRequest, HttpResponse, body::BoxBody, http::header};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// `GET /problems/{code}`
pub async fn show_problem(call: Call<'_>) -> Reply {
    let code = call.path_parameter("code");
    let Call { request, state, .. } = call;
    let meanings = api::find_meanings(code, &state.settings.refusals);
    if meanings.is_empty() {
        return Err(Problem::not_found());
    }
    let header = |name| api::header_text(request, name).unwrap_or_default();
    let is_korean = api::prefers_korean(header("accept-language"));
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::VARY, "Accept, Accept-Language"))
        .insert_header((header::CONTENT_LANGUAGE, if is_korean { "ko" } else { "en" }))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    Ok(if prefers_html(header("accept")) {
        response
            .content_type("text/html; charset=utf-8")
            .body(write_html(code, &meanings, is_korean))
    } else {
        let kind = state.settings.problem_types.type_of(code);
        response
            .content_type("application/json")
            .body(write_json(code, &kind, &meanings, is_korean))
    })
}

/// `problem` as a page for the browser that sent `request`, with a link to try `again`.
pub fn problem_page(problem: Problem, request: &HttpRequest, again: &str) -> HttpResponse {
    let accepted = api::header_text(request, "accept-language").unwrap_or_default();
    let is_korean = api::prefers_korean(accepted);
    let language = if is_korean { "ko" } else { "en" };
    let (title, detail) = problem.texts(is_korean);
    let title = mark_up(title);
    let detail = mark_up(detail);
    let try_again = choose_language(("Try again", "다시 시도하기"), is_korean);
    let again = mark_up(again).replace('"', "&quot;");
    let page = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<h1>{title}</h1>\n\
         <p>{detail}</p>\n<p><a href=\"{again}\">{try_again}</a></p>\n"
    );
    let mut response = problem_response(problem, request);
    let headers = response.headers_mut();
    let html = header::HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    let no_store = header::HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, no_store);
    let vary = header::HeaderValue::from_static("Accept, Accept-Language");
    headers.insert(header::VARY, vary);
    response.set_body(BoxBody::new(page))
}

/// One of two texts, by the language.
fn choose_language((en, ko): (&'static str, &'static str), is_korean: bool) -> &'static str {
    if is_korean { ko } else { en }
}

fn write_json(code: &str, kind: &str, meanings: &[Meaning], is_korean: bool) -> String {
    let all = meanings.iter().map(|meaning| {
        let mut shown = Map::new();
        shown.extend(meaning.system.map(|system| ("system".to_owned(), Value::from(system))));
        shown.insert("status".into(), meaning.status.into());
        shown.insert("title".into(), choose_language(meaning.title, is_korean).into());
        shown.insert("meaning".into(), choose_language(meaning.text, is_korean).into());
        Value::Object(shown)
    });
    json!({ "type": kind, "code": code, "meanings": all.collect::<Vec<_>>() }).to_string()
}

fn write_html(code: &str, meanings: &[Meaning], is_korean: bool) -> String {
    let language = if is_korean { "ko" } else { "en" };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{code}</title>\n<h1><code>{code}</code></h1>\n"
    );
    for meaning in meanings {
        let title = choose_language(meaning.title, is_korean);
        let system = meaning.system.map(|system| format!("{system}: ")).unwrap_or_default();
        let text = mark_up(choose_language(meaning.text, is_korean));
        // Writing to a string cannot fail.
        let _ = write!(page, "<h2>{system}{} {title}</h2>\n<p>{text}</p>\n", meaning.status);
    }
    page
}

/// A declared text as HTML: what is in backticks is code.
fn mark_up(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(place, part)| match place % 2 {
        0 => part.to_owned(),
        _ => format!("<code>{part}</code>"),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_backticks_is_code_and_nothing_is_markup_of_its_own() {
        assert_eq!(mark_up("see `a<b` & c"), "see <code>a&lt;b</code> &amp; c");
    }
}
