//! Events inside a record. An event that has grown reads what was written before: fields that its
//! bytes end before have their defaults.

use super::codec::codec_config;
use crate::domain::{Decoder, Undecodable};
use bincode::error::DecodeError;
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Error, IntoDeserializer, SeqAccess,
        VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};

/// An event inside a record: what [`encode_part`](super::codec::encode_part) wrote of it. A variant
/// may have more fields at its end than were written, with `#[serde(default)]`; so may the struct that a
/// variant consists of.
#[derive(Debug, Clone, Copy)]
pub struct EventPart<'a>(pub &'a [u8]);

impl Decoder for EventPart<'_> {
    fn read<T: DeserializeOwned>(self) -> Result<T, Undecodable> {
        let mut rest = self.0;
        let unreadable = |error: DecodeError| Undecodable::Payload(error.to_string());
        let event = T::deserialize(Variant { rest: &mut rest }).map_err(unreadable)?;
        match rest.len() {
            0 => Ok(event),
            left => Err(Undecodable::Payload(format!("{left} bytes are left over"))),
        }
    }
}

/// Decodes a value off the front.
fn take_part<'de, S: DeserializeSeed<'de>>(
    seed: S,
    rest: &mut &'de [u8],
) -> Result<S::Value, DecodeError> {
    let (value, read) = bincode::serde::seed_decode_from_slice(seed, rest, codec_config())?;
    *rest = rest.get(read..).unwrap_or_default();
    Ok(value)
}

struct Variant<'a, 'de> {
    rest: &'a mut &'de [u8],
}

impl<'de> Deserializer<'de> for Variant<'_, 'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::custom("an event is an enum"))
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(self)
    }
    fn is_human_readable(&self) -> bool {
        false
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), DecodeError> {
        let index: u32 = take_part(std::marker::PhantomData, self.rest)?;
        let name = seed.deserialize(IntoDeserializer::<DecodeError>::into_deserializer(index))?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        seed.deserialize(Content { rest: self.rest })
    }
    fn tuple_variant<V: Visitor<'de>>(
        self,
        fields: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(Fields { rest: self.rest, left: fields })
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(Fields { rest: self.rest, left: fields.len() })
    }
}

/// What a variant consists of. Its bytes are those of a variant with the same fields, so a struct grows as
/// that does; everything else is bincode's.
struct Content<'a, 'de> {
    rest: &'a mut &'de [u8],
}

macro_rules! by_bincode {
    ($($method:ident($($argument:ident: $of:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $of,)*
            visitor: V,
        ) -> Result<V::Value, DecodeError> {
            struct Seed<V>($($of,)* V);
            impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Seed<V> {
                type Value = V::Value;
                fn deserialize<D: Deserializer<'de>>(self, bytes: D) -> Result<V::Value, D::Error> {
                    let Self($($argument,)* visitor) = self;
                    bytes.$method($($argument,)* visitor)
                }
            }
            take_part(Seed($($argument,)* visitor), self.rest)
        }
    )*};
}

impl<'de> Deserializer<'de> for Content<'_, 'de> {
    type Error = DecodeError;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(Fields { rest: self.rest, left: fields.len() })
    }
    fn is_human_readable(&self) -> bool {
        false
    }
    by_bincode! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32()
        deserialize_i64() deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32()
        deserialize_u64() deserialize_u128() deserialize_f32() deserialize_f64() deserialize_char()
        deserialize_str() deserialize_string() deserialize_bytes() deserialize_byte_buf()
        deserialize_option() deserialize_unit() deserialize_seq() deserialize_map()
        deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(fields: usize)
        deserialize_tuple_struct(name: &'static str, fields: usize)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
}

/// The fields of a variant, as many as were written.
struct Fields<'a, 'de> {
    rest: &'a mut &'de [u8],
    left: usize,
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        if self.left == 0 || self.rest.is_empty() {
            return Ok(None);
        }
        self.left -= 1;
        take_part(seed, self.rest).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::encode_part;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Before {
        Opened,
        Rented { rent: u64, user: String },
        Moved(u64, Option<u8>),
        Ordered(OrderBefore),
        Named(String),
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct OrderBefore {
        rent: u64,
        user: String,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Order {
        rent: u64,
        user: String,
        #[serde(default)]
        phone: Option<String>,
    }
    /// The same event, grown by a variant and by fields.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Now {
        Opened,
        Rented {
            rent: u64,
            user: String,
            #[serde(default)]
            note: Option<String>,
            #[serde(default)]
            copies: u32,
        },
        Moved(u64, Option<u8>),
        Ordered(Order),
        Named(String),
        Closed,
    }

    fn read<T: DeserializeOwned>(event: &impl Serialize) -> Result<T, Undecodable> {
        EventPart(&encode_part(event).expect("encodes")).read()
    }

    fn now() -> impl Strategy<Value = Now> {
        prop_oneof![
            Just(Now::Opened),
            Just(Now::Closed),
            (any::<u64>(), any::<Option<u8>>()).prop_map(|(to, by)| Now::Moved(to, by)),
            (any::<u64>(), ".{0,9}", any::<Option<String>>())
                .prop_map(|(rent, user, phone)| Now::Ordered(Order { rent, user, phone })),
            ".{0,9}".prop_map(Now::Named),
            (any::<u64>(), ".{0,9}", any::<Option<String>>(), any::<u32>())
                .prop_map(|(rent, user, note, copies)| Now::Rented { rent, user, note, copies }),
        ]
    }

    #[test]
    fn an_event_that_has_grown_reads_what_was_written_before() {
        let before = Before::Rented { rent: 300, user: "kim".into() };
        let now = Now::Rented { rent: 300, user: "kim".into(), note: None, copies: 0 };
        assert_eq!(read::<Now>(&before), Ok(now));
        assert_eq!(read::<Now>(&Before::Opened), Ok(Now::Opened));
        let before = Before::Ordered(OrderBefore { rent: 300, user: "kim".into() });
        let now = Now::Ordered(Order { rent: 300, user: "kim".into(), phone: None });
        assert_eq!(read::<Now>(&before), Ok(now));
        assert_eq!(read::<Now>(&Before::Named("kim".into())), Ok(Now::Named("kim".into())));
        assert_eq!(read::<Now>(&Before::Moved(7, Some(1))), Ok(Now::Moved(7, Some(1))));
    }

    #[test]
    fn what_has_no_default_must_be_there_and_what_is_not_known_is_refused() {
        let bytes =
            encode_part(&Before::Rented { rent: 300, user: "kim".into() }).expect("encodes");
        // The variant and the first field only.
        assert!(EventPart(&bytes[..4]).read::<Now>().is_err());
        let grown = Now::Rented { rent: 1, user: String::new(), note: None, copies: 9 };
        assert!(read::<Before>(&grown).is_err(), "bytes are left over");
        let order = Order { rent: 300, user: "kim".into(), phone: Some("010".into()) };
        assert!(read::<Before>(&Now::Ordered(order)).is_err(), "bytes are left over");
        let order = encode_part(&Before::Ordered(OrderBefore { rent: 300, user: "kim".into() }));
        assert!(EventPart(&order.expect("encodes")[..4]).read::<Now>().is_err());
        assert!(read::<Before>(&Now::Closed).is_err());
        assert!(EventPart(&[]).read::<Now>().is_err());
    }

    proptest! {
        #[test]
        fn an_event_reads_back(event in now()) {
            prop_assert_eq!(read::<Now>(&event), Ok(event));
        }

        #[test]
        fn noise_is_an_event_or_an_error(noise in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = EventPart(&noise).read::<Now>();
        }
    }
}
