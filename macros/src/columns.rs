//! What is shown of an entity, and what lists filter by.

use crate::args::{Args, Item};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, Field, Ident, Result, Type, parse_quote};

/// A field of the representation.
pub struct Column {
    pub attributes: Vec<Attribute>,
    pub name: Ident,
    pub of: Type,
    pub value: TokenStream,
}

/// What is shown of `field`, whose name is `name`.
pub fn shown(field: &Field, name: &Ident, docs: &[Attribute], marks: &Args) -> Result<Vec<Column>> {
    if marks.has("withdrawn") {
        return Ok(vec![withdrawal(name, docs.to_vec())]);
    }
    if marks.has("shown") {
        let mut columns = marks
            .items("shown")
            .iter()
            .map(|item| computed(item, name))
            .collect::<Result<Vec<_>>>()?;
        if let [only] = columns.as_mut_slice()
            && only.attributes.is_empty()
        {
            only.attributes = docs.to_vec();
        }
        return Ok(columns);
    }
    if marks.has("hidden") || marks.has("ends") {
        return Ok(Vec::new());
    }
    let value = quote!(Clone::clone(&self.#name));
    let attributes = docs.to_vec();
    Ok(vec![Column { attributes, name: name.clone(), of: field.ty.clone(), value }])
}

/// The entity's own number, as one of its fields.
pub fn own_number(own: &Item) -> Result<Column> {
    let why = "the entity's own number is named with its type: `id(order_id: Id<Order>)`";
    let of = own.of.clone().ok_or_else(|| Error::new(own.name.span(), why))?;
    Ok(Column { attributes: own.docs.clone(), name: own.name.clone(), of, value: quote!(id.of()) })
}

/// Whether the entity is withdrawn: shown only when it is.
fn withdrawal(field: &Ident, mut attributes: Vec<Attribute>) -> Column {
    if attributes.is_empty() {
        attributes.push(parse_quote!(#[doc = " True when it is offered no longer."]));
    }
    attributes.push(parse_quote!(#[serde(skip_serializing_if = "::core::ops::Not::not")]));
    Column {
        attributes,
        name: format_ident!("withdrawn"),
        of: parse_quote!(bool),
        value: quote!(self.#field),
    }
}

/// A field of the representation that the state does not have as it is: with a value, or the field of that name in `field`.
fn computed(shown: &Item, field: &Ident) -> Result<Column> {
    let why = "what is shown has a type: `shown(city: String)` for `self.address.city`, or `shown(city: String = self.city())`";
    let of = shown.of.clone().ok_or_else(|| Error::new(shown.name.span(), why))?;
    let name = shown.name.clone();
    let value = match &shown.value {
        Some(value) => quote!(#value),
        None => quote!(Clone::clone(&self.#field.#name)),
    };
    Ok(Column { attributes: shown.docs.clone(), name, of, value })
}

/// A field that lists filter by: its name on the wire, and its value. Without one it is what is shown under that name, or
/// the field of the state.
pub fn key_of(item: &Item, columns: &[Column]) -> TokenStream {
    let wire = camel_case(&item.name);
    let name = &item.name;
    let shown = columns.iter().find(|column| column.name == *name).map(|column| &column.value);
    let value = match (&item.value, shown) {
        (Some(value), _) => quote!(#value),
        (None, Some(shown)) => shown.clone(),
        (None, None) => quote!(Clone::clone(&self.#name)),
    };
    quote!((#wire, ::holdfast::domain::Key::from(#value)))
}

pub fn camel_case(name: &Ident) -> String {
    let mut camel = String::new();
    for part in name.to_string().split('_') {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if !camel.is_empty() => camel.extend(first.to_uppercase().chain(letters)),
            _ => camel.push_str(part),
        }
    }
    camel
}
