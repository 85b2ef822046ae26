//! The API document (OpenAPI 3.1), derived from the contexts that run, and the pages that show it.

mod collection;
mod server;

use crate::actors::Context;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The document of a server with these contexts; `bare` when collections are mounted without their system too.
pub fn document(contexts: &[Arc<dyn Context>], bare: bool) -> Value {
    let (mut schemas, mut paths, mut tags) = (server::schemas(), Map::new(), Vec::new());
    for context in contexts {
        let name = context.name();
        let what = if context.is_view() {
            "A view: it only listens"
        } else {
            "Things that are asked and answer"
        };
        tags.push(json!({ "name": name.context, "description": format!("{what}. One is a `{}`.", name.item) }));
        let described = collection::describe(context.as_ref(), &mut schemas);
        described.mount(&mut paths, &format!("/{}/{}", name.system, name.collection), name.context);
        if bare {
            described.mount(&mut paths, &format!("/{}", name.collection), name.short());
        }
    }
    tags.extend(server::tags());
    paths.extend(server::paths(contexts));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Rentals and reservations. Answers are HAL; every error is a problem (RFC 9457) with a stable `code`.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This server" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": server::problems(),
            "parameters": server::parameters(),
            "headers": server::headers(),
        },
    })
}
