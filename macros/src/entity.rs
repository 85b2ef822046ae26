//! `#[entity]`

use crate::args::{Args, Form, Item, Known, take_marks};
use crate::catalogue::{self, Correctable};
use crate::versions::{self, Versions, number};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Error, Fields, Ident, ItemStruct, Result, Type, parse_quote};

/// What may be said of an entity.
const ENTITY: &[Known] = &[
    ("context", Form::Text, r#"context = "shop.order""#),
    ("collection", Form::Text, r#"collection = "orders""#),
    ("korean", Form::Text, r#"korean = "주문""#),
    ("item", Form::Text, r#"item = "order""#),
    ("title", Form::Text, r#"title = "ShopOrder""#),
    ("aliases", Form::Texts, r#"aliases("purchases")"#),
    ("port", Form::Number, "port = 8081"),
    ("order", Form::Flag, "order"),
    ("supporting", Form::Flag, "supporting"),
    ("generic", Form::Flag, "generic"),
    ("id", Form::Items, "id(order_id: Id<Order>)"),
    ("id_aliases", Form::Texts, r#"id_aliases("orderId")"#),
    ("index", Form::Items, "index(status, user_id, city = self.address.city())"),
    ("unique", Form::Items, "unique(plate)"),
    ("lifecycle", Form::Expr, "lifecycle = self.progress.lifecycle()"),
    ("old_versions", Form::Types, "old_versions(Version1, Version2)"),
    ("index_version", Form::Number, "index_version = 2"),
    ("catalogue", Form::Flag, "catalogue"),
];

/// What may be said of one of its fields.
const FIELD: &[Known] = &[
    ("hidden", Form::Flag, "hidden"),
    ("exists", Form::Flag, "exists"),
    ("withdrawn", Form::Flag, "withdrawn"),
    ("since", Form::Number, "since = 2"),
    ("ends", Form::FlagOrItems, "ends(by = refusal_of)"),
    ("shown", Form::Items, "shown(city: String = self.address.city())"),
    ("correctable", Form::FlagOrItems, "correctable(unless = self.held_by.is_some())"),
];

/// A field of the representation.
struct Column {
    attributes: Vec<Attribute>,
    name: Ident,
    of: Type,
    value: TokenStream,
}

pub fn expand(args: TokenStream, item: &mut ItemStruct) -> Result<TokenStream> {
    let Fields::Named(fields) = &mut item.fields else {
        return Err(Error::new_spanned(&item.ident, "an entity is a struct with named fields"));
    };
    let marks: Vec<_> =
        fields.named.iter_mut().map(|field| take_marks(&mut field.attrs, FIELD)).collect();
    let args = Args::read(args, ENTITY)?;
    let marks = marks.into_iter().collect::<Result<Vec<_>>>()?;

    let mut columns = args.items("id").iter().map(own_number).collect::<Result<Vec<_>>>()?;
    let mut exists = None;
    let mut withdrawn = None;
    let mut ends = None;
    let mut correctable = Vec::new();
    for (field, marks) in fields.named.iter().zip(&marks) {
        let Some(name) = &field.ident else { continue };
        if let Some(second) = marks.span("exists").filter(|_| exists.is_some()) {
            return Err(Error::new(second, "only one field says whether the entity exists"));
        }
        if let Some(second) = marks.span("ends").filter(|_| ends.is_some()) {
            return Err(Error::new(second, "only one field says how the entity ended"));
        }
        if marks.has("ends") {
            ends = Some(ending(name, marks)?);
        }
        exists = exists.or(marks.has("exists").then(|| name.clone()));
        let docs = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
        let docs: Vec<_> = docs.cloned().collect();
        if let Some(at) = marks.span("withdrawn") {
            if withdrawn.replace(name.clone()).is_some() {
                return Err(Error::new(at, "only one field says whether the entity is withdrawn"));
            }
            if let Some(at) = marks.span("correctable") {
                let why = "what withdraws is not corrected: staff withdraws and restores";
                return Err(Error::new(at, why));
            }
            columns.push(withdrawal(name, docs));
            continue;
        }
        if marks.has("shown") {
            for shown in marks.items("shown") {
                let mut column = computed(shown, name)?;
                if marks.items("shown").len() == 1 && column.attributes.is_empty() {
                    column.attributes.clone_from(&docs);
                }
                columns.push(column);
            }
        } else if !marks.has("hidden") && !marks.has("ends") {
            let attributes = docs.clone();
            let value = quote!(Clone::clone(&self.#name));
            columns.push(Column { attributes, name: name.clone(), of: field.ty.clone(), value });
        }
        if marks.has("correctable") {
            let shown = columns.last().filter(|_| marks.items("shown").len() == 1);
            correctable.push(Correctable {
                shown_as: shown.map_or(name, |column| &column.name).clone(),
                docs: shown.map_or(docs, |column| column.attributes.clone()),
                field: name.clone(),
                of: field.ty.clone(),
                unless: catalogue::unless(marks)?,
            });
        }
    }
    if let (None, [first, ..]) = (&withdrawn, correctable.as_slice()) {
        let why = "what staff corrects, staff withdraws: a flag with `#[withdrawn]` is missing";
        return Err(Error::new_spanned(&first.field, why));
    }
    let has_status =
        fields.named.iter().any(|field| field.ident.as_ref().is_some_and(|name| name == "status"));
    let lifecycle = match (args.expr("lifecycle"), exists) {
        (Some(expr), _) => quote!(#expr),
        (None, Some(field)) => quote!(::holdfast::domain::Lifecycle::of(&self.#field)),
        (None, None) if has_status => quote!(self.status.lifecycle()),
        (None, None) => {
            let ways = "what says whether it exists? A field `status`, a field with `#[exists]`, or `lifecycle = ..`";
            return Err(Error::new_spanned(&item.ident, ways));
        }
    };
    let lifecycle = match withdrawn {
        Some(field) if !args.has("lifecycle") => {
            quote!(::holdfast::domain::Lifecycle::withdrawn_if(#lifecycle, self.#field))
        }
        _ => lifecycle,
    };
    let lifecycle = match ends {
        Some(refusal) => quote! {
            match #refusal {
                Some(refusal) => ::holdfast::domain::Lifecycle::Ended(refusal),
                None => #lifecycle,
            }
        },
        None => lifecycle,
    };
    let versions = versions::read(&args, item, &marks)?;
    let is_order = args.has("order") && !args.has("supporting") && !args.has("generic");
    let outcome = (is_order && has_status).then(|| {
        quote! {
            fn outcome(&self) -> ::holdfast::domain::OrderOutcome {
                self.status.outcome(&::holdfast::domain::Entity::lifecycle(self))
            }
        }
    });
    let lifecycle =
        quote!(fn lifecycle(&self) -> ::holdfast::domain::Lifecycle { #lifecycle } #outcome);
    let entity = implementation(&args, item, &columns, &lifecycle, &versions)?;
    let own_number = args.items("id").first().map(|own| &own.name);
    let corrections =
        catalogue::corrections(item, own_number, &correctable, args.span("catalogue"))?;
    Ok(quote!(#entity #corrections))
}

fn implementation(
    args: &Args,
    item: &ItemStruct,
    columns: &[Column],
    lifecycle: &TokenStream,
    versions: &Versions,
) -> Result<TokenStream> {
    let name = &item.ident;
    let vis = &item.vis;
    let representation = format_ident!("{name}Representation");
    let place = place(args, name.span())?;
    let consts = consts(args, versions)?;
    let title = args.text("title").map_or_else(|| name.to_string(), syn::LitStr::value);
    let attributes = columns.iter().map(|column| &column.attributes);
    let names: Vec<_> = columns.iter().map(|column| &column.name).collect();
    let types = columns.iter().map(|column| &column.of);
    let values = columns.iter().map(|column| &column.value);
    let indexed =
        |key: &str| args.items(key).iter().map(|item| key_of(item, columns)).collect::<Vec<_>>();
    let index = indexed("index");
    let unique = indexed("unique");
    let addresses = args.items("unique").iter().map(|field| address_of(field, vis));
    let id_aliases = args
        .items("id")
        .iter()
        .map(|own| camel_case(&own.name))
        .chain(args.texts("id_aliases").iter().map(syn::LitStr::value));
    let old = &versions.arms;
    let docs = item.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
    Ok(quote! {
        #[derive(Debug, Clone, Default, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #item

        #(#docs)*
        #[derive(Debug, ::serde::Serialize, ::schemars::JsonSchema)]
        #[serde(rename_all = "camelCase")]
        #[schemars(rename = #title)]
        #[allow(missing_docs)]
        #vis struct #representation { #(#(#attributes)* pub #names: #types),* }

        #[allow(dead_code)]
        impl #name { #(#addresses)* }

        impl ::holdfast::domain::Entity for #name {
            const NAME: ::holdfast::domain::Name = #place;
            #consts
            type Representation = #representation;

            fn represent(&self, id: ::holdfast::domain::Id<Self>) -> #representation {
                let _ = id;
                #representation { #(#names: #values),* }
            }
            #lifecycle
            fn indexes(&self) -> Vec<(&'static str, ::holdfast::domain::Key)> {
                vec![#(#unique,)* #(#index),*]
            }
            fn unique(&self) -> Vec<(&'static str, ::holdfast::domain::Key)> {
                vec![#(#unique),*]
            }
            fn id_aliases() -> &'static [&'static str] {
                &[#(#id_aliases),*]
            }
            fn old_state<D: ::holdfast::domain::Decoder>(
                version: u16,
                record: D,
            ) -> Result<Self, ::holdfast::domain::Undecodable> {
                let _ = &record;
                match version {
                    #(#old)*
                    version => Err(::holdfast::domain::Undecodable::Version(version)),
                }
            }
        }
    })
}

/// Its place among the contexts and in the path.
fn place(args: &Args, whole: Span) -> Result<TokenStream> {
    let missing =
        |key: &str| Error::new(whole, format!("`{key} = \"..\"` is missing in `#[entity(..)]`"));
    let context = args.text("context").ok_or_else(|| missing("context"))?;
    let collection = args.text("collection").ok_or_else(|| missing("collection"))?;
    let korean = args.text("korean").ok_or_else(|| missing("korean"))?;
    let text = context.value();
    let Some((system, short)) =
        text.split_once('.').filter(|(system, short)| !system.is_empty() && !short.is_empty())
    else {
        return Err(Error::new(
            context.span(),
            "a context is named with its system: \"shop.order\"",
        ));
    };
    let item = args.text("item").map_or_else(|| short.to_owned(), syn::LitStr::value);
    Ok(quote! {
        ::holdfast::domain::Name {
            system: #system,
            context: #context,
            collection: #collection,
            item: #item,
            korean: #korean,
        }
    })
}

fn consts(args: &Args, versions: &Versions) -> Result<TokenStream> {
    if let (true, Some(second)) = (args.has("supporting"), args.span("generic")) {
        return Err(Error::new(second, "a context is `supporting`, `generic`, or neither: core"));
    }
    let mut consts = TokenStream::new();
    if args.has("order") {
        consts.extend(quote!(
            const IS_ORDER: bool = true;
        ));
    }
    if args.has("supporting") {
        consts.extend(quote!(
            const SUBDOMAIN: ::holdfast::domain::Subdomain =
                ::holdfast::domain::Subdomain::Supporting;
        ));
    }
    if args.has("generic") {
        consts.extend(quote!(
            const SUBDOMAIN: ::holdfast::domain::Subdomain = ::holdfast::domain::Subdomain::Generic;
        ));
    }
    if let Some(port) = args.number("port") {
        number(port)?;
        consts.extend(quote!(const PORT: Option<u16> = Some(#port);));
    }
    if let Some(version) = args.number("index_version") {
        number(version)?;
        consts.extend(quote!(const INDEX_VERSION: u16 = #version;));
    }
    let aliases = args.texts("aliases");
    if !aliases.is_empty() {
        consts.extend(quote!(const ALIASES: &'static [&'static str] = &[#(#aliases),*];));
    }
    let current = versions.current;
    if current > 1 {
        consts.extend(quote!(const STATE_VERSION: u16 = #current;));
    }
    Ok(consts)
}

/// The entity's own number, as one of its fields.
fn own_number(own: &Item) -> Result<Column> {
    let why = "the entity's own number is named with its type: `id(order_id: Id<Order>)`";
    let of = own.of.clone().ok_or_else(|| Error::new(own.name.span(), why))?;
    Ok(Column { attributes: own.docs.clone(), name: own.name.clone(), of, value: quote!(id.of()) })
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
fn key_of(item: &Item, columns: &[Column]) -> TokenStream {
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

/// The function that addresses the thing with a value of a unique field.
fn address_of(field: &Item, vis: &syn::Visibility) -> TokenStream {
    let wire = camel_case(&field.name);
    let function = format_ident!("with_{}", field.name, span = field.name.span());
    let doc = format!("The one whose `{wire}` is this.");
    quote! {
        #[doc = #doc]
        #vis fn #function(
            value: impl Into<::holdfast::domain::Key>,
        ) -> ::holdfast::domain::Address<Self> {
            ::holdfast::domain::Address::with_key(#wire, value)
        }
    }
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
