//! `#[command]`, `#[event]`, `#[value]` and `#[body]`: data that travels.

use crate::{
    args::{Args, Form, Known, take_marks},
    catalogue::{self, EVENT},
    columns::camel_case,
};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Error, Expr, Field, Fields, FieldsNamed, FieldsUnnamed, GenericArgument, Ident, Item, ItemEnum,
    ItemStruct, LitStr, PathArguments, Result, Token, Type, Variant, parse_quote,
};

/// What may be said of a member of a body.
const MEMBER: &[Known] = &[
    ("blank_is_none", Form::Flag, "blank_is_none"),
    ("subject", Form::Flag, "subject"),
    ("grade", Form::Flag, "grade"),
];

/// What may be said of one of the commands.
const COMMAND: &[Known] = &[
    ("undo", Form::Items, "undo(of = order, attempt = ONLY_ATTEMPT)"),
    ("catalogue", Form::Flag, "catalogue"),
];

fn derives() -> TokenStream {
    quote! {
        #[derive(
            Debug, Clone, PartialEq,
            ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema, ::strum::AsRefStr,
        )]
        #[allow(missing_docs)]
    }
}

pub fn command(args: TokenStream, item: &mut ItemEnum) -> Result<TokenStream> {
    let marks: Vec<_> =
        item.variants.iter_mut().map(|variant| take_marks(&mut variant.attrs, COMMAND)).collect();
    Args::read(args, &[])?;
    let mut undone = Vec::new();
    let mut functions = Vec::new();
    let mut conversions = Vec::new();
    for (variant, marks) in item.variants.iter_mut().zip(marks) {
        let marks = marks?;
        if let Some(undo) = undo(&item.ident, variant, &marks)? {
            undone.push(undo.0);
            functions.push(undo.1);
        }
        if marks.has("catalogue") {
            conversions.push(maintenance(&item.ident, variant)?);
            // On the board and in the log it has the name of what is asked.
            variant.attrs.push(parse_quote!(#[strum(transparent)]));
            catalogue::document(&mut variant.attrs, " Staff corrects, withdraws or restores it.");
        }
    }
    let derives = derives();
    let name = &item.ident;
    Ok(quote! {
        #derives
        #item
        impl ::holdfast::domain::Commands for #name {
            fn compensates(&self) -> Option<::holdfast::domain::AskId> {
                match self {
                    #(#undone)*
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }
        }
        #[allow(dead_code)]
        impl #name { #(#functions)* }
        #(#conversions)*
    })
}

/// The command that carries what staff asks of a thing of a catalogue.
fn maintenance(command: &Ident, variant: &Variant) -> Result<TokenStream> {
    let Fields::Unnamed(FieldsUnnamed { unnamed, .. }) = &variant.fields else {
        return Err(Error::new_spanned(variant, MAINTENANCE));
    };
    let (Some(field), 1) = (unnamed.first(), unnamed.len()) else {
        return Err(Error::new_spanned(variant, MAINTENANCE));
    };
    let of = &field.ty;
    let ident = &variant.ident;
    Ok(quote! {
        impl From<#of> for #command {
            fn from(asked: #of) -> Self {
                Self::#ident(asked)
            }
        }
    })
}

const MAINTENANCE: &str = "what staff asks is one value: `Maintain(Maintenance<Correction>)`";

/// The arm of `compensates` for a variant that is an undo, and the function that makes the undo.
fn undo(
    command: &Ident,
    variant: &Variant,
    marks: &Args,
) -> Result<Option<(TokenStream, TokenStream)>> {
    let Some(at) = marks.span("undo") else { return Ok(None) };
    let items = marks.items("undo");
    let value =
        |key: &str| items.iter().find(|item| item.name == key).and_then(|item| item.value.as_ref());
    let (Some(of), Some(attempt), 2) = (value("of"), value("attempt"), items.len()) else {
        return Err(Error::new(
            at,
            "an undo says whose ask it takes back, and which: `undo(of = order, attempt = ONLY_ATTEMPT)`",
        ));
    };
    let Fields::Named(FieldsNamed { named, .. }) = &variant.fields else {
        return Err(Error::new_spanned(
            &variant.ident,
            "an undo has a field with the number of the asker",
        ));
    };
    let field = named.iter().find(|field| {
        matches!(of, syn::Expr::Path(path) if field.ident.as_ref().is_some_and(|name| path.path.is_ident(name)))
    });
    let Some(asker) = field.and_then(|field| id_of(&field.ty)) else {
        return Err(Error::new_spanned(
            of,
            "`of` names a field of this variant whose type is the asker's `Id<..>`",
        ));
    };
    let ident = &variant.ident;
    let names: Vec<_> = named.iter().filter_map(|field| field.ident.clone()).collect();
    let types = named.iter().map(|field| &field.ty);
    let function = Ident::new(&snake_case(ident), ident.span());
    let doc = format!("[`{command}::{ident}`], as the undo of an ask.");
    let arm = quote! {
        Self::#ident { #(#names),* } => {
            #(let #names = ::core::clone::Clone::clone(#names);)*
            #(let _ = &#names;)*
            Some(::holdfast::domain::AskId::of(#of, #attempt))
        }
    };
    let make = quote! {
        #[doc = #doc]
        pub fn #function(#(#names: #types),*) -> ::holdfast::domain::Undo<#asker, Self> {
            let attempt = #attempt;
            ::holdfast::domain::Undo::new(Self::#ident { #(#names),* }, #of, attempt)
        }
    };
    Ok(Some((arm, make)))
}

/// The `T` of an `Id<T>`.
pub fn id_of(of: &Type) -> Option<&Type> {
    let Type::Path(path) = of else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Id")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(of) => Some(of),
        _ => None,
    }
}

pub fn snake_case(name: &Ident) -> String {
    let mut snake = String::new();
    for letter in name.to_string().chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

pub fn event(args: TokenStream, item: &mut ItemEnum) -> Result<TokenStream> {
    let marks: Vec<_> =
        item.variants.iter_mut().map(|variant| take_marks(&mut variant.attrs, EVENT)).collect();
    Args::read(args, &[])?;
    let marks = marks.into_iter().collect::<Result<Vec<_>>>()?;
    let catalogue = catalogue::events(item, &marks)?;
    let derives = derives();
    Ok(quote! {
        #derives
        #[serde(rename_all_fields = "camelCase")]
        #[allow(clippy::enum_variant_names)]
        #item
        #catalogue
    })
}

pub fn value(args: TokenStream, item: &Item) -> Result<TokenStream> {
    let args = Args::read(args, &[("title", Form::Text, r#"title = "RegisterBook""#)])?;
    let case = match item {
        Item::Struct(_) => Some(quote!(#[serde(rename_all = "camelCase")])),
        Item::Enum(_) => None,
        other => {
            return Err(Error::new_spanned(other, "this attribute is for a struct or an enum"));
        }
    };
    let title = args.text("title").map(|title| quote!(#[schemars(rename = #title)]));
    Ok(quote! {
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema)]
        #case #title
        #[allow(missing_docs)]
        #item
    })
}

pub fn body(args: TokenStream, item: &mut Item) -> Result<TokenStream> {
    let Item::Struct(ItemStruct { ident, fields, .. }) = &mut *item else {
        return value(args, item);
    };
    let name = ident.clone();
    let mut texts = Vec::new();
    let mut customer = Customer::default();
    for field in fields.iter_mut() {
        let marks = take_marks(&mut field.attrs, MEMBER)?;
        let Some(ident) = field.ident.clone() else { continue };
        let member = wire_name(field, &ident)?;
        customer.read(&marks, &member)?;
        texts.extend(text_rule(field, &marks, &member)?);
    }
    let named = customer.into_consts()?;
    let item = value(args, item)?;
    Ok(quote! {
        #item
        impl ::holdfast::domain::Body for #name {
            const TEXTS: &'static [(&'static str, ::holdfast::domain::Blank)] = &[#(#texts),*];
            #named
        }
    })
}

/// What a blank text in `field` means, where it is a text.
fn text_rule(field: &mut Field, marks: &Args, member: &str) -> Result<Option<TokenStream>> {
    let blank = match (marks.span("blank_is_none"), Text::of(&field.ty)) {
        (Some(mark), None) => return Err(Error::new(mark, "only a text can be blank")),
        (None, None) => return Ok(None),
        (Some(mark), Some(Text::Required)) => {
            let why = "a blank text is none only where there may be none: `Option<String>`";
            return Err(Error::new(mark, why));
        }
        (Some(_), Some(Text::Optional)) => quote!(IsNone),
        (None, Some(_)) => {
            field.attrs.push(parse_quote!(#[schemars(length(min = 1), regex(pattern = r"\S"))]));
            quote!(Refused)
        }
    };
    Ok(Some(quote!((#member, ::holdfast::domain::Blank::#blank))))
}

/// The members of a body that say whose the thing is to be.
#[derive(Default)]
struct Customer {
    subject: Option<String>,
    grade: Option<(String, Span)>,
}

impl Customer {
    fn read(&mut self, marks: &Args, member: &str) -> Result<()> {
        if let Some(at) = marks.span("subject")
            && self.subject.replace(member.to_owned()).is_some()
        {
            return Err(Error::new(at, "another member names the customer already"));
        }
        if let Some(at) = marks.span("grade")
            && self.grade.replace((member.to_owned(), at)).is_some()
        {
            return Err(Error::new(at, "another member is the customer's grade already"));
        }
        Ok(())
    }

    fn into_consts(self) -> Result<TokenStream> {
        let Self { subject, grade } = self;
        let Some(subject) = subject else {
            let why = "a grade is that of the customer whom a member with `#[subject]` names";
            return grade.map_or(Ok(TokenStream::new()), |(_, at)| Err(Error::new(at, why)));
        };
        let grade =
            grade.map(|(grade, _)| quote!(const GRADE: Option<&'static str> = Some(#grade);));
        Ok(quote! {
            const SUBJECT: Option<&'static str> = Some(#subject);
            #grade
        })
    }
}

/// A member that is a text.
enum Text {
    Required,
    Optional,
}

impl Text {
    fn of(of: &Type) -> Option<Self> {
        let Type::Path(path) = of else { return None };
        let last = path.path.segments.last()?;
        match &last.arguments {
            PathArguments::None if last.ident == "String" => Some(Self::Required),
            PathArguments::AngleBracketed(inner) if last.ident == "Option" => {
                match inner.args.first()? {
                    GenericArgument::Type(of) => Self::of(of).map(|_| Self::Optional),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The name of a member in JSON.
fn wire_name(field: &Field, ident: &Ident) -> Result<String> {
    let mut name = None;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<LitStr>()?.value());
            } else if meta.input.peek(Token![=]) {
                meta.value()?.parse::<Expr>()?;
            }
            Ok(())
        })?;
    }
    Ok(name.unwrap_or_else(|| camel_case(ident)))
}
