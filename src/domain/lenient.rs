//! Reads request bodies as people send them: numbers and booleans may be written as JSON strings.

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess,
        SeqAccess, VariantAccess, Visitor,
    },
};
use serde_json::{Error, Value};
use std::str::FromStr;

/// A body that is not what the route takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail} at `{pointer}`")]
pub struct BadBody {
    /// A JSON pointer to the place.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// Reads a `T`, taking `"1"` for 1 and `"true"` for true wherever a number or a boolean is wanted.
///
/// # Errors
/// [`BadBody`] names the place and what is wrong there.
pub fn read<T: DeserializeOwned>(body: Value) -> Result<T, BadBody> {
    serde_path_to_error::deserialize(Lenient(body)).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            use serde_path_to_error::Segment::{Enum, Map, Seq, Unknown};
            match segment {
                Seq { index } => pointer.push_str(&format!("/{index}")),
                Map { key } | Enum { variant: key } => {
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
                Unknown => {}
            }
        }
        BadBody { pointer, detail: explain(&error.into_inner().to_string()) }
    })
}

/// What is wrong and what is allowed, from the words of serde.
fn explain(error: &str) -> String {
    let names = |text: &str| text.replace("one of ", "").replace(", expected ", "; allowed: ");
    if let Some(field) = error.strip_prefix("unknown field ") {
        return format!("unknown field {}", names(field));
    }
    if let Some(variant) = error.strip_prefix("unknown variant ") {
        return format!("the value {}", names(variant))
            .replace("; allowed", " is not allowed; allowed");
    }
    let mismatch = error.strip_prefix("invalid type: ").or(error.strip_prefix("invalid value: "));
    let Some((found, wanted)) = mismatch.and_then(|text| text.split_once(", expected ")) else {
        return error.to_owned();
    };
    let is_type = ["struct ", "enum ", "tuple ", "unit ", "newtype "];
    let wanted = match wanted {
        wanted if wanted.contains("enum") => "a text or an object with one field",
        wanted if is_type.iter().any(|name| wanted.starts_with(name)) => "an object",
        "a map" => "an object",
        "a sequence" => "an array",
        wanted => wanted,
    };
    format!("{found} where {wanted} is expected")
}

struct Lenient(Value);

/// The number that `value` is or spells, if it fits.
fn number<T: FromStr>(value: &Value, wanted: &str) -> Result<T, Error> {
    let (text, quoted) = match value {
        Value::Number(number) => (number.to_string(), false),
        Value::String(text) => (text.trim().to_owned(), true),
        other => return Err(Error::custom(format!("{} where {wanted} is expected", kind(other)))),
    };
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        Error::custom(if quoted {
            format!("`{shown}` is not {wanted}")
        } else {
            format!("{shown} is not {wanted}")
        })
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $wanted:literal;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(number::<$type>(&self.0, $wanted)?)
        }
    )+};
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Error;

    numbers! {
        deserialize_u8 visit_u8 u8, "an integer from 0 to 255";
        deserialize_u16 visit_u16 u16, "an integer from 0 to 65535";
        deserialize_u32 visit_u32 u32, "an integer from 0 to 4294967295";
        deserialize_u64 visit_u64 u64, "an integer from 0 to 18446744073709551615";
        deserialize_i8 visit_i8 i8, "an integer from -128 to 127";
        deserialize_i16 visit_i16 i16, "an integer from -32768 to 32767";
        deserialize_i32 visit_i32 i32, "an integer from -2147483648 to 2147483647";
        deserialize_i64 visit_i64 i64, "an integer of 64 bits";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0 {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) if text == "true" => visitor.visit_bool(true),
            Value::String(text) if text == "false" => visitor.visit_bool(false),
            other => Err(Error::custom(format!("{} where true or false is expected", kind(other)))),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(fields) => visitor.visit_map(Fields(fields.into_iter(), None)),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(fields) if fields.len() == 1 => match fields.into_iter().next() {
                Some((variant, content)) => visitor.visit_enum(Choice(variant, content)),
                None => Err(Error::custom("an empty object where one field is expected")),
            },
            other => other.deserialize_enum(name, variants, visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

struct Items(std::vec::IntoIter<Value>);
impl<'de> SeqAccess<'de> for Items {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|item| seed.deserialize(Lenient(item))).transpose()
    }
}

struct Fields(serde_json::map::IntoIter, Option<Value>);
impl<'de> MapAccess<'de> for Fields {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.0.next() else { return Ok(None) };
        self.1 = Some(value);
        seed.deserialize(IntoDeserializer::<Error>::into_deserializer(key)).map(Some)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Lenient(self.1.take().unwrap_or_default()))
    }
}

struct Choice(String, Value);
impl<'de> EnumAccess<'de> for Choice {
    type Error = Error;
    type Variant = Content;
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Content), Error> {
        let variant = seed.deserialize(IntoDeserializer::<Error>::into_deserializer(self.0))?;
        Ok((variant, Content(self.1)))
    }
}

struct Content(Value);
impl<'de> VariantAccess<'de> for Content {
    type Error = Error;
    fn unit_variant(self) -> Result<(), Error> {
        <()>::deserialize(self.0)
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Lenient(self.0))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        Lenient(self.0).deserialize_any(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        Lenient(self.0).deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Body {
        count: u64,
        flag: Option<bool>,
        name: String,
        #[serde(default)]
        more: Vec<i32>,
    }

    #[test]
    fn numbers_and_booleans_may_be_strings_and_strings_stay_strings() {
        let body =
            json!({ "count": "7", "flag": "true", "name": "12", "more": ["1", -2], "unknown": {} });
        let expected = Body { count: 7, flag: Some(true), name: "12".into(), more: vec![1, -2] };
        assert_eq!(read::<Body>(body), Ok(expected));
    }

    #[test]
    fn null_and_absent_are_none_only_where_that_is_allowed() {
        assert_eq!(
            read::<Body>(json!({ "count": 1, "flag": null, "name": "" })).map(|b| b.flag),
            Ok(None)
        );
        let error = read::<Body>(json!({ "count": null, "name": "" })).unwrap_err();
        assert_eq!(error.pointer, "/count");
        let error = read::<Body>(json!({ "count": 1 })).unwrap_err();
        assert!(error.detail.contains("missing field `name`"), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        for wrong in [
            json!(-1),
            json!(1.5),
            json!("x"),
            json!("18446744073709551616"),
            json!(true),
            json!([]),
        ] {
            let error = read::<Body>(json!({ "count": wrong, "name": "" })).unwrap_err();
            assert_eq!(error.pointer, "/count", "{error}");
        }
        let error =
            read::<Body>(json!({ "count": 1, "name": "", "more": [1, "two"] })).unwrap_err();
        assert_eq!(
            (error.pointer.as_str(), error.detail.contains("`two` is not an integer")),
            ("/more/1", true)
        );
        assert_eq!(read::<Body>(json!({ "count": 1, "name": 5 })).unwrap_err().pointer, "/name");
    }
}
