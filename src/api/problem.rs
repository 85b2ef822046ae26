//! Problems (RFC 9457): one shape for every error, with a stable code, in English or Korean.

use crate::{
    actors::Fault,
    api::{
        Answer,
        headers::{Headers, text},
    },
    domain::{Kind, Refusal},
};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Where the kinds of problems live: the code follows.
pub const TYPES: &str = "https://holdfast.dev/problems/";

/// Room on a disk is not made from one second to the next.
const DISK_FULL_SECONDS: u64 = 10;

/// The decoder of requests takes no more.
const MOST_HEADERS: usize = 96;

/// The problems of the server itself: code, status, title in English and in Korean.
const TABLE: &[(&str, u16, &str, &str)] = &[
    ("bad-request", 400, "The request cannot be understood", "요청을 이해할 수 없습니다"),
    ("bad-json", 400, "The body is not JSON", "본문이 JSON이 아닙니다"),
    ("bad-utf8", 400, "The body is not UTF-8", "본문이 UTF-8이 아닙니다"),
    ("bad-body", 400, "The body is not what is wanted", "본문의 형식이 맞지 않습니다"),
    ("too-deep", 400, "The body is nested too deeply", "본문의 중첩이 너무 깊습니다"),
    ("bad-page", 400, "The page cannot be understood", "페이지 지정이 올바르지 않습니다"),
    ("bad-filter", 400, "The filter cannot be understood", "필터가 올바르지 않습니다"),
    ("bad-cursor", 400, "The cursor cannot be understood", "커서가 올바르지 않습니다"),
    ("page-too-deep", 400, "The page is too deep", "페이지가 너무 깊습니다"),
    ("sort-unsupported", 400, "The list is not sorted by that", "지원하지 않는 정렬입니다"),
    ("too-far", 400, "The clock cannot be moved so far", "시각을 그만큼 옮길 수 없습니다"),
    (
        "bad-idempotency-key",
        400,
        "The idempotency key is malformed",
        "멱등성 키가 올바르지 않습니다",
    ),
    ("idempotency-key-missing", 400, "There is no idempotency key", "멱등성 키가 없습니다"),
    ("bad-if-match", 400, "If-Match is malformed", "If-Match가 올바르지 않습니다"),
    (
        "origin-refused",
        403,
        "Pages of this origin may not do this",
        "이 출처에는 허용되지 않습니다",
    ),
    ("admin-closed", 403, "Administration is closed", "관리 기능이 닫혀 있습니다"),
    ("not-found", 404, "Not found", "찾을 수 없습니다"),
    ("method-not-allowed", 405, "The method is not offered here", "허용되지 않는 메서드입니다"),
    ("request-timeout", 408, "The request came too slowly", "요청 시간이 초과되었습니다"),
    ("version-mismatch", 412, "The version is another by now", "버전이 변경되었습니다"),
    ("too-long", 413, "More is said than is kept", "보관할 수 있는 길이를 넘었습니다"),
    ("body-too-large", 413, "The body is too large", "본문이 너무 큽니다"),
    ("uri-too-long", 414, "The address is too long", "주소가 너무 깁니다"),
    (
        "unsupported-media-type",
        415,
        "The media type is not supported",
        "지원하지 않는 미디어 유형입니다",
    ),
    ("headers-too-large", 431, "The headers are too large", "헤더가 너무 큽니다"),
    (
        "key-reused",
        422,
        "The idempotency key was used for something else",
        "멱등성 키가 다른 요청에 사용되었습니다",
    ),
    ("crashed", 500, "Something unforeseen happened", "예기치 못한 오류가 발생했습니다"),
    ("damaged", 500, "It is damaged and cannot be read", "손상되어 읽을 수 없습니다"),
    ("outcome-unknown", 500, "The outcome is not known", "처리 결과를 알 수 없습니다"),
    ("retry-later", 503, "Please try again in a moment", "잠시 후 다시 시도해 주세요"),
    ("disk-full", 503, "The disk is full", "디스크 공간이 부족합니다"),
    ("context-away", 503, "A part of the server is away", "서버의 일부가 중지되어 있습니다"),
    ("store-failed", 503, "The store has failed", "저장소에 장애가 발생했습니다"),
    ("history-changed", 409, "The log has another past", "기록이 바뀌었습니다"),
    ("too-many-streams", 503, "There are too many streams", "스트림이 너무 많습니다"),
    (
        "bad-gateway",
        502,
        "Another node's answer cannot be used",
        "다른 노드의 응답을 사용할 수 없습니다",
    ),
    ("loop-detected", 508, "The request goes round in circles", "요청이 순환하고 있습니다"),
    ("still-open", 409, "The request is not settled yet", "요청이 아직 처리 중입니다"),
];

/// Why a request came to nothing, on its way out.
#[derive(Debug, Clone)]
pub struct Problem {
    status: u16,
    code: Cow<'static, str>,
    en: Cow<'static, str>,
    ko: Cow<'static, str>,
    error: Option<Box<(String, String)>>,
    replayed: bool,
    headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem of [`TABLE`], with the words for this occurrence.
    pub fn new(
        code: &'static str,
        en: impl Into<Cow<'static, str>>,
        ko: impl Into<Cow<'static, str>>,
    ) -> Self {
        let status = TABLE.iter().find(|row| row.0 == code).map_or(500, |row| row.1);
        let (en, ko) = (en.into(), ko.into());
        Self {
            status,
            code: code.into(),
            en,
            ko,
            error: None,
            replayed: false,
            headers: Vec::new(),
        }
    }
    /// Nothing is there.
    pub fn not_found() -> Self {
        Self::new("not-found", "there is nothing at this path", "이 경로에는 아무것도 없습니다")
    }
    /// Another method is wanted.
    pub fn method(allow: &str) -> Self {
        Self::new(
            "method-not-allowed",
            format!("use one of {allow}"),
            format!("다음 중 하나를 사용하세요: {allow}"),
        )
        .with("allow", allow.to_owned())
    }
    /// The head of a request came too slowly.
    pub fn slow_head() -> Self {
        Self::new("request-timeout", "the headers came too slowly", "헤더가 너무 늦게 도착했습니다")
    }
    /// The head of a request is larger than `limit` bytes.
    pub fn large_head(limit: usize) -> Self {
        let ko = format!(
            "요청 줄과 헤더는 합쳐서 최대 {limit}바이트, 헤더는 최대 {MOST_HEADERS}개입니다"
        );
        let en = format!(
            "request line and headers have at most {limit} bytes, and there are at most {MOST_HEADERS} headers"
        );
        Self::new("headers-too-large", en, ko)
    }
    /// Its address is longer than `limit` bytes.
    pub fn long_uri(limit: usize) -> Self {
        let ko = format!("주소는 {limit}바이트까지입니다");
        Self::new(
            "uri-too-long",
            format!("an address has at most {limit} bytes, its query included"),
            ko,
        )
    }
    /// The handler panicked.
    pub fn crashed() -> Self {
        Fault::Crashed.into()
    }
    /// The body is wrong at a place.
    pub fn bad_body(pointer: String, detail: String) -> Self {
        let en = format!("{detail} at `{pointer}`");
        let mut problem =
            Self::new("bad-body", en, format!("`{pointer}`의 값이 올바르지 않습니다: {detail}"));
        problem.error = Some(Box::new((pointer, detail)));
        problem
    }
    /// The body has more than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let ko = format!("본문은 최대 {limit}바이트입니다");
        Self::new("body-too-large", format!("a body has at most {limit} bytes"), ko)
    }
    /// What it is, for programs.
    pub fn code(&self) -> &Cow<'static, str> {
        &self.code
    }
    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
    fn refused(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            Kind::Absent => 404,
            Kind::Conflict => 409,
            Kind::Invalid => 422,
            Kind::RetryLater => 503,
        };
        let mut problem = Self::new("crashed", refusal.en, refusal.ko);
        (problem.status, problem.code) = (status, refusal.code);
        match problem.status == 503 || problem.code == "still-open" {
            true => problem.with("retry-after", "1".into()),
            false => problem,
        }
    }
    fn title(&self, korean: bool) -> &'static str {
        let row = TABLE.iter().find(|row| row.0 == self.code).map(|row| (row.2, row.3));
        let (en, ko) = row.unwrap_or(match self.status {
            404 => ("Not found", "찾을 수 없습니다"),
            409 => ("Its state forbids it", "현재 상태에서는 할 수 없습니다"),
            422 => ("The value is not allowed", "허용되지 않는 값입니다"),
            503 => ("Please try again in a moment", "잠시 후 다시 시도해 주세요"),
            _ => ("The request failed", "요청이 실패했습니다"),
        });
        if korean { ko } else { en }
    }

    /// The answer to a request for `path`; to what has none when that is empty.
    pub fn answer(self, path: &str, request: &dyn Headers) -> Answer {
        let korean = prefers_korean(text(request, "accept-language").unwrap_or_default());
        let mut body = Map::new();
        body.insert("type".into(), format!("{TYPES}{}", self.code).into());
        body.insert("title".into(), self.title(korean).into());
        body.insert("status".into(), self.status.into());
        body.insert(
            "detail".into(),
            if korean { self.ko.as_ref() } else { self.en.as_ref() }.into(),
        );
        if !path.is_empty() {
            body.insert("instance".into(), path.into());
        }
        body.insert("code".into(), self.code.as_ref().into());
        if let Some(trace) = text(request, "traceparent")
            .and_then(|value| value.split('-').nth(1))
            .filter(|trace| trace.len() <= 64)
        {
            body.insert("traceId".into(), trace.into());
        }
        if let Some(error) = &self.error {
            let errors = json!([{ "pointer": error.0, "detail": error.1 }]);
            body.insert("errors".into(), errors);
        }
        let mut headers = vec![("content-language", if korean { "ko" } else { "en" }.to_owned())];
        if self.replayed {
            headers.push(("idempotent-replayed", "true".into()));
        }
        headers.extend(self.headers);
        let content =
            Some(("application/problem+json", Value::Object(body).to_string().into_bytes()));
        Answer { status: self.status, headers, content }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refusal) => Self::refused(refusal),
            Fault::RefusedBefore(refusal) => Self { replayed: true, ..Self::refused(refusal) },
            Fault::BadBody { pointer, detail } => Self::bad_body(pointer, detail),
            Fault::TooLong { limit } => Self::new(
                "too-long",
                format!("{limit} bytes in all are kept of one thing; say it in fewer words"),
                format!("한 건에 {limit}바이트까지만 보관합니다. 더 짧게 보내 주세요"),
            ),
            Fault::VersionMismatch { current } => {
                let ko = format!("현재 버전은 {current}입니다");
                let problem = Self::new("version-mismatch", format!("the version is {current} by now"), ko);
                if current == 0 { problem } else { problem.with("etag", format!("\"{current}\"")) }
            }
            Fault::KeyReused => Self::new(
                "key-reused",
                "the idempotency key was used with another payload; send a new key",
                "멱등성 키가 다른 본문과 함께 사용되었습니다. 새 키를 보내 주세요",
            ),
            Fault::Busy { retry_after } => {
                let seconds = retry_after.as_millis().div_ceil(1000).max(1);
                Self::new("retry-later", "please try again in a moment", "잠시 후 다시 시도해 주세요")
                    .with("retry-after", seconds.to_string())
            }
            Fault::DiskFull => Self::new(
                "disk-full",
                "the server's disk is full, so nothing new is taken; what was accepted is kept and can be read",
                "서버의 디스크 공간이 부족하여 새 요청을 받을 수 없습니다. 이미 접수된 내용은 보존되며 조회할 수 있습니다",
            )
            .with("retry-after", DISK_FULL_SECONDS.to_string()),
            Fault::Unknown => Self::new(
                "outcome-unknown",
                "the server stopped in the middle of it, so it may have been done: look before you send it again, or send \
                 it with the same Idempotency-Key",
                "처리 중에 서버가 중단되어 결과를 알 수 없습니다. 다시 보내기 전에 확인하거나 같은 Idempotency-Key로 다시 보내 주세요",
            ),
            Fault::Away(context) => Self::new(
                "context-away",
                format!("{context} is away; try again in a moment"),
                format!("{context}이(가) 중지되어 있습니다. 잠시 후 다시 시도해 주세요"),
            )
            .with("retry-after", "1".into()),
            Fault::Crashed => Self::new(
                "crashed",
                "the request failed in an unforeseen way; nothing of it stands",
                "예기치 못한 오류로 요청이 처리되지 않았습니다",
            ),
            Fault::HistoryChanged { context, detail } => Self::new(
                "history-changed",
                detail,
                format!("{context}의 기록이 알려진 것과 다릅니다. 운영자에게 문의하세요"),
            ),
            Fault::Store(error) => {
                tracing::error!(error, "the store has failed");
                Self::new("store-failed", "the store cannot answer", "저장소가 응답할 수 없습니다")
                    .with("retry-after", "1".into())
            }
            Fault::Damaged(what) => {
                tracing::error!(what, "a request meets what is damaged");
                Self::new(
                    "damaged",
                    "what this rests on is damaged and cannot be read; everything else goes on",
                    "이 요청에 필요한 기록이 손상되어 읽을 수 없습니다. 다른 것은 정상입니다",
                )
            }
            Fault::SortUnsupported { collection, allowed } => {
                let ko = format!("{collection}의 정렬 기준: {allowed}");
                Self::new("sort-unsupported", format!("lists of {collection} are sorted by {allowed}"), ko)
            }
            Fault::BadFilter { field, value } => {
                let ko = format!("`{value}`은(는) {field}의 값이 아닙니다");
                Self::new("bad-filter", format!("`{value}` is no value of {field}"), ko)
            }
            Fault::UnknownFilter { field, allowed } => Self::new(
                "bad-filter",
                format!("there is no filter `{field}`; there are: {allowed} (besides `page`, `size`, `after`, `sort`)"),
                format!(
                    "`{field}` 필터는 없습니다. 사용할 수 있는 필터: {allowed} (그 밖에 `page`, `size`, `after`, `sort`)"
                ),
            ),
            Fault::FilterTwice(field) => Self::new(
                "bad-filter",
                format!("`{field}` is given twice"),
                format!("`{field}`이(가) 두 번 지정되었습니다"),
            ),
            Fault::TooManyFilters(most) => Self::new(
                "bad-filter",
                format!("at most {most} filters are taken"),
                format!("필터는 최대 {most}개입니다"),
            ),
            Fault::BadCursor => Self::new(
                "bad-cursor",
                "`after` is taken from a `next` link of this list, and goes with its own sort and filters only, without `page`",
                "`after`는 이 목록의 `next` 링크에서 가져온 값이어야 하며, 그 정렬과 필터로만, `page` 없이 사용합니다",
            ),
            Fault::PageTooDeep => Self::new(
                "page-too-deep",
                "this page is too deep to be found by counting: ask without `page`, and follow `next`, which goes on with `after`",
                "이 페이지는 세어서 찾기에 너무 깊습니다. `page` 없이 요청하고 `after`가 들어 있는 `next` 링크를 따라가세요",
            ),
        }
    }
}

/// Whether Korean comes before English in `Accept-Language`.
fn prefers_korean(accept: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_in_the_document() {
        let document = include_str!("../../docs/http.md");
        let (_, section) = document.split_once("\n## Problems\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        for (code, status, ..) in TABLE {
            let says = |row: &str| {
                row.starts_with(&format!("| {status} ")) && row.contains(&format!("`{code}`"))
            };
            assert!(section.lines().any(says), "{status} {code}");
        }
    }
}
