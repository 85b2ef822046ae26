//! Pages for people. What they ask of the server goes through the whole of it again, in the name of the one who looks at them.

use crate::{
    api::{self, Problem, header_text},
    credentials::ActAs,
    http::{
        call::{Call, Reply},
        document::compressed_answer,
        handlers::{body, query},
        inner::InnerServer,
        middleware::{caller, form},
    },
    pages::{
        ACTING_COOKIE, Backend, BackendReply, BackendRequest, LANGUAGE_COOKIE, Language,
        PageAnswer, PageBody, PageRequest, Visitor, answer_page,
    },
};
use actix_http::{BoxedPayloadStream, Payload, Request};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode, Uri,
        header::{self, HeaderName, HeaderValue},
    },
    web::Bytes,
};
use futures_util::{FutureExt, future::LocalBoxFuture, stream};
use std::sync::Arc;

/// Headers of the request for a page that those within it have too: who asks, from where, by which name.
const PASSED_ON: [&str; 12] = [
    "host",
    "cookie",
    "authorization",
    "origin",
    "sec-fetch-site",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-prefix",
    "traceparent",
];

/// `/pages`: leads to the first page.
pub async fn redirect_to_first(call: Call<'_>) -> Reply {
    let to = format!("{}/pages/", call.state.path_prefix(call.request));
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, to)).finish())
}

/// `/pages/…`
pub async fn answer(call: Call<'_>) -> Reply {
    let is_post = *call.request.method() == Method::POST;
    if is_post {
        form::check_own_page(call.request, call.state)?;
    }
    let path = percent_decode(call.path_parameter("path"));
    let Call { request, payload, state, .. } = call;
    let form = if is_post {
        api::check_content(request, &["application/x-www-form-urlencoded"], "accept-post")?;
        let sent = body::read_body(request, payload, &state.settings).await?;
        query::parse_pairs(&String::from_utf8_lossy(&sent))?
    } else {
        Vec::new()
    };
    let cookies = header_text(request, "cookie").unwrap_or_default();
    let cookie = |name: &str| form::find_cookie(cookies, name).map(percent_decode);
    let accept = header_text(request, "accept-language").unwrap_or_default();
    let acting_as = state.settings.open.then(|| cookie(ACTING_COOKIE).unwrap_or_default());
    let chosen = acting_as.as_deref().and_then(|text| text.parse::<ActAs>().ok());
    let acting_as = acting_as.map(|text| if chosen.is_some() { text } else { String::new() });
    let principal = chosen.map(|chosen| Arc::new(chosen.principal()));
    let session = state.settings.sessions.as_ref().and_then(|known| known.shown_in(cookies));
    let session = session.filter(|_| caller::is_by_cookie(request, state));
    let visitor = Visitor {
        language: Language::of_request(cookie(LANGUAGE_COOKIE).as_deref(), accept),
        principal: principal.or_else(|| caller::find_caller(request, state)),
        acting_as,
        can_sign_in: state.settings.login.is_some(),
        form_token: session.map(|session| session.form_token()).unwrap_or_default(),
    };
    let page = PageRequest {
        is_post,
        path,
        query: query::parse_pairs(request.query_string())?,
        form,
        prefix: state.path_prefix(request),
        visitor,
    };
    let inner = request.app_data::<InnerServer>().ok_or_else(Problem::crashed)?;
    let backend = InnerBackend { request, inner, page: &page };
    let answer = answer_page(&state.site, &page, &backend).await;
    let is_secure = state.base_url(request).starts_with("https:");
    Ok(write_answer(request, &page, answer, is_secure))
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The server, asked in the name of the one who sent `request`.
struct InnerBackend<'a> {
    request: &'a HttpRequest,
    inner: &'a InnerServer,
    page: &'a PageRequest,
}

impl InnerBackend<'_> {
    /// The request as the server takes it, or the answer to one that cannot be sent. What it is sent with is never left out:
    /// without its key or the customer that it is for it would be another command.
    fn request_of(&self, wanted: BackendRequest) -> Result<Request, BackendReply> {
        let missing = || BackendReply { status: 404, ..BackendReply::default() };
        let BackendRequest { method, path, headers, body } = wanted;
        let body = body.map(Bytes::from);
        let payload: Payload = match &body {
            Some(body) => {
                let whole = stream::once(std::future::ready(Ok(body.clone())));
                Payload::Stream { payload: Box::pin(whole) as BoxedPayloadStream }
            }
            None => Payload::None,
        };
        let mut request = Request::with_payload(payload);
        let outer = self.request.headers();
        let head = request.head_mut();
        head.method = Method::from_bytes(method.as_bytes()).map_err(|_| missing())?;
        head.uri = path.parse::<Uri>().map_err(|_| missing())?;
        head.peer_addr = self.request.peer_addr();
        for name in PASSED_ON {
            for value in outer.get_all(name) {
                head.headers.append(HeaderName::from_static(name), value.clone());
            }
        }
        let mut is_whole = true;
        let mut set =
            |name: &'static str, value: &str| match HeaderValue::from_bytes(value.as_bytes()) {
                Ok(value) => drop(head.headers.insert(HeaderName::from_static(name), value)),
                Err(_) => is_whole = false,
            };
        let visitor = &self.page.visitor;
        set("accept-language", visitor.language.tag());
        if let Some(acting_as) = visitor.acting_as.as_deref().filter(|text| !text.is_empty()) {
            set("x-holdfast-as", acting_as);
        }
        if let Some(token) = self.page.field("_token") {
            set("x-form-token", token);
        }
        if let Some(body) = &body {
            set("content-type", "application/json");
            set("content-length", &body.len().to_string());
        }
        for (name, value) in headers {
            set(name, &value);
        }
        if is_whole { Ok(request) } else { Err(self.refuse_characters()) }
    }

    /// The answer to a form with characters that no header has.
    fn refuse_characters(&self) -> BackendReply {
        let detail = self.page.visitor.language.choose(
            "the form has characters that cannot be sent",
            "양식에 보낼 수 없는 문자가 있습니다",
        );
        let body = serde_json::json!({ "status": 400, "detail": detail });
        BackendReply { status: 400, body: body.to_string().into_bytes(), ..BackendReply::default() }
    }
}

impl Backend for InnerBackend<'_> {
    fn send(&self, request: BackendRequest) -> LocalBoxFuture<'_, BackendReply> {
        async move {
            match self.request_of(request) {
                Ok(request) => self.inner.answer(request).await,
                Err(reply) => reply,
            }
        }
        .boxed_local()
    }
}

fn write_answer(
    request: &HttpRequest,
    page: &PageRequest,
    answer: PageAnswer,
    is_secure: bool,
) -> HttpResponse {
    let PageAnswer { status, body, cookies, set_cookies } = answer;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    let secure = if is_secure { "; Secure" } else { "" };
    for (name, value, seconds) in cookies {
        let cookie =
            format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        response.append_header((header::SET_COOKIE, cookie));
    }
    for cookie in set_cookies {
        response.append_header((header::SET_COOKIE, cookie));
    }
    match body {
        PageBody::Redirect(to) => response
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::LOCATION, format!("{}{to}", page.prefix)))
            .finish(),
        PageBody::Html(text) => {
            response
                .content_type("text/html; charset=utf-8")
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .insert_header((header::CONTENT_LANGUAGE, page.visitor.language.tag()));
            compressed_answer(request, response, text)
        }
        PageBody::Asset(asset) => {
            response
                .content_type(asset.media_type)
                .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
            match String::from_utf8(asset.bytes) {
                Ok(text) => compressed_answer(request, response, text),
                Err(binary) => response.body(binary.into_bytes()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_all_else_stays() {
        for (text, decoded) in [
            ("bookrent/books", "bookrent/books"),
            ("%EA%B0%80%20a", "가 a"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("customer%2F7", "customer/7"),
        ] {
            assert_eq!(percent_decode(text), decoded);
        }
    }
}
