//! What a server does towards the outside by itself: on a runtime of its own, so that nothing there delays anybody here.

use super::Failure;
use crate::{
    actors::{LocalNode, Outgoing, Sink},
    config::{ConfigProblem, MessageGateway, Messages},
    messages::{self, Log, Webhook, WebhookSettings},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::{sync::Arc, time::Duration};
use tokio::runtime::{Builder, Runtime};

/// The runtime of everything that speaks to the outside. Dropped, it stops; what is under way goes out again later.
pub struct Outside(Option<Runtime>);

impl Outside {
    /// Begins to hand out what `node` has to tell.
    ///
    /// # Errors
    /// [`Failure`] when the configuration cannot be used, or a place in a log cannot be read.
    pub fn start(settings: &Messages, node: &LocalNode) -> Result<Self, Failure> {
        let failed = |why: &dyn std::fmt::Display| Failure::Failed(why.to_string());
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("outside").enable_all().build();
        let runtime = runtime.map_err(|why| failed(&why))?;
        let pumps = node.pour(messages::SINK, &gateway(settings)?, |context| context.messages());
        pumps.map_err(|why| failed(&why))?.into_iter().for_each(|pump| drop(runtime.spawn(pump)));
        Ok(Self(Some(runtime)))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Who takes text messages.
fn gateway(settings: &Messages) -> Result<Arc<dyn Sink<Outgoing>>, Failure> {
    match settings.gateway {
        MessageGateway::Log => Ok(Arc::new(Log)),
        MessageGateway::Webhook => {
            let webhook = Webhook::new(webhook(settings)?).map_err(Failure::Failed)?;
            Ok(Arc::new(webhook))
        }
    }
}

fn webhook(settings: &Messages) -> Result<WebhookSettings, ConfigProblem> {
    let missing = |key: &str| ConfigProblem(format!("messages.{key} is needed with `messages.gateway = \"webhook\"`"));
    let url = settings.url.as_deref().ok_or_else(|| missing("url"))?;
    let url = url.parse().map_err(|why| ConfigProblem(format!("messages.url: `{url}` is no URL: {why}")))?;
    let secret = match (&settings.secret, &settings.secret_file) {
        (Some(secret), _) => secret.reveal().to_owned(),
        (None, Some(file)) => std::fs::read_to_string(file)
            .map_err(|why| ConfigProblem(format!("messages.secret_file: {}: {why}", file.display())))?,
        (None, None) => return Err(missing("secret")),
    };
    let secret = secret.trim();
    let secret = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(|_| {
        ConfigProblem("messages.secret: base64 is wanted, such as `openssl rand -base64 32` gives".into())
    })?;
    Ok(WebhookSettings { url, secret, timeout: Duration::from_millis(settings.timeout_ms) })
}
