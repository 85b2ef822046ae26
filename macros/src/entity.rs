//! `#[entity]`

use crate::{
    args::{Args, Form, Item, Known, take_marks},
    catalogue,
    columns::{Column, camel_case, key_of, own_number},
    fields::{FIELD, MarkedFields},
    versions::{self, Versions, number},
};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Expr, Fields, Ident, ItemStruct, Result};

/// What may be said of an entity.
const ENTITY: &[Known] = &[
    ("context", Form::Text, r#"context = "shop.order""#),
    ("collection", Form::Text, r#"collection = "orders""#),
    ("korean", Form::Text, r#"korean = "주문""#),
    ("reads", Form::Expr, "reads = owner"),
    ("item", Form::Text, r#"item = "order""#),
    ("title", Form::Text, r#"title = "ShopOrder""#),
    ("aliases", Form::Texts, r#"aliases("purchases")"#),
    ("port", Form::Number, "port = 8081"),
    ("order", Form::Flag, "order"),
    ("supporting", Form::Flag, "supporting"),
    ("generic", Form::Flag, "generic"),
    ("id", Form::Items, "id(order_id: Id<Order>)"),
    ("personal", Form::Items, "personal(customer_id)"),
    ("id_aliases", Form::Texts, r#"id_aliases("orderId")"#),
    ("index", Form::Items, "index(status, user_id, city = self.address.city())"),
    ("unique", Form::Items, "unique(plate)"),
    ("lifecycle", Form::Expr, "lifecycle = self.progress.lifecycle()"),
    ("old_versions", Form::Types, "old_versions(Version1, Version2)"),
    ("index_version", Form::Number, "index_version = 2"),
    ("catalogue", Form::Flag, "catalogue"),
    ("holds", Form::Expr, "holds = self.is_driving().then_some(self.car_id)"),
    ("held_by", Form::Expr, "held_by = self.trip_id"),
    ("owner", Form::Expr, "owner = self.user_id"),
    ("debit", Form::Items, "debit(paid = self.amount, stock = (self.product_id, 1))"),
    ("credit", Form::Items, "credit(paid = self.is_placed().then_some(self.amount))"),
];

pub fn expand(args: TokenStream, item: &mut ItemStruct) -> Result<TokenStream> {
    let Fields::Named(fields) = &mut item.fields else {
        return Err(Error::new_spanned(&item.ident, "an entity is a struct with named fields"));
    };
    let marks: Vec<_> =
        fields.named.iter_mut().map(|field| take_marks(&mut field.attrs, FIELD)).collect();
    let args = Args::read(args, ENTITY)?;
    let marks = marks.into_iter().collect::<Result<Vec<_>>>()?;
    let own = args.items("id").iter().map(own_number).collect::<Result<Vec<_>>>()?;
    let fields = MarkedFields::read(fields, &marks)?;
    let lifecycle = lifecycle(&args, &item.ident, &fields)?;
    let versions = versions::read(&args, item, &marks)?;
    let columns: Vec<_> = own.into_iter().chain(fields.columns).collect();
    let entity = implementation(&args, item, &columns, &lifecycle, &versions)?;
    let number = args.items("id").first().map(|own| &own.name);
    let corrections =
        catalogue::corrections(item, number, &fields.correctable, args.span("catalogue"))?;
    Ok(quote!(#entity #corrections))
}

/// The functions that say whether there is such a thing, and how an order has ended.
fn lifecycle(args: &Args, name: &Ident, fields: &MarkedFields) -> Result<TokenStream> {
    let lifecycle = match (args.expr("lifecycle"), &fields.exists) {
        (Some(expr), _) => quote!(#expr),
        (None, Some(field)) => quote!(::holdfast::domain::Lifecycle::of(&self.#field)),
        (None, None) if fields.has_status => quote!(self.status.lifecycle()),
        (None, None) => {
            let ways = "what says whether it exists? A field `status`, a field with `#[exists]`, or `lifecycle = ..`";
            return Err(Error::new_spanned(name, ways));
        }
    };
    let lifecycle = match &fields.withdrawn {
        Some(field) if !args.has("lifecycle") => {
            quote!(::holdfast::domain::Lifecycle::withdrawn_if(#lifecycle, self.#field))
        }
        _ => lifecycle,
    };
    let lifecycle = match &fields.ends {
        Some(refusal) => quote! {
            match #refusal {
                Some(refusal) => ::holdfast::domain::Lifecycle::Ended(refusal),
                None => #lifecycle,
            }
        },
        None => lifecycle,
    };
    let is_order = args.has("order") && !args.has("supporting") && !args.has("generic");
    let outcome = (is_order && fields.has_status).then(|| {
        quote! {
            fn outcome(&self) -> ::holdfast::domain::OrderOutcome {
                self.status.outcome(&::holdfast::domain::Entity::lifecycle(self))
            }
        }
    });
    Ok(quote!(fn lifecycle(&self) -> ::holdfast::domain::Lifecycle { #lifecycle } #outcome))
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
    let reads = reads(args, name.span(), columns)?;
    let personal = args.items("personal").iter().map(|field| camel_case(&field.name));
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
    let invariants = invariants(args)?;
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
            const READS: ::holdfast::domain::Reads = #reads;
            const PERSONAL: &'static [&'static str] = &[#(#personal),*];
            #consts
            type Representation = #representation;

            fn represent(&self, id: ::holdfast::domain::Id<Self>) -> #representation {
                let _ = id;
                #representation { #(#names: #values),* }
            }
            #lifecycle
            #invariants
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

/// What must hold between it and other contexts, and whose it is, where that is declared.
fn invariants(args: &Args) -> Result<TokenStream> {
    let holds = args.expr("holds").map(|thing| {
        quote! {
            fn holds(&self) -> Option<(::holdfast::domain::Name, ::holdfast::domain::Key)> {
                (#thing).map(|thing| ::holdfast::domain::Address::from(thing).place())
            }
        }
    });
    let held_by = args.expr("held_by").map(|holder| {
        quote! {
            fn held_by(&self) -> Option<(::holdfast::domain::Name, ::holdfast::domain::Key)> {
                (#holder).map(|order| ::holdfast::domain::Address::from(order).place())
            }
        }
    });
    let owner = args.expr("owner").map(|owner| {
        quote! {
            fn owner(&self, id: ::holdfast::domain::Id<Self>) -> Option<::std::sync::Arc<str>> {
                let _ = id;
                ::holdfast::domain::Key::from(#owner).as_customer()
            }
        }
    });
    let entries = ["debit", "credit"].into_iter().flat_map(|side| {
        args.items(side).iter().map(move |item| {
            let Item { name, value: Some(amount), .. } = item else {
                let words = format!("write `{side}({} = an amount)`", item.name);
                return Err(Error::new(item.name.span(), words));
            };
            let sum = name.to_string();
            let side = Ident::new(side, name.span());
            Ok(quote!(::holdfast::domain::Entry::#side(#sum, id, #amount)))
        })
    });
    let entries = entries.collect::<Result<Vec<_>>>()?;
    let balances = (!entries.is_empty()).then(|| {
        quote! {
            fn balances(&self, id: ::holdfast::domain::Id<Self>) -> Vec<::holdfast::domain::Entry> {
                vec![#(#entries),*]
            }
        }
    });
    Ok(quote!(#holds #held_by #owner #balances))
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

/// Who may read it.
fn reads(args: &Args, whole: Span, columns: &[Column]) -> Result<TokenStream> {
    const WAYS: &str =
        "who may read it: `reads = public`, `owner`, `staff`, or `public_without(field, ..)`";
    let Some(declared) = args.expr("reads") else {
        return Err(Error::new(
            whole,
            format!("`reads = ..` is missing in `#[entity(..)]`; {WAYS}"),
        ));
    };
    let wrong = || Error::new_spanned(declared, WAYS);
    let reads = match declared {
        Expr::Path(path) if path.path.is_ident("public") => quote!(Public),
        Expr::Path(path) if path.path.is_ident("owner") => quote!(Owner),
        Expr::Path(path) if path.path.is_ident("staff") => quote!(Staff),
        Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("public_without")) =>
        {
            let fields = call.args.iter().map(|field| {
                let Expr::Path(path) = field else { return Err(wrong()) };
                let name = path.path.get_ident().ok_or_else(wrong)?;
                let is_shown = columns.iter().any(|column| column.name == *name);
                is_shown
                    .then(|| camel_case(name))
                    .ok_or_else(|| Error::new(name.span(), "no field of this name is shown"))
            });
            let fields = fields.collect::<Result<Vec<_>>>()?;
            quote!(PublicWithout(&[#(#fields),*]))
        }
        _ => return Err(wrong()),
    };
    Ok(quote!(::holdfast::domain::Reads::#reads))
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
