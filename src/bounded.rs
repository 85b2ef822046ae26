//! Answers of others, of which no more is taken in than is allowed.

use crate::client_errors::describe_error;
use reqwest::Response;
use serde::de::DeserializeOwned;

/// The JSON of an answer of at most `limit` bytes; `why` says where that limit comes from.
///
/// # Errors
/// The words for one that is larger, that breaks off, or that cannot be read.
pub async fn read_json<T: DeserializeOwned>(
    mut answer: Response,
    limit: usize,
    why: &str,
) -> Result<T, String> {
    let too_large = || format!("the answer is larger than {limit} bytes ({why})");
    if answer.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|why| describe_error(&why))? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|why| format!("the answer cannot be read: {why}"))
}
