//! JSON as it comes in: a member is given once.

use super::problem::Problem;
use crate::domain::lenient::{self, BadBody};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use std::{cell::RefCell, fmt};

/// Some editors write it in front of a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Parses JSON that is nested at most `depth` levels.
///
/// # Errors
/// `bad-utf8`, `too-deep`, `bad-json`; `bad-body` names a member that is given twice.
pub fn parse_json(body: &[u8], depth: usize) -> Result<Value, Problem> {
    let body = std::str::from_utf8(body).map_err(|_| {
        Problem::new("bad-utf8", "the body is not UTF-8", "본문이 UTF-8이 아닙니다")
    })?;
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    if is_deeper(body, depth) {
        let ko = format!("본문은 최대 {depth}단계까지 중첩할 수 있습니다");
        let en = format!("a body may be nested {depth} levels deep");
        return Err(Problem::new("too-deep", en, ko));
    }
    let place = RefCell::default();
    let mut json = serde_json::Deserializer::from_str(body);
    let parsed = Once(&place).deserialize(&mut json);
    let parsed = parsed.and_then(|value| json.end().map(|()| value));
    parsed.map_err(|error| match place.into_inner() {
        ValueAt { names, is_twice: true } => {
            Problem::bad_body(BadBody::member_twice(lenient::json_pointer(names)))
        }
        // The parser shows it only in its message.
        ValueAt { names, .. } if error.to_string().starts_with("number out of range") => {
            Problem::bad_body(BadBody::out_of_range(lenient::json_pointer(names)))
        }
        ValueAt { .. } => unreadable_json(body, &error),
    })
}

fn is_deeper(body: &str, depth: usize) -> bool {
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
            return true;
        }
    }
    false
}

fn unreadable_json(body: &str, error: &serde_json::Error) -> Problem {
    if body.trim().is_empty() {
        return Problem::new("bad-json", "the body is empty", "본문이 비어 있습니다");
    }
    if error.is_eof() {
        return Problem::new("bad-json", "the body ends too early", "본문이 중간에 끝납니다");
    }
    let line = error.line();
    let column = error.column();
    Problem::new(
        "bad-json",
        format!("the body is not JSON: see line {line}, column {column}"),
        format!("본문이 JSON이 아닙니다: {line}번째 줄, {column}번째 칸을 확인해 주세요"),
    )
}

/// Where the parser is.
#[derive(Default)]
struct ValueAt {
    names: Vec<String>,
    /// The member there is given twice.
    is_twice: bool,
}

/// Reads a value in which each member is given once.
struct Once<'a>(&'a RefCell<ValueAt>);

impl Once<'_> {
    fn enter_member(&self, name: String) {
        self.0.borrow_mut().names.push(name);
    }
    fn leave_member(&self) {
        self.0.borrow_mut().names.pop();
    }
}

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        loop {
            self.enter_member(read.len().to_string());
            let Some(item) = items.next_element_seed(Once(self.0))? else { break };
            self.leave_member();
            read.push(item);
        }
        self.leave_member();
        Ok(read.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.enter_member(name.clone());
            if read.contains_key(&name) {
                self.0.borrow_mut().is_twice = true;
                return Err(A::Error::custom("a member is given twice"));
            }
            read.insert(name, members.next_value_seed(Once(self.0))?);
            self.leave_member();
        }
        Ok(read.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ProblemTypes;
    use serde_json::json;

    fn parse(body: &str) -> Result<Value, String> {
        parse_json(body.as_bytes(), 4).map_err(|problem| {
            let (_, content) =
                problem.into_answer("", &(), &ProblemTypes::default()).content.unwrap();
            let problem: Value = serde_json::from_slice(&content).unwrap();
            let pointer = problem.pointer("/errors/0/pointer").and_then(Value::as_str);
            pointer.or(problem["code"].as_str()).unwrap().to_owned()
        })
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert!(parse_json(br#"{"a":["[[[[{\"["]}"#, 2).is_ok());
        assert!(parse_json(br#"{"a":[[1]]}"#, 2).is_err());
    }

    #[test]
    fn a_member_that_is_given_twice_is_named() {
        for (body, place) in [
            (r#"{"a":1,"a":1}"#, "/a"),
            (r#"{"a":1,"\u0061":2}"#, "/a"),
            (r#"{"a":{"b/c":1,"b/c":2}}"#, "/a/b~1c"),
            (r#"[0,{"a":[{},{"b":1,"b":2}]}]"#, "/1/a/1/b"),
            (r#"{"a":[1],"b":[],"a":3}"#, "/a"),
        ] {
            assert_eq!(parse(body), Err(place.to_owned()), "{body}");
        }
        let body = r#"{"a":{"a":1},"b":[{"a":1},{"a":1}],"A":[1.5,-1,true,null,"x"]}"#;
        let read = json!({"a":{"a":1},"b":[{"a":1},{"a":1}],"A":[1.5,-1,true,null,"x"]});
        assert_eq!(parse(body), Ok(read));
    }

    #[test]
    fn a_number_that_no_machine_holds_is_out_of_range() {
        for (body, place) in [
            (r#"{"a":1e999}"#, "/a"),
            (r#"{"a":[0,-1e999]}"#, "/a/1"),
            (r#"{"a":1,"b":{"c":1E+400}}"#, "/b/c"),
        ] {
            assert_eq!(parse(body), Err(place.to_owned()), "{body}");
            assert_eq!(parse_json(body.as_bytes(), 4).unwrap_err().code(), "out-of-range");
        }
        assert_eq!(parse("1e999"), Err(String::new()));
        assert_eq!(parse(r#"{"a":1e-999}"#), Ok(json!({"a":0.0})));
    }

    #[test]
    fn a_byte_order_mark_is_ignored_and_what_is_no_json_is_refused() {
        assert_eq!(parse("\u{feff}{}"), Ok(json!({})));
        for body in ["", " ", "{", "{}x", "{a:1}", "'a'", "[1,]", "\u{feff}\u{feff}{}"] {
            assert_eq!(parse(body), Err("bad-json".to_owned()), "{body:?}");
        }
    }
}
