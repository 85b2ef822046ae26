//! The query of a request: its parameters are known, each is given once, and numbers are written as numbers.

use crate::{
    api::Problem,
    domain::number::{self, NumberError},
};
use actix_web::web;

/// The parameters of a query, in their order.
pub fn parse_pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map_err(|_| {
        Problem::new("bad-request", "the query cannot be decoded", "쿼리를 읽을 수 없습니다")
    })?;
    Ok(pairs.into_inner())
}

/// Whether the parameter `name` is given. A query that cannot be decoded has none.
pub fn has_parameter(query: &str, name: &str) -> bool {
    parse_pairs(query).is_ok_and(|pairs| pairs.iter().any(|(given, _)| given == name))
}

/// Refuses a parameter that is not `known`, or is given twice.
pub fn check_names(query: &str, known: &[&str]) -> Result<(), Problem> {
    let pairs = parse_pairs(query)?;
    for (place, (name, _)) in pairs.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            return Err(unknown_parameter(name, known));
        }
        if pairs.iter().take(place).any(|(other, _)| other == name) {
            let en = format!("`{name}` is given twice");
            let ko = format!("`{name}`이(가) 두 번 지정되었습니다");
            return Err(Problem::new("bad-filter", en, ko));
        }
    }
    Ok(())
}

fn unknown_parameter(name: &str, known: &[&str]) -> Problem {
    let name: String = name.chars().take(40).collect();
    if known.is_empty() {
        let en = format!("unknown parameter `{name}`; this takes none");
        let ko = format!("`{name}` 매개변수는 없습니다. 여기에는 매개변수를 쓸 수 없습니다");
        return Problem::new("bad-filter", en, ko);
    }
    let known = known.join(", ");
    let en = format!("unknown parameter `{name}`; parameters are: {known}");
    let ko = format!("`{name}` 매개변수는 없습니다. 사용할 수 있는 매개변수: {known}");
    Problem::new("bad-filter", en, ko)
}

/// The number that the parameter `name` has; `malformed` is the problem where it has none.
pub fn parse_number(name: &str, value: &str, malformed: fn() -> Problem) -> Result<u64, Problem> {
    number::parse_number(value).map_err(|error| match error {
        NumberError::Malformed => malformed(),
        NumberError::TooLarge(_) => Problem::out_of_range(name),
    })
}

/// The number of a thing, as [`parse_number`]. One that is larger than numbers may be now was given before they had a bound.
pub fn parse_thing(name: &str, value: &str, malformed: fn() -> Problem) -> Result<u64, Problem> {
    match number::parse_number(value) {
        Err(NumberError::TooLarge(Some(number))) => Ok(number),
        _ => parse_number(name, value, malformed),
    }
}

/// The value of `limit`, from 1 to `most`.
pub fn parse_limit(
    value: Option<&str>,
    usual: usize,
    most: usize,
    malformed: fn() -> Problem,
) -> Result<usize, Problem> {
    let Some(value) = value else { return Ok(usual) };
    match parse_number("limit", value, malformed)? {
        0 => Err(malformed()),
        limit => Ok(usize::try_from(limit).unwrap_or(most).min(most)),
    }
}
