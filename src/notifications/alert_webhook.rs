//! The webhook that is notified of sagas that are stuck.

use super::signed_post::{SignedPost, WebhookSettings};
use crate::{
    actors::NotSent,
    sagas::{SagaNews, StuckReceiver},
};
use futures_util::{FutureExt, future::BoxFuture};
use serde_json::json;

/// Posts each news of a saga to a receiver.
#[derive(Debug, Clone)]
pub struct AlertWebhook {
    post: SignedPost,
    /// The node that tells it.
    node: String,
}

impl AlertWebhook {
    /// A webhook of the node called `node`; nothing is sent yet.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(settings: WebhookSettings, node: String) -> Result<Self, String> {
        Ok(Self { post: SignedPost::new(settings)?, node })
    }

    async fn post_news(&self, news: &SagaNews) -> Result<(), NotSent> {
        let mut data = json!(news.saga);
        if let Some(fields) = data.as_object_mut() {
            fields.insert("node".into(), self.node.clone().into());
        }
        let body = json!({ "type": news.kind.type_name(), "timestamp": news.at.to_string(), "data": data });
        self.post.post(&news.id, body.to_string()).await
    }
}

impl StuckReceiver for AlertWebhook {
    fn tell<'a>(&'a self, news: &'a SagaNews) -> BoxFuture<'a, Result<(), NotSent>> {
        self.post_news(news).boxed()
    }
}
