//! What comes in: bodies within their limits, conditions, idempotency keys.

use super::{Front, problem::Problem};
use crate::actors::IdempotencyKey;
use actix_web::{HttpRequest, http::header, web};
use futures_util::StreamExt;

/// The text of a header, if it is there and is text.
pub fn text<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// A header that is kept with what the request sets going; a long one is only echoed.
pub fn kept(request: &HttpRequest, name: &str) -> Option<String> {
    text(request, name).filter(|value| value.len() <= 128).map(str::to_owned)
}

/// The whole body, within its size and time.
pub async fn bytes(request: &HttpRequest, mut payload: web::Payload, front: &Front) -> Result<Vec<u8>, Problem> {
    let limit = front.settings.body_limit;
    let too_large = || {
        let ko = format!("본문은 최대 {limit}바이트입니다");
        Problem::new("body-too-large", format!("a body has at most {limit} bytes"), ko)
    };
    let length = text(request, "content-length").and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let read = async {
        let mut body = Vec::with_capacity(length.unwrap_or(0));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::new("bad-request", "the body broke off", "본문이 끊겼습니다"))?;
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    let late =
        |_| Problem::new("request-timeout", "the body did not arrive in time", "본문이 제시간에 오지 않았습니다");
    tokio::time::timeout(front.settings.body_timeout, read).await.map_err(late)?
}

/// Reads JSON no deeper than `depth`.
pub fn json(body: &[u8], depth: usize) -> Result<serde_json::Value, Problem> {
    let body = std::str::from_utf8(body)
        .map_err(|_| Problem::new("bad-utf8", "the body is not UTF-8", "본문이 UTF-8이 아닙니다"))?;
    let (mut level, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in body.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => level += 1,
            b'}' | b']' if !quoted => level = level.saturating_sub(1),
            _ => {}
        }
        if level > depth {
            let ko = format!("본문은 최대 {depth}단계까지 중첩할 수 있습니다");
            return Err(Problem::new("too-deep", format!("a body nests at most {depth} levels"), ko));
        }
    }
    serde_json::from_str(body)
        .map_err(|error| Problem::new("bad-json", error.to_string(), format!("JSON을 읽을 수 없습니다: {error}")))
}

/// Refuses a body whose media type is none of `accepted`.
pub fn media_type(request: &HttpRequest, accepted: &[&str], hint: &'static str) -> Result<(), Problem> {
    let given = text(request, "content-type").unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if accepted.iter().any(|accepted| essence.eq_ignore_ascii_case(accepted)) {
        return Ok(());
    }
    let list = accepted.join(", ");
    let problem = Problem::new("unsupported-media-type", format!("send {list}"), format!("{list} 형식으로 보내세요"));
    Err(problem.with(header::HeaderName::from_static(hint), list))
}

/// The numbers of `If-Match`, and whether it is `*`.
pub fn if_match(request: &HttpRequest) -> Result<(Vec<u64>, bool), Problem> {
    let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok((Vec::new(), false)) };
    let value = value.to_str().unwrap_or_default().trim();
    if value == "*" {
        return Ok((Vec::new(), true));
    }
    let mut versions = Vec::new();
    for tag in value.split(',').map(str::trim) {
        let strong = tag.strip_prefix("W/").unwrap_or(tag);
        let Some(inner) = strong.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) else {
            return Err(Problem::new(
                "bad-if-match",
                "If-Match takes quoted ETags or *",
                "If-Match 형식이 잘못되었습니다",
            ));
        };
        // A tag that is weak or not ours is well formed and matches nothing: no thing has version 0.
        versions.push(if strong.len() == tag.len() { inner.parse().unwrap_or(0) } else { 0 });
    }
    Ok((versions, false))
}

/// The `Idempotency-Key` in its scope. `path` is the one with the system in front, so that a key means the same on the
/// short one.
pub fn idempotency(request: &HttpRequest, path: &str, body: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().and_then(|value| unquote(value.trim())).ok_or_else(|| {
        Problem::new(
            "bad-idempotency-key",
            "Idempotency-Key is a string of 1 to 255 printable characters",
            "Idempotency-Key는 1~255자의 문자열이어야 합니다",
        )
    })?;
    let scope = format!("anonymous {} {path} {key}", request.method());
    // FNV-1a: the sum is stored, so it must be the same in every process and version.
    let sum = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    Ok(Some(IdempotencyKey { scope, fingerprint: body.iter().fold(0xcbf2_9ce4_8422_2325, sum) }))
}

fn unquote(value: &str) -> Option<String> {
    let key = match value.strip_prefix('"') {
        None if value.contains('"') => return None,
        None => value.to_owned(),
        Some(rest) => {
            let (mut key, mut characters) = (String::new(), rest.strip_suffix('"')?.chars());
            while let Some(character) = characters.next() {
                match character {
                    '\\' => key.push(characters.next().filter(|c| matches!(c, '"' | '\\'))?),
                    '"' => return None,
                    other => key.push(other),
                }
            }
            key
        }
    };
    (1..=255).contains(&key.len()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_quoted_or_bare_and_has_1_to_255_characters() {
        assert_eq!(unquote(r#""a\"b\\""#).as_deref(), Some(r#"a"b\"#));
        assert_eq!(unquote("8e03").as_deref(), Some("8e03"));
        for wrong in ["", "\"\"", "\"", "\"a", "a\"", r#""a"b""#, r#""\x""#, &"k".repeat(256)] {
            assert_eq!(unquote(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert!(json(br#"{"a":["[[[[{\"["]}"#, 2).is_ok());
        assert!(json(br#"{"a":[[1]]}"#, 2).is_err());
    }
}
