//! Arguments of attributes, read by a table of the keys that there are.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Attribute, Error, Expr, Ident, LitInt, LitStr, Result, Token, Type, parenthesized,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

/// What follows a key.
#[derive(Clone, Copy)]
pub enum Form {
    /// Nothing.
    Flag,
    /// `= "text"`
    Text,
    /// `= 8080`
    Number,
    /// `= an expression`
    Expr,
    /// `(an expression)`
    Call,
    /// `("text", "text")`
    Texts,
    /// `(Type, Type)`
    Types,
    /// `(name, name = an expression, name: Type, name: Type = an expression)`
    Items,
    /// Nothing, or the same.
    FlagOrItems,
}

/// A key, its form, and an example of it.
pub type Known = (&'static str, Form, &'static str);

/// One entry of a list.
pub struct Item {
    pub docs: Vec<Attribute>,
    pub name: Ident,
    pub of: Option<Type>,
    pub value: Option<Expr>,
}

enum Value {
    Flag,
    Text(LitStr),
    Number(LitInt),
    Expr(Expr),
    Texts(Vec<LitStr>),
    Types(Vec<Type>),
    Items(Vec<Item>),
}

/// The arguments that were given.
pub struct Args(Vec<(&'static str, Span, Value)>);

impl Args {
    /// Reads `tokens`: keys of `table`, separated by commas.
    pub fn read(tokens: TokenStream, table: &[Known]) -> Result<Self> {
        let read = |input: ParseStream<'_>| {
            let mut args = Self(Vec::new());
            while !input.is_empty() {
                let (name, span, value) = argument(input, table)?;
                if args.has(name) {
                    return Err(Error::new(span, format!("`{name}` is given twice")));
                }
                args.0.push((name, span, value));
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(args)
        };
        read.parse2(tokens)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, ..)| *known == name).map(|(.., value)| value)
    }
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }
    /// Where a key was given.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.0.iter().find(|(known, ..)| *known == name).map(|(_, span, _)| *span)
    }
    pub fn text(&self, name: &str) -> Option<&LitStr> {
        if let Value::Text(text) = self.value(name)? { Some(text) } else { None }
    }
    pub fn number(&self, name: &str) -> Option<&LitInt> {
        if let Value::Number(number) = self.value(name)? { Some(number) } else { None }
    }
    pub fn expr(&self, name: &str) -> Option<&Expr> {
        if let Value::Expr(expr) = self.value(name)? { Some(expr) } else { None }
    }
    pub fn texts(&self, name: &str) -> &[LitStr] {
        if let Some(Value::Texts(texts)) = self.value(name) { texts } else { &[] }
    }
    pub fn types(&self, name: &str) -> &[Type] {
        if let Some(Value::Types(types)) = self.value(name) { types } else { &[] }
    }
    pub fn items(&self, name: &str) -> &[Item] {
        if let Some(Value::Items(items)) = self.value(name) { items } else { &[] }
    }
}

fn argument(input: ParseStream<'_>, table: &[Known]) -> Result<(&'static str, Span, Value)> {
    let key: Ident = input.parse()?;
    let Some((name, form, example)) = table.iter().find(|(name, ..)| key == name) else {
        let all: Vec<_> = table.iter().map(|(name, ..)| *name).collect();
        let known = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        return Err(Error::new(key.span(), format!("no key `{key}`; there are: {known}")));
    };
    // At the end of the arguments there is no token to point at but the key.
    let at_end = input.is_empty() || input.peek(Token![,]);
    let value = match form {
        Form::Flag if at_end => Ok(Value::Flag),
        Form::Flag => Err(input.error("nothing may follow it")),
        Form::Text => input.parse::<Token![=]>().and_then(|_| input.parse()).map(Value::Text),
        Form::Number => input.parse::<Token![=]>().and_then(|_| input.parse()).map(Value::Number),
        Form::Expr => input.parse::<Token![=]>().and_then(|_| input.parse()).map(Value::Expr),
        Form::Call => inside(input, |list| list.parse()).map(Value::Expr),
        Form::Texts => list(input, |text| text.parse()).map(Value::Texts),
        Form::Types => list(input, |of| of.parse()).map(Value::Types),
        Form::FlagOrItems if at_end => Ok(Value::Flag),
        Form::Items | Form::FlagOrItems => list(input, item).map(Value::Items),
    };
    let value = value.map_err(|why| {
        let at = if at_end { key.span() } else { why.span() };
        Error::new(at, format!("`{name}` is written `{example}`: {why}"))
    })?;
    Ok((name, key.span(), value))
}

fn inside<T>(input: ParseStream<'_>, read: impl FnOnce(ParseStream<'_>) -> Result<T>) -> Result<T> {
    let list;
    parenthesized!(list in input);
    read(&list)
}

fn list<T>(input: ParseStream<'_>, read: fn(ParseStream<'_>) -> Result<T>) -> Result<Vec<T>> {
    let all = inside(input, |list| list.parse_terminated(read, Token![,]))?;
    Ok(Punctuated::into_iter(all).collect())
}

fn item(input: ParseStream<'_>) -> Result<Item> {
    let docs = input.call(Attribute::parse_outer)?;
    let name = input.parse()?;
    let of =
        if input.parse::<Option<Token![:]>>()?.is_some() { Some(input.parse()?) } else { None };
    let value =
        if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
    Ok(Item { docs, name, of, value })
}

/// Takes those attributes out of `attributes` that `table` knows, as arguments: `#[name = "x"] #[hidden]`.
pub fn take_marks(attributes: &mut Vec<Attribute>, table: &[Known]) -> Result<Args> {
    let mut marks = TokenStream::new();
    attributes.retain(|attribute| {
        let known = table.iter().any(|(name, ..)| attribute.path().is_ident(name));
        if known {
            attribute.meta.to_tokens(&mut marks);
            <Token![,]>::default().to_tokens(&mut marks);
        }
        !known
    });
    Args::read(marks, table)
}
