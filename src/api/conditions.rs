//! What a command has to fulfil before it is decided: media type, coding, `If-Match`, `Idempotency-Key`.

use super::{
    headers::{Headers, header_text, visible_text},
    problem::Problem,
};
use crate::{
    actors::{IdempotencyKey, StoredKey},
    domain::number,
    identity::Principal,
};

/// Other names of UTF-8.
const CHARSETS: [&str; 3] = ["utf-8", "utf8", "us-ascii"];

/// Refuses a body whose media type is not `accepted`, or that is encoded; the header `hint` lists the media types.
pub fn check_content(
    headers: &dyn Headers,
    accepted: &[&str],
    hint: &'static str,
) -> Result<(), Problem> {
    check_coding(headers)?;
    let mut parts =
        header_text(headers, "content-type").unwrap_or_default().split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if !accepted.iter().any(|accepted| essence.eq_ignore_ascii_case(accepted)) {
        let first = accepted.first().copied().unwrap_or_default();
        let en = format!("send the body with `Content-Type: {first}`");
        let ko = format!("본문을 `Content-Type: {first}` 헤더와 함께 보내세요");
        return Err(Problem::new("unsupported-media-type", en, ko)
            .with_parameter(hint, accepted.join(", ")));
    }
    let charset = parts.filter_map(|part| part.split_once('=')).find_map(|(name, value)| {
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    let is_known = |charset: &str| CHARSETS.iter().any(|known| charset.eq_ignore_ascii_case(known));
    match charset.filter(|charset| !is_known(charset)) {
        None => Ok(()),
        Some(charset) => Err(Problem::new(
            "unsupported-media-type",
            format!("the charset `{charset}` is not supported: send UTF-8"),
            format!("`{charset}` 문자 집합은 지원하지 않습니다. UTF-8로 보내세요"),
        )),
    }
}

/// Refuses a body that is compressed, or encoded in another way.
pub fn check_coding(headers: &dyn Headers) -> Result<(), Problem> {
    let codings =
        header_text(headers, "content-encoding").unwrap_or_default().split(',').map(str::trim);
    let mut others =
        codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    others.next().map_or(Ok(()), |coding| {
        let en = format!("the coding `{coding}` is not supported: send the body as it is");
        let ko = format!("`{coding}` 인코딩은 지원하지 않습니다. 본문을 그대로 보내세요");
        let problem = Problem::new("unsupported-encoding", en, ko);
        Err(problem.with_parameter("accept-encoding", "identity".to_owned()))
    })
}

/// The versions in `If-Match`, and whether it is `*`.
pub fn if_match(headers: &dyn Headers) -> Result<(Vec<u64>, bool), Problem> {
    let Some(value) = headers.header("if-match") else { return Ok((Vec::new(), false)) };
    let value = visible_text(value).unwrap_or_default().trim();
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
        let version = number::parse_number(inner).ok().filter(|_| strong.len() == tag.len());
        versions.push(version.unwrap_or(0));
    }
    Ok((versions, false))
}

/// Who sends a request under an `Idempotency-Key`, and for whom: no one else is answered what was kept for them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sender<'a> {
    /// Who sends it.
    pub principal: Option<&'a Principal>,
    /// The customer whom a header names.
    pub on_behalf_of: Option<&'a str>,
}

impl Sender<'_> {
    /// Whether the request came without credentials, as all of them did to version 0.1.
    fn is_anonymous(&self) -> bool {
        self.principal.is_none_or(Principal::is_developer)
    }

    /// The sender, as keys are kept under it. What is variable has its length before it, so that no two are spelled the same.
    fn scope(&self) -> String {
        let known = self.principal.filter(|_| !self.is_anonymous());
        let mut scope = known.map_or_else(|| "anonymous".to_owned(), Principal::identifier);
        // The credentials of one subject may come to name another customer.
        if let Some(customer) = known.and_then(|principal| principal.customer.as_deref()) {
            scope.push_str(&format!(" as {}:{customer}", customer.len()));
        }
        if let Some(customer) = self.on_behalf_of {
            scope.push_str(&format!(" for {}:{customer}", customer.len()));
        }
        scope
    }
}

/// The `Idempotency-Key` in its scope: `route` is the path with its system, in one spelling. `written` is the path as version
/// 0.1 took it, and `body` what was sent.
pub fn idempotency_key(
    key: &[u8],
    sender: Sender<'_>,
    method: &str,
    (route, written): (&str, &str),
    body: &[u8],
) -> Result<IdempotencyKey, Problem> {
    let key = visible_text(key).and_then(|key| unquote_tag(key.trim())).ok_or_else(|| {
        Problem::new(
            "bad-idempotency-key",
            "Idempotency-Key has 1 to 255 printable characters",
            "Idempotency-Key는 1~255자의 문자열이어야 합니다",
        )
    })?;
    // FNV-1a. The sum is stored, so it must not change.
    let sum = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let before = (sender.is_anonymous() && sender.on_behalf_of.is_none()).then(|| StoredKey {
        scope: format!("anonymous {method} {written} {key}"),
        fingerprint: body.iter().fold(0xcbf2_9ce4_8422_2325, sum),
    });
    let sender = sender.scope();
    let scope = format!("2 {sender} {method} {route} {key}");
    Ok(IdempotencyKey { scope, before })
}

fn unquote_tag(value: &str) -> Option<String> {
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
        assert_eq!(unquote_tag(r#""a\"b\\""#).as_deref(), Some(r#"a"b\"#));
        assert_eq!(unquote_tag("8e03").as_deref(), Some("8e03"));
        for wrong in ["", "\"\"", "\"", "\"a", "a\"", r#""a"b""#, r#""\x""#, &"k".repeat(256)] {
            assert_eq!(unquote_tag(wrong), None, "{wrong}");
        }
    }

    /// The scope of one key, and whether what version 0.1 has kept answers it too.
    fn scope(principal: Option<&Principal>, on_behalf_of: Option<&str>) -> (String, bool) {
        let sender = Sender { principal, on_behalf_of };
        let paths = ("/movie/books", "/books");
        let key = idempotency_key(b"k", sender, "POST", paths, b"{}").unwrap();
        (key.scope, key.before.is_some())
    }

    #[test]
    fn what_is_kept_for_one_sender_answers_no_other() {
        let named = |issuer: &str, subject: &str, customer: Option<&str>| Principal {
            issuer: issuer.into(),
            subject: subject.into(),
            customer: customer.map(str::to_owned),
            ..Principal::default()
        };
        let senders = [
            (named("key", "a", None), None),
            (named("key", "a", Some("7")), None),
            (named("key", "a", Some("8")), None),
            (named("key", "a", Some("7 1:8")), None),
            (named("key", "a", None), Some("8")),
            (named("key", "a 1:8", None), None),
            (named("key", "a", Some("7")), Some("8")),
            (named("development", "customer/7", Some("7")), None),
            (named("anonymous", "", None), None),
        ];
        let mut scopes: Vec<_> = senders
            .iter()
            .map(|(principal, customer)| {
                let (scope, is_answered) = scope(Some(principal), *customer);
                assert!(!is_answered, "{scope}");
                scope
            })
            .collect();
        scopes.push(scope(None, None).0);
        scopes.push(scope(None, Some("8")).0);
        let count = scopes.len();
        scopes.sort_unstable();
        scopes.dedup();
        assert_eq!(scopes.len(), count, "{scopes:#?}");
    }

    #[test]
    fn what_was_kept_before_there_were_principals_answers_those_who_show_nothing() {
        let kept = ("2 anonymous POST /movie/books k".to_owned(), true);
        assert_eq!(scope(None, None), kept);
        assert_eq!(scope(Some(&Principal::development()), None), kept);
        assert!(!scope(None, Some("8")).1);
    }

    #[test]
    fn a_version_is_matched_as_it_is_written() {
        let versions = |value| if_match(&Given("if-match", value)).unwrap();
        assert_eq!(versions("\"3\""), (vec![3], false));
        assert_eq!(versions("*"), (vec![], true));
        for other in ["\"+3\"", "\"03\"", "W/\"3\"", "\" 3\"", "\"\"", "\"x\""] {
            assert_eq!(versions(other), (vec![0], false), "{other}");
        }
    }

    struct Given(&'static str, &'static str);
    impl Headers for Given {
        fn header(&self, name: &str) -> Option<&[u8]> {
            (self.0 == name).then_some(self.1.as_bytes())
        }
    }

    #[test]
    fn bodies_are_json_in_utf_8_and_not_encoded() {
        let check = |media_type| {
            check_content(&Given("content-type", media_type), &["application/json"], "accept-post")
        };
        for accepted in [
            "application/json",
            "Application/JSON ; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; a=b; charset=us-ascii",
        ] {
            assert!(check(accepted).is_ok(), "{accepted}");
        }
        for refused in [
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "application/json;charset=euc-kr",
        ] {
            assert_eq!(check(refused).unwrap_err().code(), "unsupported-media-type", "{refused}");
        }
        let coding = |coding| check_coding(&Given("content-encoding", coding));
        assert!(coding("identity").is_ok() && coding("").is_ok() && check_coding(&()).is_ok());
        for refused in ["gzip", "identity, br", "DEFLATE"] {
            assert_eq!(coding(refused).unwrap_err().code(), "unsupported-encoding", "{refused}");
        }
    }
}
