//! Logs, on stderr: text where a person reads along, a JSON object a line otherwise.

use std::{io::IsTerminal, panic};
use tracing_subscriber::EnvFilter;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Format {
    /// What `HOLDFAST_LOG_FORMAT` asks for; without it, what suits the reader.
    ///
    /// # Errors
    /// The words for a value that is neither `json` nor `text`.
    pub fn choose(asked: Option<&str>, terminal: bool) -> Result<Self, String> {
        match asked {
            Some("json") => Ok(Self::Json),
            Some("text") => Ok(Self::Text),
            Some(other) => {
                Err(format!("HOLDFAST_LOG_FORMAT is `{other}`; it may be `json` or `text`"))
            }
            None if terminal => Ok(Self::Text),
            None => Ok(Self::Json),
        }
    }
}

/// Starts writing logs; `RUST_LOG` filters them; otherwise `info` and above, without a line for each
/// request (`RUST_LOG=info` has them). A panic becomes one line that says where,
/// and not what: its payload may hold what a customer has sent.
///
/// # Errors
/// The words for a variable that cannot be understood.
pub fn start() -> Result<(), String> {
    let terminal = std::io::stderr().is_terminal();
    let format = Format::choose(std::env::var("HOLDFAST_LOG_FORMAT").ok().as_deref(), terminal)?;
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) => EnvFilter::try_new(filter)
            .map_err(|why| format!("RUST_LOG cannot be understood: {why}"))?,
        Err(_) => EnvFilter::new("info,holdfast::access=warn"),
    };
    // A returned message would be told with its body, which is what a customer has sent or been told; they are counted.
    let filter = match "lapin::returned_messages=error".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Someone else may have begun to listen, as tests do; then there is nothing to start.
    let _ = match format {
        Format::Text => lines.with_ansi(terminal && !plain).try_init(),
        Format::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    };
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        tracing::error!(
            at = place,
            thread = thread.name().unwrap_or("unnamed"),
            "a thread panicked"
        );
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Format::{self, *};

    #[test]
    fn a_person_gets_text_and_a_machine_json_unless_asked_otherwise() {
        assert_eq!((Format::choose(None, true), Format::choose(None, false)), (Ok(Text), Ok(Json)));
        assert_eq!(
            (Format::choose(Some("json"), true), Format::choose(Some("text"), false)),
            (Ok(Json), Ok(Text))
        );
        assert!(Format::choose(Some("xml"), true).unwrap_err().contains("`json` or `text`"));
    }
}
