//! Which versions of a state are read: those frozen by hand, and those that lacked the fields with `#[since = ..]`.

use crate::args::Args;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Field, ItemStruct, LitInt, Result};

/// The versions of a state.
pub struct Versions {
    /// The current one.
    pub current: u16,
    /// The arms of `old_state`.
    pub arms: Vec<TokenStream>,
}

pub fn number(given: &LitInt) -> Result<u16> {
    let why = |_| Error::new(given.span(), "this is a number from 0 to 65535");
    given.base10_parse().map_err(why)
}

/// The versions of the state that `item` is: `old_versions(..)` first, then a version for each number that is in `#[since = ..]`.
pub fn read(args: &Args, item: &ItemStruct, marks: &[Args]) -> Result<Versions> {
    let frozen = args.types("old_versions");
    let first = u16::try_from(frozen.len()).unwrap_or(u16::MAX).saturating_add(1);
    let mut since = Vec::new();
    for marks in marks {
        let version = marks.number("since").map(number).transpose()?.unwrap_or(first);
        if let (Some(at), true) = (marks.span("since"), version <= first) {
            let why = format!(
                "a field is added in a version after the first one: `since = {}`",
                first.saturating_add(1)
            );
            return Err(Error::new(at, why));
        }
        since.push(version);
    }
    let current = since.iter().copied().max().unwrap_or(first);
    if let Some(missing) =
        (first..current).find(|version| *version > first && !since.contains(version))
    {
        let why = format!("no field is added in version {missing}");
        return Err(Error::new_spanned(&item.ident, why));
    }
    let by_hand = frozen
        .iter()
        .zip(1_u16..)
        .map(|(of, version)| quote!(#version => record.read::<#of>().map(Self::from),));
    let fields: Vec<(&Field, u16)> = item.fields.iter().zip(since).collect();
    let lacking = (first..current).map(|version| lacking(&fields, version));
    Ok(Versions { current, arms: by_hand.chain(lacking).collect() })
}

/// The arm that reads a state of `version`: without the fields that were added later.
fn lacking(fields: &[(&Field, u16)], version: u16) -> TokenStream {
    let frozen = format_ident!("Version{version}");
    let has = |added: u16| added <= version;
    let kept: Vec<_> =
        fields.iter().filter(|(_, added)| has(*added)).map(|(field, _)| field).collect();
    let names: Vec<_> = kept.iter().map(|field| &field.ident).collect();
    let types = kept.iter().map(|field| &field.ty);
    let added = fields.iter().filter(|(_, added)| !has(*added)).map(|(field, _)| &field.ident);
    quote! {
        #version => {
            #[derive(::serde::Deserialize)]
            struct #frozen { #(#names: #types),* }
            record.read::<#frozen>().map(|old| Self {
                #(#names: old.#names,)*
                #(#added: ::core::default::Default::default()),*
            })
        }
    }
}
