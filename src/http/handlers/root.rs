//! `/`: links to every collection, of this node and of those that it forwards to; for browsers the pages.

use crate::{
    api::header_text,
    http::{
        call::{Call, Reply},
        handlers::accept::prefers_html,
        state::{Host, Port},
    },
};
use actix_web::{HttpResponse, http::header};
use serde_json::{Map, json};

/// Links to the collections that this port serves, and to the documents.
pub async fn list_links(call: Call<'_>) -> Reply {
    let is_for_people = prefers_html(header_text(call.request, "accept").unwrap_or_default());
    if is_for_people && !matches!(Port::of_request(call.request), Port::Context(_)) {
        let to = format!("{}/pages/", call.state.path_prefix(call.request));
        let mut response = HttpResponse::SeeOther();
        response.insert_header((header::LOCATION, to)).insert_header((header::VARY, "Accept"));
        return Ok(response.finish());
    }
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
    let mut response = HttpResponse::Ok();
    response.insert_header((header::VARY, "Accept"));
    Ok(response.content_type("application/hal+json").body(body))
}
