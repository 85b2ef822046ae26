//! The API documents of a server with given settings.

use super::{
    failure::Failure,
    settings::{event_names, node_settings},
};
use crate::{
    actors::{Context, LocalNode, Node},
    amqp,
    config::Settings,
    events::{self, Documents},
    http,
    store::MemoryStore,
    systems,
};
use std::sync::Arc;

/// The documents about the events, and about the commands over a broker.
pub(super) fn documents(settings: &Settings, contexts: &[Arc<dyn Context>]) -> Documents {
    let names = event_names(settings);
    let events = events::describe(&names, |board| {
        for system in settings.enabled() {
            systems::lay_out(system, board);
        }
    });
    let broker = events::Broker {
        exchange: settings.amqp.exchange.clone(),
        prefix: settings.events.amqp_prefix.clone(),
    };
    Documents::of(&events, &names, &broker, |document| {
        if settings.amqp.commands {
            amqp::describe_commands(document, contexts);
        }
    })
}

/// Calls `describe` with the contexts of a server with these settings. They run in memory: no data is touched.
fn with_contexts<T>(
    settings: &Settings,
    describe: impl FnOnce(&[Arc<dyn Context>]) -> T,
) -> Result<T, Failure> {
    let systems = settings.enabled();
    let described = actix_rt::System::new().block_on(async {
        let node = LocalNode::start(
            Arc::new(MemoryStore::default()),
            node_settings(settings, 0),
            |board| {
                for system in &systems {
                    systems::lay_out(system, board);
                }
            },
        );
        node.map(|node| describe(node.contexts()))
    });
    described.map_err(Failure::failed)
}

/// The API document of a server with these settings.
///
/// # Errors
/// [`Failure::Failed`] if the settings of a system are wrong.
pub fn api_document(settings: &Settings) -> Result<String, Failure> {
    let document = with_contexts(settings, |contexts| {
        let public_url = settings.http.public_url();
        http::openapi::document(contexts, settings.alone().is_some(), public_url.as_deref())
    })?;
    Ok(format!("{document:#}\n"))
}

/// The AsyncAPI document of a server with these settings.
///
/// # Errors
/// [`Failure::Failed`] if the settings of a system are wrong.
pub fn async_document(settings: &Settings) -> Result<String, Failure> {
    with_contexts(settings, |contexts| documents(settings, contexts).asyncapi)
}
