//! Which of several bodies a `PATCH` has: by its fields.

use super::Body;
use serde_json::Value;

/// Why a body is none of those that a `PATCH` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    /// It gives none of their fields; null is no value.
    Nothing,
    /// It gives fields of several, which are commands of their own.
    Several,
}

/// The names of the fields of a body.
pub fn fields_of<B: Body>() -> Vec<String> {
    let schema = schemars::schema_for!(B);
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

/// Which of `bodies`, each the names of its fields, this is. What is no object is the first, whose reader says what is wrong.
///
/// # Errors
/// [`Unclear`].
pub fn choose_body<'a>(
    body: &Value,
    bodies: impl IntoIterator<Item = &'a Vec<String>>,
) -> Result<usize, Unclear> {
    let Some(given) = body.as_object() else { return Ok(0) };
    let is_given = |field: &String| given.get(field).is_some_and(|value| !value.is_null());
    let found: Vec<usize> = bodies
        .into_iter()
        .enumerate()
        .filter(|(_, fields)| fields.iter().any(is_given))
        .map(|(place, _)| place)
        .collect();
    match found.as_slice() {
        [] => Err(Unclear::Nothing),
        [one] => Ok(*one),
        _ => Err(Unclear::Several),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Correction {
        title: Option<String>,
        fee: Option<u64>,
    }
    impl Body for Correction {}

    #[test]
    fn the_fields_tell_which_body_it_is_and_null_is_no_value() {
        let bodies = [vec!["status".to_owned()], fields_of::<Correction>()];
        let chosen = |body: Value| choose_body(&body, &bodies);
        assert_eq!(chosen(json!({ "status": "APPROVED", "fee": null, "x": 1 })), Ok(0));
        assert_eq!(chosen(json!({ "title": "a", "fee": 1, "status": null })), Ok(1));
        assert_eq!(chosen(json!({ "status": "APPROVED", "fee": 1 })), Err(Unclear::Several));
        for empty in [json!({}), json!({ "title": null }), json!({ "x": 1 })] {
            assert_eq!(chosen(empty), Err(Unclear::Nothing));
        }
        assert_eq!(chosen(json!([1])), Ok(0));
    }
}
