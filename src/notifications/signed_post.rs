//! A signed request to a webhook, as the Standard Webhooks specification says: the receiver can tell that a message is ours
//! and not an old one sent again, and knows a repeated one by its id.

use crate::{actors::NotSent, client_errors::describe_error, tls::Trust};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, StatusCode, Url};
use sha2::Sha256;
use std::time::{Duration, SystemTime};

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
    /// Whom it is trusted to be, where its URL begins with `https://`.
    pub trust: Trust,
}

/// Posts to one URL.
#[derive(Debug, Clone)]
pub struct SignedPost {
    client: Client,
    settings: WebhookSettings,
}

impl SignedPost {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(settings: WebhookSettings) -> Result<Self, String> {
        let client = settings.trust.http_client().timeout(settings.timeout).build();
        Ok(Self { client: client.map_err(|why| why.to_string())?, settings })
    }

    /// Sends `body`, in JSON, under `id`.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn post(&self, id: &str, body: String) -> Result<(), NotSent> {
        let now =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let request = self.client.post(self.settings.url.clone());
        let request = request
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header(
                "webhook-signature",
                sign_message(&self.settings.secret, id, now, &body).map_err(NotSent::Failed)?,
            );
        let mut answer =
            request.body(body).send().await.map_err(|why| NotSent::Failed(describe_error(&why)))?;
        let status = answer.status();
        // What a gateway answers beside its status is not used. A short body is read, so that the connection can be
        // used again; a long one costs the gateway its connection.
        let mut read = 0;
        while read <= UNHEARD {
            match answer.chunk().await {
                Ok(Some(chunk)) => read += chunk.len(),
                Ok(None) | Err(_) => break,
            }
        }
        drop(answer);
        if status.is_success() {
            return Ok(());
        }
        let why = format!("the gateway answers {status}");
        Err(if is_final(status) { NotSent::Refused(why) } else { NotSent::Failed(why) })
    }
}

/// Whether this very message will never be taken. Other statuses may be trouble of the gateway, or of its settings here,
/// which an operator can repair.
fn is_final(status: StatusCode) -> bool {
    let may_change = [
        StatusCode::UNAUTHORIZED,
        StatusCode::PAYMENT_REQUIRED,
        StatusCode::FORBIDDEN,
        StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::MISDIRECTED_REQUEST,
        StatusCode::TOO_EARLY,
        StatusCode::UPGRADE_REQUIRED,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_client_error() && !may_change.contains(&status)
}

/// `v1,` and the HMAC-SHA256 of id, time and body, as Standard Webhooks 1.0 has it.
fn sign_message(secret: &[u8], id: &str, seconds: u64, body: &str) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|why| why.to_string())?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
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
            sign_message(&secret, id, 1_614_265_330, body).unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn what_may_be_mended_is_tried_again_and_everything_else_is_refused() {
        let is_final = |code| is_final(StatusCode::from_u16(code).unwrap());
        assert!(
            [400, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 451].into_iter().all(is_final)
        );
        assert!(
            ![301, 302, 401, 403, 407, 408, 425, 429, 500, 502, 503, 504].into_iter().any(is_final)
        );
    }
}
