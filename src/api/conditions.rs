//! What a command has to fulfil before it is decided: media type, JSON, `If-Match`, `Idempotency-Key`.

use super::{
    headers::{Headers, text, visible},
    problem::Problem,
};
use crate::actors::IdempotencyKey;

/// Parses JSON that is nested at most `depth` levels.
pub fn parse_json(body: &[u8], depth: usize) -> Result<serde_json::Value, Problem> {
    let body = std::str::from_utf8(body).map_err(|_| {
        Problem::new("bad-utf8", "the body is not UTF-8", "본문이 UTF-8이 아닙니다")
    })?;
    let mut level = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
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
            return Err(Problem::new(
                "too-deep",
                format!("a body may be nested {depth} levels deep"),
                ko,
            ));
        }
    }
    serde_json::from_str(body).map_err(|error| {
        Problem::new("bad-json", error.to_string(), format!("JSON을 읽을 수 없습니다: {error}"))
    })
}

/// Refuses a body whose media type is not `accepted`; the header `hint` lists those that are.
pub fn media_type(
    headers: &dyn Headers,
    accepted: &[&str],
    hint: &'static str,
) -> Result<(), Problem> {
    let given = text(headers, "content-type").unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if accepted.iter().any(|accepted| essence.eq_ignore_ascii_case(accepted)) {
        return Ok(());
    }
    let list = accepted.join(", ");
    let problem = Problem::new(
        "unsupported-media-type",
        format!("send {list}"),
        format!("{list} 형식으로 보내세요"),
    );
    Err(problem.with(hint, list))
}

/// The versions in `If-Match`, and whether it is `*`.
pub fn if_match(headers: &dyn Headers) -> Result<(Vec<u64>, bool), Problem> {
    let Some(value) = headers.header("if-match") else { return Ok((Vec::new(), false)) };
    let value = visible(value).unwrap_or_default().trim();
    if value == "*" {
        return Ok((Vec::new(), true));
    }
    let mut versions = Vec::new();
    for tag in value.split(',').map(str::trim) {
        let strong = tag.strip_prefix("W/").unwrap_or(tag);
        let Some(inner) = strong.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) else {
            return Err(Problem::new(
                "bad-if-match",
                "If-Match must be quoted ETags or *",
                "If-Match 형식이 잘못되었습니다",
            ));
        };
        // A weak tag, or one of another server, matches nothing: no item has version 0.
        versions.push(if strong.len() == tag.len() { inner.parse().unwrap_or(0) } else { 0 });
    }
    Ok((versions, false))
}

/// The `Idempotency-Key` in its scope. `path` includes the system, so a key means the same on the short path.
pub fn idempotency_key(
    key: &[u8],
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<IdempotencyKey, Problem> {
    let key = visible(key).and_then(|key| unquote(key.trim())).ok_or_else(|| {
        Problem::new(
            "bad-idempotency-key",
            "Idempotency-Key must be a string of 1 to 255 printable characters",
            "Idempotency-Key는 1~255자의 문자열이어야 합니다",
        )
    })?;
    let scope = format!("anonymous {method} {path} {key}");
    // FNV-1a. The sum is stored, so it must not change.
    let sum = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    Ok(IdempotencyKey { scope, fingerprint: body.iter().fold(0xcbf2_9ce4_8422_2325, sum) })
}

fn unquote(value: &str) -> Option<String> {
    let key = match value.strip_prefix('"') {
        None if value.contains('"') => return None,
        None => value.to_owned(),
        Some(rest) => {
            let mut key = String::new();
            let mut characters = rest.strip_suffix('"')?.chars();
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
        assert!(parse_json(br#"{"a":["[[[[{\"["]}"#, 2).is_ok());
        assert!(parse_json(br#"{"a":[[1]]}"#, 2).is_err());
    }
}
