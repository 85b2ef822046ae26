//! How long requests for another node are repeated that it cannot have carried out.
//!
//! A node that is replaced is away for a moment: what it never accepted is sent again. A node that stays away is given up for
//! all requests alike: the time runs from the first one that did not reach it.

use crate::{client_errors::describe_error, http::settings::RemoteTarget, sync};
use reqwest::{RequestBuilder, Response};
use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How long a request is repeated.
const REPEATED: Duration = Duration::from_secs(5);
/// The pauses between the attempts: at first a short one, then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Whether another node may have carried out a request that it did not answer.
pub struct MayBeDone(pub bool);

/// Which nodes are away, by their addresses.
#[derive(Debug, Default)]
pub struct Outages(Mutex<HashMap<String, Outage>>);

#[derive(Debug, Clone, Copy)]
struct Outage {
    first: Instant,
    last: Instant,
}

impl Outages {
    /// Sends `request` to the node of `to`, and for a while again if that did not accept it, as while it is replaced; if it
    /// `may_repeat`, also where it may have been carried out.
    pub async fn send_until_reached(
        &self,
        request: &RequestBuilder,
        to: &RemoteTarget,
        may_repeat: bool,
    ) -> Result<Response, MayBeDone> {
        let node = to.url.as_ref().map_or("", |url| url.as_str());
        let mut may_be_done = false;
        let mut attempt = 0;
        // It can be copied, because its body is in memory.
        while let Some(copy) = request.try_clone() {
            let why = match copy.send().await {
                Ok(answer) => {
                    self.end(node);
                    return Ok(answer);
                }
                Err(why) => why,
            };
            let context = to.name.context;
            let error = describe_error(&why);
            may_be_done |= !why.is_connect();
            let repeats = why.is_connect() || (may_repeat && !why.is_timeout());
            let pause = self.pause_before(node, attempt, Instant::now());
            let Some(pause) = pause.filter(|_| repeats) else {
                tracing::warn!(context, attempt, error, "failed to forward request");
                break;
            };
            tracing::debug!(context, attempt, error, "forwarding request again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
        Err(MayBeDone(may_be_done))
    }

    /// A request did not reach `node`. Gives how long to pause before it is sent again, as the `attempt`-th time; `None` if it
    /// is given up.
    fn pause_before(&self, node: &str, attempt: u32, now: Instant) -> Option<Duration> {
        let mut all = sync::lock(&self.0);
        let outage = all.entry(node.to_owned()).or_insert(Outage { first: now, last: now });
        // No request has asked for so long that it may have been back in between.
        if now.saturating_duration_since(outage.last) > REPEATED {
            outage.first = now;
        }
        outage.last = now;
        let left = REPEATED.checked_sub(now.saturating_duration_since(outage.first))?;
        let pause = FIRST_PAUSE.saturating_mul(1 << attempt.min(8)).min(LONGEST_PAUSE);
        (pause <= left).then_some(pause)
    }

    /// A request has reached `node`.
    fn end(&self, node: &str) {
        let mut all = sync::lock(&self.0);
        if !all.is_empty() {
            all.remove(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_given_up_for_all_requests_after_five_seconds_of_its_outage() {
        let outages = Outages::default();
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(outages.pause_before("a", 0, at(0)), Some(FIRST_PAUSE));
        assert_eq!(outages.pause_before("a", 3, at(1000)), Some(FIRST_PAUSE * 8));
        assert_eq!(outages.pause_before("a", 40, at(4000)), Some(LONGEST_PAUSE));
        assert_eq!(outages.pause_before("a", 0, at(5001)), None, "a request that comes later");
        assert_eq!(outages.pause_before("b", 0, at(5001)), Some(FIRST_PAUSE), "another node");
        assert_eq!(outages.pause_before("a", 0, at(9000)), None, "it is still away");
        assert_eq!(outages.pause_before("a", 0, at(15_000)), Some(FIRST_PAUSE), "long after");
        outages.end("a");
        assert_eq!(outages.pause_before("a", 0, at(16_000)), Some(FIRST_PAUSE));
    }
}
