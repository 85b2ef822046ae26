//! The fields of an entity, by their marks.

use crate::{
    args::{Args, Form, Item, Known},
    catalogue::{self, Correctable},
    columns::{self, Column},
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Field, FieldsNamed, Ident, Result};

/// What may be said of one of its fields.
pub const FIELD: &[Known] = &[
    ("hidden", Form::Flag, "hidden"),
    ("exists", Form::Flag, "exists"),
    ("withdrawn", Form::Flag, "withdrawn"),
    ("since", Form::Number, "since = 2"),
    ("ends", Form::FlagOrItems, "ends(by = refusal_of)"),
    ("shown", Form::Items, "shown(city: String = self.address.city())"),
    ("correctable", Form::FlagOrItems, "correctable(unless = self.held_by.is_some())"),
];

/// What the marks of the fields come to.
#[derive(Default)]
pub struct MarkedFields {
    /// What is shown.
    pub columns: Vec<Column>,
    /// The field that says whether the entity exists.
    pub exists: Option<Ident>,
    /// The field that says whether it is withdrawn.
    pub withdrawn: Option<Ident>,
    /// The refusal with which it ended.
    pub ends: Option<TokenStream>,
    /// What staff may correct.
    pub correctable: Vec<Correctable>,
    /// Whether a field is called `status`.
    pub has_status: bool,
}

impl MarkedFields {
    /// Reads the marks of all fields.
    pub fn read(fields: &FieldsNamed, marks: &[Args]) -> Result<Self> {
        let mut read = Self::default();
        for (field, marks) in fields.named.iter().zip(marks) {
            if let Some(name) = &field.ident {
                read.add(field, name, marks)?;
            }
        }
        match (&read.withdrawn, read.correctable.as_slice()) {
            (None, [first, ..]) => {
                let why =
                    "what staff corrects, staff withdraws: a flag with `#[withdrawn]` is missing";
                Err(Error::new_spanned(&first.field, why))
            }
            _ => Ok(read),
        }
    }

    fn add(&mut self, field: &Field, name: &Ident, marks: &Args) -> Result<()> {
        self.has_status |= name == "status";
        if let Some(at) = marks.span("exists")
            && self.exists.replace(name.clone()).is_some()
        {
            return Err(Error::new(at, "only one field says whether the entity exists"));
        }
        if let Some(at) = marks.span("ends")
            && self.ends.replace(ending(name, marks)?).is_some()
        {
            return Err(Error::new(at, "only one field says how the entity ended"));
        }
        if let Some(at) = marks.span("withdrawn")
            && self.withdrawn.replace(name.clone()).is_some()
        {
            return Err(Error::new(at, "only one field says whether the entity is withdrawn"));
        }
        let docs = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
        let docs: Vec<_> = docs.cloned().collect();
        let columns = columns::shown(field, name, &docs, marks)?;
        match (marks.span("correctable"), marks.has("withdrawn")) {
            (Some(at), true) => {
                let why = "what withdraws is not corrected: staff withdraws and restores";
                return Err(Error::new(at, why));
            }
            (Some(_), false) => {
                // It is corrected under the name that it is shown under, where that is one.
                let only = if let [only] = columns.as_slice() { Some(only) } else { None };
                self.correctable.push(Correctable {
                    shown_as: only.map_or(name, |column| &column.name).clone(),
                    docs: only.map_or(docs, |column| column.attributes.clone()),
                    field: name.clone(),
                    of: field.ty.clone(),
                    unless: catalogue::unless(marks)?,
                });
            }
            (None, _) => {}
        }
        self.columns.extend(columns);
        Ok(())
    }
}

/// The refusal with which an order ended, if it has: kept in `field`, or made from the code that is kept there.
fn ending(field: &Ident, marks: &Args) -> Result<TokenStream> {
    match marks.items("ends") {
        [] => Ok(quote!(Clone::clone(&self.#field))),
        [Item { name, of: None, value: Some(by), .. }] if name == "by" => {
            Ok(quote!(::holdfast::domain::EndCode::code(&self.#field).map(#by)))
        }
        [first, ..] => {
            let why = "what is said of it is `ends(by = refusal_of)`: the refusal of the code that is kept";
            Err(Error::new(first.name.span(), why))
        }
    }
}
