//! Logs on stderr: text on a terminal, otherwise one JSON object a line.

use std::{io::IsTerminal, panic};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt,
};

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl LogFormat {
    /// The format of `HOLDFAST_LOG_FORMAT`; without it, text on a terminal and JSON otherwise.
    ///
    /// # Errors
    /// The value is neither `json` nor `text`.
    pub fn choose_format(asked: Option<&str>, terminal: bool) -> Result<Self, String> {
        match asked {
            Some("json") => Ok(Self::Json),
            Some("text") => Ok(Self::Text),
            Some(other) => Err(format!(
                "HOLDFAST_LOG_FORMAT: `{other}` is not allowed; allowed are `json` or `text`"
            )),
            None if terminal => Ok(Self::Text),
            None => Ok(Self::Json),
        }
    }
}

/// Format and filter, from the environment.
fn read_environment(terminal: bool) -> Result<(LogFormat, EnvFilter), String> {
    let format =
        LogFormat::choose_format(std::env::var("HOLDFAST_LOG_FORMAT").ok().as_deref(), terminal)?;
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) => EnvFilter::try_new(&filter).map_err(|_| {
            format!("RUST_LOG: `{filter}` is not a filter such as `info` or `warn,holdfast::access=info`")
        })?,
        Err(_) => EnvFilter::new("info,actix_server=warn,holdfast::access=warn"),
    };
    Ok((format, filter))
}

/// Whether a line may be written, whatever `RUST_LOG` asks for. What libraries say in detail is what travels: passwords at the
/// broker, headers, bodies.
fn may_be_written(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("holdfast") || *metadata.level() <= Level::INFO
}

/// Checks the variables that [`start_logging`] reads.
///
/// # Errors
/// A variable is malformed.
pub fn check_environment() -> Result<(), String> {
    read_environment(false).map(drop)
}

/// Starts logging. `RUST_LOG` is the filter; without it, `info` and above without a line for each request (`RUST_LOG=info`
/// includes them). A panic is one line with its place and without its message, which may contain data of a customer.
///
/// # Errors
/// A variable is malformed.
pub fn start_logging() -> Result<(), String> {
    let terminal = std::io::stderr().is_terminal();
    let (format, filter) = read_environment(terminal)?;
    // lapin logs returned messages with their bodies, which may contain data of a customer. They are counted instead.
    let filter = match "lapin::returned_messages=error".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A test may have started logging already.
    let _ = match format {
        LogFormat::Text => {
            lines.with_ansi(terminal && !plain).finish().with(filter_fn(may_be_written)).try_init()
        }
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .with(filter_fn(may_be_written))
            .try_init(),
    };
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        tracing::error!(at = place, thread = thread.name().unwrap_or("unnamed"), "thread panicked");
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::LogFormat::{self, *};

    #[test]
    fn a_person_gets_text_and_a_machine_json_unless_asked_otherwise() {
        assert_eq!(
            (LogFormat::choose_format(None, true), LogFormat::choose_format(None, false)),
            (Ok(Text), Ok(Json))
        );
        assert_eq!(
            (
                LogFormat::choose_format(Some("json"), true),
                LogFormat::choose_format(Some("text"), false)
            ),
            (Ok(Json), Ok(Text))
        );
        assert!(
            LogFormat::choose_format(Some("xml"), true).unwrap_err().contains("`json` or `text`")
        );
    }
}
