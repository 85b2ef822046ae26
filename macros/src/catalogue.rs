//! What no context of a catalogue writes itself: the value of a correction, its body, and the events for what staff does.

use crate::{
    args::{Args, Form, Known},
    message,
};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, Expr, Fields, FieldsNamed, FieldsUnnamed, Ident, Item, ItemEnum, ItemStruct,
    Result, Type, Variant, parse_quote,
};

/// A field that staff may correct.
pub struct Correctable {
    pub docs: Vec<Attribute>,
    /// The name that it is shown under.
    pub shown_as: Ident,
    pub field: Ident,
    pub of: Type,
    /// Where this holds, it cannot be corrected now.
    pub unless: Option<Expr>,
}

impl Correctable {
    /// What a correction gives of it.
    fn given(&self) -> TokenStream {
        let of = &self.of;
        if is_option(of) { quote!(#of) } else { quote!(Option<#of>) }
    }

    /// Takes over what is given.
    fn take_over(&self) -> TokenStream {
        let Self { shown_as, field, of, .. } = self;
        let value = if is_option(of) { quote!(Some(value)) } else { quote!(value) };
        quote!(if let Some(value) = corrected.#shown_as { self.#field = #value; })
    }
}

/// Reads `#[correctable]` or `#[correctable(unless = ..)]`.
pub fn unless(marks: &Args) -> Result<Option<Expr>> {
    let mut unless = None;
    for item in marks.items("correctable") {
        let (true, None, Some(value)) = (item.name == "unless", &item.of, &item.value) else {
            let why = "what is said of it is `correctable(unless = self.held_by.is_some())`";
            return Err(Error::new(item.name.span(), why));
        };
        unless = Some(value.clone());
    }
    Ok(unless)
}

/// The value `CorrectedBook` of the fields that are corrected, and with `catalogue` the body `CorrectBook` and
/// `impl Catalogue`.
pub fn corrections(
    item: &ItemStruct,
    own_number: Option<&Ident>,
    fields: &[Correctable],
    catalogue: Option<Span>,
) -> Result<TokenStream> {
    let by_hand = fields.iter().find_map(|field| field.unless.as_ref());
    match (catalogue, fields, by_hand) {
        (None, [], _) => return Ok(TokenStream::new()),
        (Some(at), [], _) => {
            let why = "a catalogue has fields that staff may correct: `#[correctable]`";
            return Err(Error::new(at, why));
        }
        (None, _, Some(unless)) => {
            let why = "without `catalogue`, this is decided by `impl Catalogue`";
            return Err(Error::new_spanned(unless, why));
        }
        _ => {}
    }
    let entity = &item.ident;
    let vis = &item.vis;
    let corrected = format_ident!("Corrected{entity}");
    let snake = format_ident!("{}_id", message::snake_case(entity));
    let id = own_number.unwrap_or(&snake);
    let names: Vec<_> = fields.iter().map(|field| &field.shown_as).collect();
    let given: Vec<_> = fields.iter().map(Correctable::given).collect();
    let taken_over = fields.iter().map(Correctable::take_over);
    let title = corrected.to_string();
    let value: Item = parse_quote! {
        /// The fields that were corrected; the others are null.
        #vis struct #corrected {
            pub #id: ::holdfast::domain::Id<#entity>,
            #(pub #names: #given),*
        }
    };
    let value = message::value(quote!(title = #title), &value)?;
    let body = if catalogue.is_some() { body(item, id, fields)? } else { TokenStream::new() };
    Ok(quote! {
        #value
        impl ::holdfast::domain::Correctable for #entity {
            type Corrected = #corrected;
            fn take_over(&mut self, corrected: #corrected) {
                #(#taken_over)*
            }
        }
        #body
    })
}

/// The body of a correction, and what it corrects.
fn body(item: &ItemStruct, id: &Ident, fields: &[Correctable]) -> Result<TokenStream> {
    let entity = &item.ident;
    let vis = &item.vis;
    let correct = format_ident!("Correct{entity}");
    let corrected = format_ident!("Corrected{entity}");
    let docs = fields.iter().map(|field| {
        let docs = &field.docs;
        let held = field.unless.is_some().then(|| quote!(#[doc = " Not while an order holds it."]));
        quote!(#(#docs)* #held)
    });
    let names: Vec<_> = fields.iter().map(|field| &field.shown_as).collect();
    let given = fields.iter().map(Correctable::given);
    let title = correct.to_string();
    let mut body: Item = parse_quote! {
        /// What staff corrects: the fields that are given.
        #[derive(Default)]
        #vis struct #correct { #(#docs pub #names: #given),* }
    };
    let body = message::body(quote!(title = #title), &mut body)?;
    let held = fields.iter().filter_map(|field| {
        let name = &field.shown_as;
        let unless = field.unless.as_ref()?;
        Some(quote! {
            if given.#name.is_some() && (#unless) {
                return Err(::holdfast::domain::Refusal::held(
                    <Self as ::holdfast::domain::Entity>::NAME,
                ));
            }
        })
    });
    Ok(quote! {
        #body
        impl ::holdfast::domain::Catalogue for #entity {
            type Correction = #correct;
            fn correct(
                &self,
                given: #correct,
                this: &::holdfast::domain::DecisionContext<'_, Self>,
            ) -> Result<#corrected, ::holdfast::domain::Refusal> {
                #(#held)*
                let #correct { #(#names),* } = given;
                Ok(#corrected { #id: this.id, #(#names),* })
            }
        }
    })
}

/// What may be said of one of the events.
pub const EVENT: &[Known] = &[
    ("corrected", Form::Flag, "corrected"),
    ("withdrawn", Form::Flag, "withdrawn"),
    ("restored", Form::Flag, "restored"),
];

const DOCUMENTED: [(&str, &str); 3] = [
    ("corrected", " Staff has corrected these fields."),
    ("withdrawn", " It is offered no longer."),
    ("restored", " It is offered again."),
];

/// The events that say what staff has done, made from the marks of the variants, which document those that have no words
/// of their own.
pub fn events(item: &mut ItemEnum, marks: &[Args]) -> Result<TokenStream> {
    let corrected = marked(item, marks, "corrected")?;
    let withdrawn = marked(item, marks, "withdrawn")?;
    let restored = marked(item, marks, "restored")?;
    let (corrected, withdrawn, restored) = match (corrected, withdrawn, restored) {
        (None, None, None) => return Ok(TokenStream::new()),
        (Some(corrected), Some(withdrawn), Some(restored)) => (corrected, withdrawn, restored),
        _ => {
            let why = "staff corrects, withdraws and restores: one event is `#[corrected]`, one `#[withdrawn]` and one `#[restored]`";
            return Err(Error::new_spanned(&item.ident, why));
        }
    };
    let value = correction(corrected)?;
    let (entity, withdraws) = number(withdrawn)?;
    let (_, restores) = number(restored)?;
    let name = &item.ident;
    let correction = &corrected.ident;
    let withdrawal = &withdrawn.ident;
    let restoration = &restored.ident;
    let made = quote! {
        impl ::holdfast::domain::CatalogueEvent<#entity, #value> for #name {
            fn corrected(corrected: #value) -> Self {
                Self::#correction(corrected)
            }
            fn withdrawn(id: ::holdfast::domain::Id<#entity>) -> Self {
                Self::#withdrawal { #withdraws: id }
            }
            fn restored(id: ::holdfast::domain::Id<#entity>) -> Self {
                Self::#restoration { #restores: id }
            }
        }
    };
    for (variant, marks) in item.variants.iter_mut().zip(marks) {
        for (mark, doc) in DOCUMENTED {
            if marks.has(mark) {
                document(&mut variant.attrs, doc);
            }
        }
    }
    Ok(made)
}

/// The event that has this mark.
fn marked<'a>(item: &'a ItemEnum, marks: &[Args], mark: &str) -> Result<Option<&'a Variant>> {
    let mut found = None;
    for (variant, marks) in item.variants.iter().zip(marks) {
        if let Some(at) = marks.span(mark)
            && found.replace(variant).is_some()
        {
            return Err(Error::new(at, format!("another event is `#[{mark}]` already")));
        }
    }
    Ok(found)
}

/// Documents what has no documentation.
pub fn document(attributes: &mut Vec<Attribute>, doc: &str) {
    if !attributes.iter().any(|attribute| attribute.path().is_ident("doc")) {
        attributes.push(parse_quote!(#[doc = #doc]));
    }
}

/// The value that the event of a correction carries.
fn correction(variant: &Variant) -> Result<&Type> {
    match &variant.fields {
        Fields::Unnamed(FieldsUnnamed { unnamed, .. }) if unnamed.len() == 1 => {
            unnamed.first().map(|field| &field.ty)
        }
        _ => None,
    }
    .ok_or_else(|| {
        let why = "what was corrected is one value: `BookCorrected(CorrectedBook)`";
        Error::new_spanned(variant, why)
    })
}

/// Whose number the event of a withdrawal or a restoration has, and under which name.
fn number(variant: &Variant) -> Result<(&Type, &Ident)> {
    match &variant.fields {
        Fields::Named(FieldsNamed { named, .. }) if named.len() == 1 => {
            named.first().and_then(|field| message::id_of(&field.ty).zip(field.ident.as_ref()))
        }
        _ => None,
    }
    .ok_or_else(|| {
        let why = "it has the number of the thing and nothing else: `BookWithdrawn { book_id: Id<Book> }`";
        Error::new_spanned(variant, why)
    })
}

fn is_option(of: &Type) -> bool {
    let Type::Path(path) = of else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Option")
}
