//! A value of a body as serde reads it.

use super::error::{ExpectedForm, ReadError};
use crate::domain::{number::LARGEST, text};
use serde::{
    Deserializer,
    de::{
        IntoDeserializer, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
};
use serde_json::{Number, Value};

/// A value of which numbers and booleans may be written as strings, and texts as numbers.
pub struct Lenient(pub Value);

const INTEGER: ExpectedForm = ExpectedForm("an integer", "정수");
const NATURAL: ExpectedForm = ExpectedForm("an integer from 0", "0 이상의 정수");
const NUMBER: ExpectedForm = ExpectedForm("a number", "숫자");
const FLAG: ExpectedForm = ExpectedForm("true or false", "true 또는 false");
const TEXT: ExpectedForm = ExpectedForm("a text", "글");
const CHOICE: ExpectedForm = ExpectedForm("one of the allowed texts", "허용된 값");
const ARRAY: ExpectedForm = ExpectedForm("an array", "배열");
const OBJECT: ExpectedForm = ExpectedForm("an object", "객체");
const NULL: ExpectedForm = ExpectedForm("null", "null");

/// A number, with its text.
struct GivenValue {
    number: Number,
    text: String,
}

impl GivenValue {
    /// The number that `value` is or spells, as JSON writes numbers.
    fn of(value: &Value, wanted: ExpectedForm) -> Result<Self, ReadError> {
        match value {
            Value::Number(number) => Ok(Self { number: number.clone(), text: number.to_string() }),
            Value::String(text) => match text.parse() {
                Ok(number) => Ok(Self { number, text: text.clone() }),
                Err(_) => Err(ReadError::wrong_value(text, wanted)),
            },
            other => Err(ReadError::wrong_shape(other, wanted)),
        }
    }

    /// The integer that it is, within the bound.
    fn as_integer(&self, wanted: ExpectedForm) -> Result<i64, ReadError> {
        let bound = i128::from(LARGEST);
        let whole = self.number.as_i128().or_else(|| {
            // An integer of more digits than a machine's word has is read as a float.
            let float = self.number.as_f64().filter(|float| float.abs() > LARGEST as f64)?;
            (float.fract() == 0.0).then_some(if float > 0.0 { i128::MAX } else { i128::MIN })
        });
        let integer = whole.ok_or_else(|| ReadError::wrong_value(&self.text, wanted))?;
        let within = (-bound..=bound).contains(&integer);
        let integer = i64::try_from(integer).ok().filter(|_| within);
        integer.ok_or_else(ReadError::out_of_range)
    }

    fn as_float(&self) -> Result<f64, ReadError> {
        let float = self.number.as_f64().filter(|float| float.abs() <= LARGEST as f64);
        float.ok_or_else(ReadError::out_of_range)
    }
}

impl Lenient {
    fn to_integer<T: TryFrom<i64>>(&self, wanted: ExpectedForm) -> Result<T, ReadError> {
        let given = GivenValue::of(&self.0, wanted)?;
        T::try_from(given.as_integer(wanted)?)
            .map_err(|_| ReadError::wrong_value(&given.text, wanted))
    }

    fn into_text(self) -> Result<String, ReadError> {
        match self.0 {
            Value::String(given) => {
                text::normalize_text(&given).map_err(ReadError::forbidden_character)
            }
            Value::Number(_) => {
                let given = GivenValue::of(&self.0, NUMBER)?;
                given.as_float().map(|_| given.text)
            }
            other => Err(ReadError::wrong_shape(&other, TEXT)),
        }
    }

    fn visit_array<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Value::Array(items) = self.0 else {
            return Err(ReadError::wrong_shape(&self.0, ARRAY));
        };
        let mut items = SeqDeserializer::new(items.into_iter().map(Lenient));
        let read = visitor.visit_seq(&mut items)?;
        items.end()?;
        Ok(read)
    }

    fn visit_object<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Value::Object(members) = self.0 else {
            return Err(ReadError::wrong_shape(&self.0, OBJECT));
        };
        let members = members.into_iter().map(|(name, value)| (name, Lenient(value)));
        visitor.visit_map(MapDeserializer::new(members))
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $wanted:ident;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            visitor.$visit(self.to_integer($wanted)?)
        }
    )+};
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = ReadError;

    integers! {
        deserialize_u8 visit_u8 NATURAL;
        deserialize_u16 visit_u16 NATURAL;
        deserialize_u32 visit_u32 NATURAL;
        deserialize_u64 visit_u64 NATURAL;
        deserialize_i8 visit_i8 INTEGER;
        deserialize_i16 visit_i16 INTEGER;
        deserialize_i32 visit_i32 INTEGER;
        deserialize_i64 visit_i64 INTEGER;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_f64(visitor)
    }
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_f64(GivenValue::of(&self.0, NUMBER)?.as_float()?)
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0 {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => match text.parse() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => Err(ReadError::wrong_value(text, FLAG)),
            },
            other => Err(ReadError::wrong_shape(other, FLAG)),
        }
    }
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_string(self.into_text()?)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.0.is_null() {
            visitor.visit_unit()
        } else {
            Err(ReadError::wrong_shape(&self.0, NULL))
        }
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_array(visitor)
    }
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.visit_array(visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_object(visitor)
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.visit_object(visitor)
    }
    /// The choices of a body are texts: none of them carries data.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::String(_) => visitor.visit_enum(self.into_text()?.into_deserializer()),
            other => Err(ReadError::wrong_shape(&other, CHOICE)),
        }
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) if number.is_f64() => self.deserialize_f64(visitor),
            Value::Number(_) => self.deserialize_i64(visitor),
            Value::String(_) => self.deserialize_str(visitor),
            Value::Array(_) => self.visit_array(visitor),
            Value::Object(_) => self.visit_object(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit_struct tuple_struct identifier
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for Lenient {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
