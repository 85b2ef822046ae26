//! `modules!`

use proc_macro2::TokenStream;
use quote::quote;
use std::{env, fs, path::Path};
use syn::{
    Error, Ident, Item, LitStr, Result, Token, Visibility,
    parse::{Parse, ParseStream},
};

struct Input {
    file: LitStr,
    list: Ident,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let file = input.parse()?;
        input.parse::<Token![=>]>()?;
        Ok(Self { file, list: input.parse()? })
    }
}

pub fn expand(input: TokenStream) -> Result<TokenStream> {
    let Input { file, list } = syn::parse2(input)?;
    let failed = |why: String| Error::new(file.span(), format!("`{}`: {why}", file.value()));
    let root = env::var("CARGO_MANIFEST_DIR").map_err(|why| failed(why.to_string()))?;
    let path = Path::new(&root).join(file.value());
    let text = fs::read_to_string(&path).map_err(|why| failed(why.to_string()))?;
    let folder = path.parent().unwrap_or(&path);
    let items = syn::parse_file(&text).map_err(|why| failed(why.to_string()))?.items;
    let names = items.into_iter().filter_map(|item| match item {
        Item::Mod(module) if matches!(module.vis, Visibility::Public(_)) => {
            let is_folder = folder.join(module.ident.to_string()).join("mod.rs").exists();
            is_folder.then_some(module.ident)
        }
        _ => None,
    });
    // Names from another file: they resolve where the macro is called.
    let names = names.map(|name| Ident::new(&name.to_string(), list.span()));
    Ok(quote!(#list! { #(#names),* }))
}
