//! `/`: links to every collection, of this node and of those that it forwards to.

use crate::http::{
    call::{Call, Reply},
    state::{Host, Port},
};
use actix_web::HttpResponse;
use serde_json::{Map, json};

/// Links to the collections that this port serves, and to the documents.
pub async fn list_links(call: Call<'_>) -> Reply {
    let base = call.state.base_url(call.request);
    let mut links = Map::new();
    let mut link = |rel: String, path: String| {
        links.insert(rel, json!({ "href": format!("{base}{path}") }));
    };
    link("self".into(), "/".into());
    let port = Port::of_request(call.request);
    let here = call.state.node.contexts().iter().enumerate();
    let here = here.filter(|(index, _)| port.serves_host(Host::Local(*index)));
    let here = here.map(|(_, context)| context.name());
    let remote = call.state.settings.remote_contexts.iter().enumerate();
    let remote = remote
        .filter(|(index, context)| port.serves_host(Host::Remote(*index)) && context.url.is_some());
    for name in here.chain(remote.map(|(_, context)| context.name)) {
        let system = name.system;
        let collection = name.collection;
        link(format!("{system}:{collection}"), format!("/{system}/{collection}"));
        if call.state.settings.bare {
            link(collection.into(), format!("/{collection}"));
        }
    }
    for (rel, path) in [
        ("service-desc", "/openapi.json"),
        ("events", "/events"),
        ("asyncapi", "/asyncapi.json"),
        ("service-doc", "/docs/"),
        ("status", "/actuator/health"),
    ] {
        link(rel.into(), path.into());
    }
    let body = json!({ "_links": links }).to_string();
    Ok(HttpResponse::Ok().content_type("application/hal+json").body(body))
}
