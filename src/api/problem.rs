//! Problems (RFC 9457): one shape for every error, with a stable code, in English or Korean.

use super::{
    headers::{Headers, header_text},
    problem_codes::{problem_code, title_of},
    request::Answer,
};
use crate::{
    actors::Fault,
    domain::{Kind, Refusal, lenient::BadBody, number::LARGEST},
};
use serde_json::{Map, Value, json};
use std::{borrow::Cow, sync::Arc};

/// What precedes the code in the type of a problem, a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemTypes(Arc<str>);

impl ProblemTypes {
    /// The types of a server that is known as `public_url`; without one, they are names and no addresses.
    pub fn new(public_url: Option<&str>) -> Self {
        let types = public_url.map(|url| format!("{url}/problems/"));
        Self(types.unwrap_or_else(|| "urn:holdfast:problem:".to_owned()).into())
    }
}

impl ProblemTypes {
    /// The type of problems with this code.
    pub fn type_of(&self, code: &str) -> String {
        format!("{}{code}", self.0)
    }
}

impl Default for ProblemTypes {
    fn default() -> Self {
        Self::new(None)
    }
}

/// The decoder of requests takes no more headers.
const MAX_HEADERS: usize = 96;

/// Why a request failed.
#[derive(Debug, Clone)]
pub struct Problem {
    status: u16,
    code: Cow<'static, str>,
    en: Cow<'static, str>,
    ko: Cow<'static, str>,
    error: Option<Box<BodyError>>,
    replayed: bool,
    headers: Vec<(&'static str, String)>,
}

/// What is wrong in a body, and where.
#[derive(Debug, Clone)]
struct BodyError {
    pointer: String,
    en: Cow<'static, str>,
    ko: Cow<'static, str>,
}

impl Problem {
    /// A problem of [`PROBLEM_CODES`](super::PROBLEM_CODES), with the detail of this occurrence.
    pub fn new(
        code: &'static str,
        en: impl Into<Cow<'static, str>>,
        ko: impl Into<Cow<'static, str>>,
    ) -> Self {
        let status = problem_code(code).map_or(500, |known| known.status);
        Self {
            status,
            code: code.into(),
            en: en.into(),
            ko: ko.into(),
            error: None,
            replayed: false,
            headers: Vec::new(),
        }
    }
    /// The path leads nowhere.
    pub fn not_found() -> Self {
        Self::new(
            "not-found",
            "no resource at this path; `GET /` links to all collections",
            "이 경로에는 리소스가 없습니다. `GET /`에 모든 컬렉션의 링크가 있습니다",
        )
    }
    /// The path lacks its system; with it, it is one of these.
    pub fn needs_system(paths: &[String]) -> Self {
        let paths = paths.join(", ");
        Self::new(
            "not-found",
            format!("with several systems a path begins with one: {paths}"),
            format!("여러 시스템을 함께 실행할 때는 경로가 시스템 이름으로 시작합니다: {paths}"),
        )
    }
    /// No log of events has this name; `contexts` have logs.
    pub fn no_log(contexts: &[&str]) -> Self {
        let contexts = contexts.join(", ");
        Self::new(
            "not-found",
            format!("no context of this name has events; those that have are: {contexts}"),
            format!(
                "이 이름으로 이벤트를 기록하는 컨텍스트가 없습니다. 이벤트가 있는 컨텍스트: {contexts}"
            ),
        )
    }
    /// There is no context of this name; there are `contexts`.
    pub fn no_context(contexts: &[&str]) -> Self {
        let contexts = contexts.join(", ");
        Self::new(
            "not-found",
            format!("no context has this name; contexts are: {contexts}"),
            format!("이 이름의 컨텍스트가 없습니다. 컨텍스트: {contexts}"),
        )
    }
    /// Nothing that is parked has this id.
    pub fn not_parked() -> Self {
        Self::new(
            "not-found",
            "nothing that is parked has this id; `GET /admin/parked` lists what is",
            "이 식별자로 보류된 항목이 없습니다. `GET /admin/parked`가 보류된 항목을 보여 줍니다",
        )
    }
    /// No order of a system, or of a context, has this number.
    pub fn no_saga() -> Self {
        Self::new(
            "not-found",
            "nothing is known of this order; the path is /admin/sagas/{system}/{number}, or a context and its number",
            "이 주문에 대한 기록이 없습니다. 경로는 /admin/sagas/{system}/{number}이며, 시스템 대신 컨텍스트를 쓸 수도 있습니다",
        )
    }
    /// The methods in `allow` are offered.
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::new(
            "method-not-allowed",
            format!("use one of {allow}"),
            format!("다음 중 하나를 사용하세요: {allow}"),
        )
        .with_parameter("allow", allow.to_owned())
    }
    /// The head of a request did not arrive in time.
    pub fn slow_head() -> Self {
        Self::new(
            "request-timeout",
            "the headers did not arrive in time",
            "헤더가 제시간에 도착하지 않았습니다",
        )
    }
    /// The head of a request is larger than `limit` bytes.
    pub fn large_head(limit: usize) -> Self {
        let ko = format!(
            "요청 줄과 헤더는 합쳐서 최대 {limit}바이트, 헤더는 최대 {MAX_HEADERS}개입니다"
        );
        let en = format!(
            "request line and headers may have {limit} bytes in all, and {MAX_HEADERS} headers"
        );
        Self::new("headers-too-large", en, ko)
    }
    /// The request target is longer than `limit` bytes.
    pub fn long_uri(limit: usize) -> Self {
        let ko = format!("주소는 {limit}바이트까지입니다");
        Self::new("uri-too-long", format!("a URI may have {limit} bytes, its query included"), ko)
    }
    /// The handler panicked.
    pub fn crashed() -> Self {
        Fault::Crashed.into()
    }
    /// The body cannot be taken.
    pub fn bad_body(bad: BadBody) -> Self {
        let BadBody { pointer, code, en, ko } = bad;
        let place = |whole: &'static str| if pointer.is_empty() { whole } else { &pointer };
        let english = format!("{}: {en}", place("request body"));
        let korean = format!("{}: {ko}", place("본문"));
        let mut problem = Self::new(code, english, korean);
        problem.error = Some(Box::new(BodyError { pointer, en, ko }));
        problem
    }
    /// The number `name` of the path or the query is beyond the bound of all numbers.
    pub fn out_of_range(name: &str) -> Self {
        Self::new(
            "out-of-range",
            format!("`{name}` is larger than {LARGEST}"),
            format!("`{name}`은(는) {LARGEST}까지입니다"),
        )
    }
    /// The body has more than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let ko = format!("본문은 최대 {limit}바이트입니다");
        Self::new("body-too-large", format!("a body may have {limit} bytes"), ko)
    }
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }
    /// The code, for programs.
    pub fn code(&self) -> &Cow<'static, str> {
        &self.code
    }
    /// Marks the answer as one that was stored under an idempotency key.
    #[must_use]
    pub fn replayed(self) -> Self {
        Self { replayed: true, ..self }
    }
    /// Adds a header.
    #[must_use]
    pub fn with_parameter(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
    /// The problem of a business refusal.
    pub fn refused(refusal: Refusal) -> Self {
        let status = status_of(refusal.kind);
        let mut problem = Self::new("crashed", refusal.en, refusal.ko);
        (problem.status, problem.code) = (status, refusal.code);
        if problem.status == 503 || problem.code == "still-open" {
            return problem.with_parameter("retry-after", "1".into());
        }
        problem
    }
    fn title(&self, is_korean: bool) -> &'static str {
        let (en, ko) = title_of(&self.code, self.status);
        if is_korean { ko } else { en }
    }

    /// Its title, and the detail of this occurrence.
    pub fn texts(&self, is_korean: bool) -> (&str, &str) {
        let detail = if is_korean { &self.ko } else { &self.en };
        (self.title(is_korean), detail)
    }

    /// The answer to a request for `path`, which is empty where a request had none.
    pub fn into_answer(self, path: &str, request: &dyn Headers, types: &ProblemTypes) -> Answer {
        let is_korean = prefers_korean(header_text(request, "accept-language").unwrap_or_default());
        let (title, detail) = self.texts(is_korean);
        let mut body = Map::new();
        body.insert("type".into(), types.type_of(&self.code).into());
        body.insert("title".into(), title.into());
        body.insert("status".into(), self.status.into());
        body.insert("detail".into(), detail.into());
        if !path.is_empty() {
            body.insert("instance".into(), path.into());
        }
        body.insert("code".into(), self.code.as_ref().into());
        if let Some(trace) = header_text(request, "traceparent")
            .and_then(|value| value.split('-').nth(1))
            .filter(|trace| trace.len() <= 64)
        {
            body.insert("traceId".into(), trace.into());
        }
        if let Some(error) = &self.error {
            let detail = if is_korean { &error.ko } else { &error.en };
            let errors = json!([{ "pointer": error.pointer, "detail": detail }]);
            body.insert("errors".into(), errors);
        }
        let mut headers =
            vec![("content-language", if is_korean { "ko" } else { "en" }.to_owned())];
        if self.replayed {
            headers.push(("idempotent-replayed", "true".into()));
        }
        headers.extend(self.headers);
        let content =
            Some(("application/problem+json", Value::Object(body).to_string().into_bytes()));
        Answer { status: self.status, headers, content, owner: None }
    }
}

/// The HTTP status of a refusal.
pub fn status_of(kind: Kind) -> u16 {
    match kind {
        Kind::Absent => 404,
        Kind::Conflict => 409,
        Kind::Invalid => 422,
        Kind::RetryLater => 503,
    }
}

/// Whether Korean comes before English in `Accept-Language`.
pub fn prefers_korean(accept: &str) -> bool {
    let quality = |language: &str| {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';');
            let tag = parts.next()?.trim().split('-').next()?;
            let q = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            tag.eq_ignore_ascii_case(language).then_some(q)
        });
        ranges.fold(0.0, f32::max)
    };
    quality("ko") > quality("en")
}
