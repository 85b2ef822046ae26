//! The API documents of a server with given settings.

use super::settings::event_names;
use crate::{
    actors::{Declaration, collect_declarations},
    amqp,
    config::Settings,
    events::{self, Documents},
    http, systems,
};
use std::sync::Arc;

fn all_declarations(settings: &Settings) -> Vec<Arc<dyn Declaration>> {
    collect_declarations(|board| {
        for system in settings.enabled_systems() {
            systems::lay_out(system, board);
        }
    })
}

/// What the contexts declare that other nodes host.
pub(super) fn remote_declarations(settings: &Settings) -> Vec<Arc<dyn Declaration>> {
    let Some(hosted) = settings.hosted_contexts() else { return Vec::new() };
    let mut all = all_declarations(settings);
    all.retain(|context| !hosted.contains(context.name().context));
    all
}

/// What the contexts declare that clients reach by a server with these settings: those that it hosts, and those whose node
/// it knows.
fn reached_contexts(settings: &Settings) -> Vec<Arc<dyn Declaration>> {
    let all = all_declarations(settings);
    let hosted = settings.hosted_contexts();
    let is_reached = |context: &Arc<dyn Declaration>| {
        let name = context.name();
        let is_hosted = hosted.as_ref().is_none_or(|hosted| hosted.contains(name.context));
        let peers = settings.peers.get(name.system);
        is_hosted || peers.is_some_and(|peers| peers.contains_key(name.short()))
    };
    all.into_iter().filter(is_reached).collect()
}

/// The documents about the events, and about the commands over a broker.
pub(super) fn describe_events(settings: &Settings) -> Documents {
    let names = event_names(settings);
    let events = events::describe_events(&names, |board| {
        for system in settings.enabled_systems() {
            systems::lay_out(system, board);
        }
    });
    let broker = events::Broker {
        exchange: settings.amqp.exchange.clone(),
        prefix: settings.events.amqp_prefix.clone(),
    };
    Documents::of(&events, &names, &broker, |document| {
        if settings.amqp.commands {
            amqp::describe_commands(document, &reached_contexts(settings));
        }
    })
}

/// `/openapi.json` of a server with these settings.
pub(super) fn describe_api(settings: &Settings) -> serde_json::Value {
    let public_url = settings.http.public_url();
    http::openapi::write_document(
        &reached_contexts(settings),
        settings.only_system().is_some(),
        public_url.as_deref(),
    )
}

/// The API document of a server with these settings.
pub fn api_document(settings: &Settings) -> String {
    format!("{:#}\n", describe_api(settings))
}

/// The AsyncAPI document of a server with these settings.
pub fn async_document(settings: &Settings) -> String {
    describe_events(settings).asyncapi
}
