//! Things as they change (server-sent events): one thing, or those of a collection that a caller may read.
//!
//! A stream shows a thing as `GET` does, at the beginning and after each change. Changes that come together are shown together,
//! as what has become of them.

use crate::{
    actors::{ChangePosition, Context, Watch, Watched},
    api::{self, Problem, ShownItem, header_text, splice_fields},
    http::{
        call::Reply,
        handlers::{
            query,
            stream::{RETRY, STILL_HERE, StreamReader, answer_chunks, last_event},
        },
        middleware::caller,
        response::restrict_caching,
        state::AppState,
    },
    identity::{Audience, Principal, restricted_to},
};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use serde_json::json;
use std::{collections::VecDeque, fmt::Write, sync::Arc, time::Duration};

/// Changes of a collection are gathered for so long.
const GATHERING: Duration = Duration::from_millis(100);
/// A chunk ends after so many bytes.
const CHUNK: usize = 64 * 1024;

/// Where a stream shows things of a context.
struct Display {
    reader: StreamReader,
    context: Arc<dyn Context>,
    readers: Audience,
    /// What precedes the path of the collection in links.
    base: String,
    /// The collection, as the client wrote it.
    collection: String,
}

impl Display {
    fn new(
        request: &HttpRequest,
        state: &AppState,
        context: &Arc<dyn Context>,
        collection: &str,
    ) -> Result<Self, Problem> {
        Ok(Self {
            reader: StreamReader::of_request(request)?,
            context: Arc::clone(context),
            readers: api::readers_of(context.as_ref()),
            base: state.base_url(request),
            collection: collection.to_owned(),
        })
    }

    /// The thing under `number` as `caller` may see it now: its tag, and its representation.
    async fn show_item(
        &self,
        caller: Option<&Principal>,
        number: u64,
    ) -> Result<(String, String), Problem> {
        let state = &self.reader.state;
        let context = self.context.as_ref();
        api::check_audience(self.readers, caller)?;
        let read = context.read_item(number);
        let seen = match api::check_seen(context, self.readers, caller, number, read) {
            Ok(seen) => seen,
            Err(fault) => return Err(state.durable_problem(fault).await),
        };
        if !state.node.is_durable(seen.commit) {
            state.node.wait_durable(seen.commit).await?;
        }
        let shown = ShownItem::for_caller(context.reads(), caller, seen);
        let tag = shown.entity_tag().trim_matches('"').to_owned();
        let body = &shown.seen.body;
        let mut text = Vec::with_capacity(body.len() + 256);
        let item = context.name().item;
        splice_fields(&mut text, body, number, &self.base, &self.collection, item);
        Ok((tag, String::from_utf8(text).map_err(|_| Problem::crashed())?))
    }
}

/// Whether the context may answer again later.
fn is_temporary(why: &Problem) -> bool {
    why.status() == 503
}

/// A thing that is shown as it changes.
struct ItemStream {
    display: Display,
    number: u64,
    watch: Watch,
    /// The tag of what the client has.
    last: Option<String>,
    has_begun: bool,
    is_over: bool,
}

/// Answers with the thing under `number`, and with what it becomes.
///
/// # Errors
/// As `GET` of the thing.
pub async fn stream_item(
    request: &HttpRequest,
    state: &AppState,
    context: &Arc<dyn Context>,
    collection: &str,
    number: u64,
) -> Reply {
    let caller = caller::find_caller(request, state);
    let readers = api::readers_of(context.as_ref());
    api::check_audience(readers, caller.as_deref())?;
    let read = context.read_item(number);
    if let Err(fault) = api::check_seen(context.as_ref(), readers, caller.as_deref(), number, read)
    {
        return Err(state.durable_problem(fault).await);
    }
    let stream = ItemStream {
        display: Display::new(request, state, context, collection)?,
        number,
        watch: context.changes().watch(Watched::Item(number)),
        last: header_text(request, "last-event-id").map(str::to_owned),
        has_begun: false,
        is_over: false,
    };
    let mut response = HttpResponse::Ok();
    restrict_caching(&mut response, context.reads(), caller.as_deref());
    let chunks = stream::unfold(stream, async |mut stream| {
        let chunk = stream.next_chunk().await?;
        Some((chunk, stream))
    });
    Ok(answer_chunks(request, response, chunks))
}

impl ItemStream {
    /// Waits for a change, or for the next heartbeat; `None` ends the stream.
    async fn next_chunk(&mut self) -> Option<String> {
        while !self.is_over && !self.display.reader.state.is_draining() {
            let mut chunk = String::new();
            if !self.has_begun {
                self.has_begun = true;
                chunk.push_str(RETRY);
            } else if !self.display.reader.wait_for(self.watch.wait_changed()).await? {
                chunk.push_str(STILL_HERE);
            }
            let shown = match self.display.reader.find_caller().await {
                Ok(caller) => self.display.show_item(caller.as_deref(), self.number).await,
                Err(why) => Err(why),
            };
            match shown {
                Ok((tag, _)) if self.last.as_ref() == Some(&tag) => {}
                Ok((tag, text)) => {
                    // Writing to a string cannot fail.
                    let _ = write!(chunk, "id: {tag}\ndata: {text}\n\n");
                    self.last = Some(tag);
                }
                Err(why) if is_temporary(&why) => {}
                Err(why) => {
                    chunk.push_str(&last_event(&why));
                    self.is_over = true;
                }
            }
            if !chunk.is_empty() {
                return Some(chunk);
            }
        }
        None
    }
}

/// The things of a collection that are shown as they change.
struct ListStream {
    display: Display,
    /// The customer whose things alone these are.
    owner: Option<Arc<str>>,
    watch: Watch,
    position: ChangePosition,
    /// What has changed and was not shown yet, and the place after that.
    pending: VecDeque<u64>,
    next: ChangePosition,
    /// What the client has, where it comes back.
    resumes: Option<ChangePosition>,
    has_begun: bool,
    is_over: bool,
}

/// Answers with the things of a collection that change from now on.
///
/// # Errors
/// As `GET` of the collection; `bad-filter` for a query.
pub async fn stream_list(
    request: &HttpRequest,
    state: &AppState,
    context: &Arc<dyn Context>,
    collection: &str,
) -> Reply {
    let caller = caller::find_caller(request, state);
    let readers = api::readers_of(context.as_ref());
    api::check_audience(readers, caller.as_deref())?;
    query::check_names(request.query_string(), &[])?;
    let owner = restricted_to(readers, caller.as_deref()).map(Arc::<str>::from);
    let changes = context.changes();
    let watch = changes.watch(owner.clone().map_or(Watched::All, Watched::Owner));
    let position = changes.position();
    let stream = ListStream {
        display: Display::new(request, state, context, collection)?,
        owner,
        watch,
        position,
        pending: VecDeque::new(),
        next: position,
        resumes: header_text(request, "last-event-id").map(|last| {
            // What is no place of a stream is one that is no longer known.
            parse_position(last).unwrap_or(ChangePosition { past: !position.past, sequence: 0 })
        }),
        has_begun: false,
        is_over: false,
    };
    let mut response = HttpResponse::Ok();
    restrict_caching(&mut response, context.reads(), caller.as_deref());
    let chunks = stream::unfold(stream, async |mut stream| {
        let chunk = stream.next_chunk().await?;
        Some((chunk, stream))
    });
    Ok(answer_chunks(request, response, chunks))
}

/// The id of a stream's event: `3f0c2a91b7d40c55-12`.
fn position_text(position: ChangePosition) -> String {
    format!("{:016x}-{}", position.past, position.sequence)
}

fn parse_position(text: &str) -> Option<ChangePosition> {
    let (past, sequence) = text.split_once('-')?;
    let past = u64::from_str_radix(past, 16).ok()?;
    Some(ChangePosition { past, sequence: sequence.parse().ok()? })
}

impl ListStream {
    /// Waits for changes, or for the next heartbeat; `None` ends the stream.
    async fn next_chunk(&mut self) -> Option<String> {
        while !self.is_over && !self.display.reader.state.is_draining() {
            let mut chunk = String::new();
            if !self.has_begun {
                self.has_begun = true;
                chunk.push_str(RETRY);
                self.position = self.resumes.unwrap_or(self.position);
                if self.resumes.is_none() {
                    // If the stream breaks before the first change, the next one resumes here.
                    let _ = write!(chunk, "id: {}\n\n", position_text(self.position));
                }
            } else if !self.pending.is_empty() {
                // A stream with much to show must not starve the others.
                tokio::task::yield_now().await;
            } else if self.display.reader.wait_for(self.watch.wait_changed()).await? {
                let gathered = tokio::time::sleep(GATHERING);
                self.display.reader.wait_for(gathered).await?;
            } else {
                chunk.push_str(STILL_HERE);
            }
            if let Err(why) = self.show_changes(&mut chunk).await {
                chunk.push_str(&last_event(&why));
                self.is_over = true;
            }
            if !chunk.is_empty() {
                return Some(chunk);
            }
        }
        None
    }

    /// Writes what has changed, up to the size of a chunk.
    async fn show_changes(&mut self, chunk: &mut String) -> Result<(), Problem> {
        let caller = self.display.reader.find_caller().await?;
        let caller = caller.as_deref();
        api::check_audience(self.display.readers, caller)?;
        if restricted_to(self.display.readers, caller) != self.owner.as_deref() {
            // Someone else now: they begin a stream of their own.
            return Err(api::needs_credentials());
        }
        if self.pending.is_empty() {
            let (changed, next) = self.watch.changes_since(self.position);
            let Some(changed) = changed else {
                let why = json!({ "code": "history-changed" });
                let _ = write!(chunk, "id: {}\nevent: reset\ndata: {why}\n\n", position_text(next));
                self.position = next;
                return Ok(());
            };
            self.pending = changed.into();
            self.next = next;
            if self.pending.is_empty() {
                self.position = next;
                return Ok(());
            }
        }
        while let Some(number) = self.pending.front().copied().filter(|_| chunk.len() < CHUNK) {
            match self.display.show_item(caller, number).await {
                Ok((_, text)) => drop(write!(chunk, "data: {text}\n\n")),
                Err(why) if why.status() == 404 => {
                    let gone = json!({ "id": number });
                    let _ = write!(chunk, "event: gone\ndata: {gone}\n\n");
                }
                // The context does not answer now. When it does again, the stream is reset.
                Err(why) if is_temporary(&why) => {}
                Err(why) => return Err(why),
            }
            self.pending.pop_front();
        }
        if self.pending.is_empty() {
            self.position = self.next;
            // Without data it is no event: who comes back goes on here.
            let _ = write!(chunk, "id: {}\n\n", position_text(self.position));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_stream_is_read_as_it_was_written() {
        for (past, sequence) in [(0, 0), (u64::MAX, 7), (0x3f, u64::MAX)] {
            let position = ChangePosition { past, sequence };
            assert_eq!(parse_position(&position_text(position)), Some(position));
        }
        for text in ["", "-", "x-1", "1", "1-", "1-x", "3-public"] {
            assert_eq!(parse_position(text), None, "{text}");
        }
    }
}
