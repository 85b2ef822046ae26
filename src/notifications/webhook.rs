//! A webhook for text messages, signed as the Standard Webhooks specification says: the receiver can tell that a message
//! is ours and not an old one sent again, and knows a repeated one by its id.

use crate::actors::{OutboundMessage, Sink};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{FutureExt, future::BoxFuture, future::join_all};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, StatusCode, Url};
use serde_json::json;
use sha2::Sha256;
use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

/// At most so many messages are under way at once, none of them to the same telephone as another.
const WINDOW: usize = 16;

/// So much of an answer's body is read, and thrown away.
const UNHEARD: usize = 16 * 1024;

/// Where messages go.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Who takes them.
    pub url: Url,
    /// What they are signed with.
    pub secret: Vec<u8>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Posts each message to somebody who sends it.
#[derive(Debug, Clone)]
pub struct Webhook {
    client: Client,
    settings: WebhookSettings,
}

impl Webhook {
    /// A webhook; nothing is sent yet.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(settings: WebhookSettings) -> Result<Self, String> {
        let client = Client::builder()
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { client: client.map_err(|why| why.to_string())?, settings })
    }

    async fn send(&self, message: &OutboundMessage) -> Result<(), String> {
        let OutboundMessage { context, event, number, at, saga, to, text } = message;
        let id = format!("{context}-{event}");
        let data = json!({ "context": context, "number": number, "correlationId": saga, "to": to, "text": text });
        let body = json!({ "type": "text-message", "timestamp": at.to_string(), "data": data })
            .to_string();
        let now =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let request = self.client.post(self.settings.url.clone());
        let request = request
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", sign(&self.settings.secret, &id, now, &body)?);
        let mut answer = request.body(body).send().await.map_err(|why| words(&why))?;
        let status = answer.status();
        // What a gateway says beside its status interests nobody. A short word is heard, so that the connection can be
        // used again; a long one costs the gateway its connection.
        let mut heard = 0;
        while heard <= UNHEARD {
            match answer.chunk().await {
                Ok(Some(chunk)) => heard += chunk.len(),
                Ok(None) | Err(_) => break,
            }
        }
        drop(answer);
        match status {
            status if status.is_success() => Ok(()),
            // This very message will never be taken, and those behind it must not wait for it. Every other status may
            // be the gateway's own trouble, or ours, which somebody can mend.
            status @ (StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY) => {
                tracing::error!(context, %event, number, %status, "the gateway refuses a text message for good");
                Ok(())
            }
            status => Err(format!("the gateway answers {status}")),
        }
    }
}

/// The error and what is behind it, without the address, which may hold a secret.
fn words(error: &reqwest::Error) -> String {
    let mut words = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        "the gateway is not there".to_owned()
    };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

/// `v1,` and the HMAC-SHA256 of id, time and body, as Standard Webhooks 1.0 has it.
fn sign(secret: &[u8], id: &str, seconds: u64, body: &str) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|why| why.to_string())?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

impl Sink<OutboundMessage> for Webhook {
    fn take<'a>(
        &'a self,
        _context: &'static str,
        items: &'a [(u64, OutboundMessage)],
    ) -> BoxFuture<'a, Result<usize, String>> {
        async move {
            let mut telephones = HashSet::new();
            let window =
                items.iter().take(WINDOW).take_while(|(_, message)| telephones.insert(&message.to));
            let sent = join_all(window.map(|(_, message)| self.send(message))).await;
            // What was taken behind one that was not goes out again, under the same id.
            let taken = sent.iter().take_while(|sent| sent.is_ok()).count();
            match sent.into_iter().next() {
                Some(Err(why)) => Err(why),
                _ => Ok(taken),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_specification_has_it() {
        // The example of the Standard Webhooks specification.
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(
            sign(&secret, id, 1_614_265_330, body).unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
