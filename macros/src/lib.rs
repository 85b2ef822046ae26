//! The attributes that a context file is declared with. Each stands on a plain item, so that rustfmt and
//! go-to-definition see what is written, and derives from it what a context would otherwise repeat.
//!
//! What an attribute takes is one table in its file: a new key is one line there, and its use.

mod args;
mod catalogue;
mod columns;
mod entity;
mod fields;
mod message;
mod modules;
mod status;
mod versions;

use proc_macro::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, parse_macro_input};

/// What was made of `item`, or the item as it is and why not: so that the rest of the file means what it did.
fn finish(item: &impl ToTokens, made: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    made.unwrap_or_else(|error| {
        let why = Error::into_compile_error(error);
        quote!(#item #why)
    })
    .into()
}

/// The state of a context: what is stored, and from it its place, its representation and what lists filter by.
///
/// `context` and `collection` are needed. A field is shown under its name unless it is `#[hidden]`, or
/// `#[shown(name: Type = value)]` says what is shown in its place; without a value it is the field of that name in it.
/// `index(..)` and `unique(..)` name what is shown, or a field. Whether the entity exists follows from a field `status`
/// (see [`macro@status`]), by a field with `#[exists]`, or by `lifecycle = ..`. A flag with `#[withdrawn]` withdraws it: it is
/// shown, when it is true, to those who know the number, and is in no list.
///
/// `old_versions(..)` names the frozen types of the versions before; a field with `#[since = 2]` was not yet in version 1,
/// whose states are read with its default.
///
/// A field `Option<Refusal>` with `#[ends]` says that an order was never established, and why; it is not shown. So does the
/// code of the refusal, with `#[ends(by = refusal_of)]`: the refusal is `refusal_of(code)`.
/// `reads = ..` says who may read it, and has no default: `public`, `owner`, `staff`, or `public_without(field, ..)`.
/// `unique(plate)` also makes `with_plate(..)`, the address of the thing with that plate.
///
/// `#[correctable]` on the fields of a `Book` that staff may correct makes `CorrectedBook`, the value that the event of a
/// correction carries, and `take_over(corrected)`. With `catalogue` it also makes `CorrectBook`, the body of the `PATCH`, and
/// `impl Catalogue`, which refuses a field where `#[correctable(unless = self.held_by.is_some())]` says that an order holds
/// it; without it a context writes both by hand.
///
/// What must hold between contexts: `holds = ..` is the thing that an order has, `held_by = ..` the order that has a thing.
/// `debit(paid = ..)` and `credit(paid = ..)` are what it adds to, and takes from, a sum that comes out even: the one of its own
/// number, or, with `(number, amount)`, that of another.
#[proc_macro_attribute]
pub fn entity(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = parse_macro_input!(item as syn::ItemStruct);
    let made = entity::expand(args.into(), &mut item);
    finish(&item, made)
}

/// How far an entity has come: the first variant is that of a new one. `#[absent]`, `#[open]` and `#[ended(refusal)]` say
/// what there is of it then, `#[failed]` and `#[canceled]` how an order has ended that is still shown; `#[name = ".."]` is a variant's name on the wire, `#[shown_as(Other)]` lets it look like another.
#[proc_macro_attribute]
pub fn status(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = parse_macro_input!(item as syn::ItemEnum);
    let made = status::expand(args.into(), &mut item);
    finish(&item, made)
}

/// The commands of a context. `#[undo(of = order, attempt = 1)]` on a variant says which ask it takes back; the undo is made
/// by a function with the variant's name in small letters. `#[catalogue] Maintain(Maintenance<Correction>)` is what staff may
/// ask of a thing that it registers.
#[proc_macro_attribute]
pub fn command(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = parse_macro_input!(item as syn::ItemEnum);
    let made = message::command(args.into(), &mut item);
    finish(&item, made)
}

/// The events of a context. Their fields have the names of JSON: `user_id` travels as `userId`. Those of a catalogue say what
/// staff has done: `#[corrected] BookCorrected(CorrectedBook)`, `#[withdrawn] BookWithdrawn { book_id: Id<Book> }` and
/// `#[restored]`.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = parse_macro_input!(item as syn::ItemEnum);
    let made = message::event(args.into(), &mut item);
    finish(&item, made)
}

/// A value that commands and events carry.
#[proc_macro_attribute]
pub fn value(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::Item);
    let made = message::value(args.into(), &item);
    finish(&item, made)
}

/// The body of a request, or a choice in one. A text in a body may be left out where it is optional, but it is not blank;
/// `#[blank_is_none]` on an optional one takes a blank text for none. `#[subject]` is the member that names the customer whose
/// the thing is to be, and `#[grade]` the one with that customer's grade: a customer may leave out what their credentials say,
/// and may not say otherwise.
#[proc_macro_attribute]
pub fn body(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = parse_macro_input!(item as syn::Item);
    let made = message::body(args.into(), &mut item);
    finish(&item, made)
}

/// `modules!("src/systems/mod.rs" => list)` calls the macro `list` with the names of the `pub mod` lines of that file
/// whose modules are folders, in the order of the lines. So a list of modules is written once, where rustfmt follows it.
#[proc_macro]
pub fn modules(input: TokenStream) -> TokenStream {
    modules::expand(input.into()).unwrap_or_else(Error::into_compile_error).into()
}
