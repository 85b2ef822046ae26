//! `#[status]`

use crate::args::{Args, Form, Known, take_marks};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Expr, Fields, Ident, ItemEnum, LitStr, Result, parse_quote};

/// What may be said of a status.
const STATUS: &[Known] = &[
    ("rename_all", Form::Text, r#"rename_all = "SCREAMING_SNAKE_CASE""#),
    ("title", Form::Text, r#"title = "OrderStatus""#),
    ("ordered", Form::Flag, "ordered"),
];

/// What may be said of one of its variants.
const VARIANT: &[Known] = &[
    ("name", Form::Text, r#"name = "On its way""#),
    ("shown_as", Form::Call, "shown_as(Waiting)"),
    ("absent", Form::Flag, "absent"),
    ("open", Form::Flag, "open"),
    ("ended", Form::Call, "ended(declined())"),
    ("failed", Form::Flag, "failed"),
    ("canceled", Form::Flag, "canceled"),
];

pub fn expand(args: TokenStream, item: &mut ItemEnum) -> Result<TokenStream> {
    let mut marks = Vec::new();
    for variant in &mut item.variants {
        marks.push(take_marks(&mut variant.attrs, VARIANT));
    }
    let args = Args::read(args, STATUS)?;
    let marks = marks.into_iter().collect::<Result<Vec<_>>>()?;
    let name = item.ident.clone();
    if item.variants.is_empty() {
        return Err(Error::new(
            name.span(),
            "a status has at least one variant: the first is that of a new one",
        ));
    }
    let renamed = args.has("rename_all");
    let names: Vec<_> = item
        .variants
        .iter()
        .zip(&marks)
        .map(|(variant, marks)| {
            let own = (!renamed).then(|| variant.ident.to_string());
            (variant.ident.clone(), marks.text("name").map(LitStr::value).or(own))
        })
        .collect();
    let mut arms = Vec::new();
    let mut outcomes = Vec::new();
    let mut added = Vec::new();
    for (place, (variant, marks)) in item.variants.iter().zip(&marks).enumerate() {
        let ident = &variant.ident;
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(
                &variant.fields,
                "a status has no data: keep it in a field of the entity",
            ));
        }
        let given: Vec<_> = ["absent", "open", "ended", "failed", "canceled"]
            .into_iter()
            .filter_map(|mark| marks.span(mark))
            .collect();
        if let [_, second, ..] = given.as_slice() {
            return Err(Error::new(
                *second,
                "a variant is `#[absent]`, `#[open]`, `#[ended(..)]`, `#[failed]`, `#[canceled]`, or none of them",
            ));
        }
        let lifecycle = match marks.expr("ended") {
            Some(refusal) => quote!(Ended(#refusal)),
            None if marks.has("absent") => quote!(Absent),
            None if marks.has("open") => quote!(Open),
            None => quote!(Established),
        };
        arms.push(quote!(Self::#ident => ::holdfast::domain::Lifecycle::#lifecycle));
        if marks.has("failed") {
            outcomes.push(quote!(Self::#ident => ::holdfast::domain::OrderOutcome::Failed,));
        } else if marks.has("canceled") {
            outcomes.push(quote!(Self::#ident => ::holdfast::domain::OrderOutcome::Canceled,));
        }
        let mut attributes: Vec<Attribute> = Vec::new();
        if place == 0 {
            attributes.push(parse_quote!(#[default]));
        }
        if let Some(text) = marks.text("name") {
            attributes.push(parse_quote!(#[serde(rename = #text)]));
            attributes.push(parse_quote!(#[strum(serialize = #text)]));
        }
        if let Some(other) = marks.expr("shown_as") {
            let text = shown(other, &names)?;
            attributes.push(parse_quote!(#[serde(rename(serialize = #text))]));
            attributes.push(parse_quote!(#[strum(serialize = #text)]));
            attributes.push(parse_quote!(#[schemars(skip)]));
        }
        added.push(attributes);
    }
    // Only now: an item that is refused stays as it was written.
    for (variant, attributes) in item.variants.iter_mut().zip(added) {
        variant.attrs.extend(attributes);
    }
    let order = args.has("ordered").then(|| quote!(#[derive(PartialOrd, Ord)]));
    let case = args
        .text("rename_all")
        .map(|case| quote!(#[serde(rename_all = #case)] #[strum(serialize_all = #case)]));
    let title = args.text("title").map(|title| quote!(#[schemars(rename = #title)]));
    Ok(quote! {
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq,
            ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema, ::strum::AsRefStr,
        )]
        #order #case #title
        #[allow(missing_docs)]
        #item
        #[allow(dead_code)]
        impl #name {
            /// How much there is of a thing with this status.
            pub fn lifecycle(self) -> ::holdfast::domain::Lifecycle {
                match self { #(#arms),* }
            }
            /// How an order with this status, and that lifecycle, has ended.
            pub fn outcome(
                self,
                lifecycle: &::holdfast::domain::Lifecycle,
            ) -> ::holdfast::domain::OrderOutcome {
                match self {
                    #(#outcomes)*
                    #[allow(unreachable_patterns)]
                    _ => lifecycle.outcome(),
                }
            }
        }
        impl From<#name> for ::holdfast::domain::Key {
            fn from(status: #name) -> Self {
                Self::from(status.as_ref())
            }
        }
    })
}

/// The name on the wire of the variant that `other` is.
fn shown(other: &Expr, names: &[(Ident, Option<String>)]) -> Result<String> {
    let Expr::Path(path) = other else {
        return Err(Error::new_spanned(other, "`shown_as` names another variant of this status"));
    };
    let Some((_, name)) = names.iter().find(|(ident, _)| path.path.is_ident(ident)) else {
        return Err(Error::new_spanned(other, "`shown_as` names another variant of this status"));
    };
    let why = "with `rename_all`, a variant that others are shown as has a `#[name = \"..\"]`";
    name.clone().ok_or_else(|| Error::new_spanned(other, why))
}
