//! A reader of logs, with its position in each of them.

use crate::{
    actors::RecordedEvent,
    api::Problem,
    events::CloudEvent,
    http::{
        handlers::{
            event_cursor::{self, CursorError, Log, bad_parameter},
            event_filter::EventFilter,
            event_reader::{self, PageLimit},
        },
        state::AppState,
    },
};
use futures_util::{FutureExt, future::select_all};
use std::sync::Arc;

/// With a filter, so many events are read at once, and at most so many for one page.
const FILTERED_READ: usize = 256;
const MAX_FILTERED: usize = 8192;

/// An event of a page or a stream.
pub struct ShownEvent {
    /// The cursor after it.
    pub id: String,
    pub context: &'static str,
    pub event: RecordedEvent,
    /// The event, as a CloudEvent in JSON.
    pub text: String,
}

/// Reads one log or several, each from its own position.
pub struct LogReader {
    logs: Vec<(Log, u64)>,
    /// Whether it reads one log, whose cursor names no context.
    is_single: bool,
    filter: EventFilter,
    /// Whether events after the last one shown were left out.
    has_skipped: bool,
}

impl LogReader {
    /// Reads what `filter` accepts of `logs` from their beginning.
    pub fn new(logs: Vec<Log>, is_single: bool, filter: EventFilter) -> Self {
        let logs = logs.into_iter().map(|log| (log, 1)).collect();
        Self { logs, is_single, filter, has_skipped: false }
    }

    /// Moves to the end of each log.
    pub fn skip_all(&mut self) {
        for (log, next) in &mut self.logs {
            *next = log.latest().borrow().saturating_add(1);
        }
    }

    /// Moves to a cursor, or after the event whose id it is; returns the contexts whose log does not have that event. Those
    /// are read from the beginning.
    pub fn seek_cursor(&mut self, cursor: &str, is_id: bool) -> Result<Vec<&'static str>, Problem> {
        let mut changed = Vec::new();
        let is_single = self.is_single;
        let parts = cursor.split(',').map(|part| match part.split_once(':') {
            _ if is_single => Ok((None, part)),
            Some((context, position)) => Ok((Some(context), position)),
            None => Err(bad_parameter("from")),
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let is_repeated = |(place, part): (usize, &(Option<&str>, &str))| {
            parts.iter().take(place).any(|before| before.0 == part.0)
        };
        if parts.iter().enumerate().any(is_repeated) {
            return Err(bad_parameter("from"));
        }
        for (context, text) in parts {
            let named = |log: &Log| context.is_none_or(|name| log.context() == name);
            // A context that is no longer here has no more events. The id of an event among others is a cursor.
            for (log, next) in self.logs.iter_mut().filter(|(log, _)| named(log)) {
                *next = match event_cursor::next(log, text, is_id && is_single) {
                    Ok(next) => next,
                    Err(CursorError::HistoryChanged(context)) => {
                        changed.push(context);
                        1
                    }
                    Err(error) => return Err(error.into()),
                };
            }
        }
        Ok(changed)
    }

    /// Where the next page begins.
    pub fn cursor(&self) -> String {
        if self.is_single {
            let log = self.logs.first();
            return log.map_or("1".into(), |(log, next)| event_cursor::cursor_text(log, *next));
        }
        let begun = self.logs.iter().filter(|(_, next)| *next > 1);
        let parts = begun.map(|(log, next)| {
            format!("{}:{}", log.context(), event_cursor::cursor_text(log, *next))
        });
        parts.collect::<Vec<_>>().join(",")
    }

    /// The place in every log, also where nothing has been read: what a reader that began now goes on with.
    pub fn position(&self) -> String {
        if self.is_single {
            let begun = self.logs.first().filter(|(_, next)| *next > 1);
            return begun.map_or("0".into(), |(log, next)| event_cursor::cursor_text(log, *next));
        }
        let parts = self.logs.iter().map(|(log, next)| {
            let place = event_cursor::cursor_text(log, *next);
            format!("{}:{place}", log.context())
        });
        parts.collect::<Vec<_>>().join(",")
    }

    /// Whether events after the last one shown were left out.
    pub fn has_skipped(&self) -> bool {
        self.has_skipped
    }

    /// The cursor of a reader that has nothing of the `changed` contexts yet.
    pub fn cursor_without(&self, changed: &[&str]) -> String {
        if self.is_single {
            return "0".into();
        }
        let anew = changed.iter().map(|context| format!("{context}:1"));
        let others = Some(self.cursor()).filter(|others| !others.is_empty());
        anew.chain(others).collect::<Vec<_>>().join(",")
    }

    /// The next durable events, in order within a context, and roughly in the order of time among all. With a filter a page
    /// may have fewer events than there are, or none: what it has read is bounded.
    pub async fn read_page(
        &mut self,
        state: &AppState,
        limit: PageLimit,
    ) -> Result<Vec<ShownEvent>, Problem> {
        let is_open = self.filter.is_open();
        let events = if is_open { limit.events } else { limit.events.max(FILTERED_READ) };
        let mut page = Vec::new();
        let mut bytes = 0;
        let mut count = 0;
        loop {
            let filter = self.filter.clone();
            let names = Arc::clone(&state.settings.event_names);
            let serialize = move |context: &'static str, event: &RecordedEvent| {
                let is_wanted = filter.accepts(context, event);
                let event = CloudEvent { context, event, names: &names };
                is_wanted.then(|| event.to_structured().to_string())
            };
            let part = PageLimit { events, bytes: limit.bytes.saturating_sub(bytes) };
            let read = event_reader::read_page(state, &self.logs, part, serialize).await?;
            let is_end = read.is_empty();
            for read in read {
                let Some((log, next)) = self.logs.get_mut(read.log) else { continue };
                *next = read.event.sequence + 1;
                count += 1;
                self.has_skipped = read.text.is_none();
                let Some(text) = read.text else { continue };
                bytes += text.len();
                let context = log.context();
                let id = if self.is_single { read.event.id().to_string() } else { self.cursor() };
                page.push(ShownEvent { id, context, event: read.event, text });
                if page.len() >= limit.events {
                    return Ok(page);
                }
            }
            if is_open || is_end || bytes >= limit.bytes || count >= MAX_FILTERED {
                return Ok(page);
            }
        }
    }

    /// Resolves when there may be more events.
    pub async fn wait_for_more(&self) {
        let waiting = self.logs.iter().map(|(log, next)| {
            let mut latest = log.latest();
            let next = *next;
            async move { drop(latest.wait_for(|latest| *latest >= next).await) }.boxed()
        });
        select_all(waiting).await;
    }
}
