//! What the things are called that others refer to by their number.

use super::{
    context::PageContext,
    show::{Names, Showing},
    site::{Shelf, System},
};
use serde_json::Value;

/// What the things of catalogues are called that these `items` of `shelf` refer to. Each is asked for once.
pub async fn find_names<'a>(
    page: &PageContext<'_>,
    system: &System,
    shelf: &Shelf,
    items: impl IntoIterator<Item = &'a Value>,
) -> Names {
    let mut names = Names::new();
    for item in items {
        for field in &shelf.shape.fields {
            let Some((of, true)) = system.referred(&field.name) else { continue };
            let Some(number) = item.get(&field.name).and_then(Value::as_u64) else { continue };
            let key = (field.name.clone(), number);
            if !of.is_catalogue() || of.name == shelf.name || names.contains_key(&key) {
                continue;
            }
            let Ok(thing) = page.get(&format!("{}/{number}", of.path())).await else { continue };
            let language = page.language();
            let showing =
                Showing { site: page.site, system, shelf: of, language, names: Names::new() };
            names.insert(key, showing.show(&thing).heading);
        }
    }
    names
}
