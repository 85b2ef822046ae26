//! The whole document.

use super::{
    collection, components,
    operations::{self, Deployment},
    sagas, security,
};
use crate::{actors::Declaration, api::schema::put_field, http::routes::ROUTES};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The document of a server whose clients reach these contexts; `bare` if collections are mounted without their system
/// too. Without a `public_url`, paths are relative to where the document is.
pub fn write_document(
    contexts: &[Arc<dyn Declaration>],
    bare: bool,
    public_url: Option<&str>,
) -> Value {
    let mut schemas = components::common_schemas();
    schemas.extend(sagas::list_schemas());
    let mut paths = Map::new();
    let mut tags = Vec::new();
    for context in contexts {
        let name = context.name();
        let kind = if context.is_view() { "A view" } else { "An aggregate" };
        let description = format!("{kind}. One item is a `{}`.", name.item);
        tags.push(json!({ "name": name.context, "description": description }));
        let described = collection::describe_collection(context.as_ref(), &mut schemas);
        described.mount_paths(
            &mut paths,
            &format!("/{}/{}", name.system, name.collection),
            name.context,
        );
        if bare {
            described.mount_paths(&mut paths, &format!("/{}", name.collection), name.short());
        }
    }
    tags.extend(operations::list_tags());
    let server = Deployment { contexts };
    for route in ROUTES {
        let Some(operation) = route.operation else { continue };
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        for method in route.methods.iter().filter(|method| **method != "HEAD") {
            let mut operation = operation(&server);
            security::secure_operation(&mut operation, route.audience);
            if let Some((parameter, _)) = route.detail {
                security::secure_detail(&mut operation, parameter);
            }
            put_field(item, &method.to_ascii_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Rentals and reservations. Answers are HAL; every error is a problem (RFC 9457) with a stable `code`.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": public_url.unwrap_or("/"), "description": "This server" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": components::problem_responses(),
            "parameters": components::common_parameters(),
            "headers": components::common_headers(),
            "securitySchemes": security::security_schemes(),
        },
    })
}
