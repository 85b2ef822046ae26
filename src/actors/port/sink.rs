//! Who takes what flows out of a node.

use futures_util::future::BoxFuture;
use serde::Serialize;

/// A receiver outside the node.
///
/// ```
/// use futures_util::{FutureExt, future::BoxFuture};
/// use holdfast::actors::Sink;
///
/// /// Takes one line at a time.
/// struct Printer;
///
/// impl Sink<String> for Printer {
///     fn take_items<'a>(
///         &'a self,
///         context: &'static str,
///         items: &'a [(u64, String)],
///     ) -> BoxFuture<'a, Result<usize, String>> {
///         async move {
///             let (sequence, line) = items.first().ok_or("there is nothing to take")?;
///             println!("{context} {sequence}: {line}");
///             Ok(1)
///         }
///         .boxed()
///     }
/// }
///
/// let lines = [(1, "one".to_owned()), (2, "two".to_owned())];
/// let taken = Printer.take_items("shop.order", &lines).now_or_never();
/// assert_eq!(taken, Some(Ok(1)), "the second is offered next");
/// ```
pub trait Sink<T>: Send + Sync {
    /// Takes items of `context`, from the first on, and returns how many of them it is done with: at least one.
    ///
    /// # Errors
    /// Why it could not take even the first; it is offered again after a pause. A sink that knows when it can go on
    /// waits for that itself, and shows it in [`Sink::health`].
    fn take_items<'a>(
        &'a self,
        context: &'static str,
        items: &'a [(u64, T)],
    ) -> BoxFuture<'a, Result<usize, String>>;
    /// How it is doing, where that is known apart from what it takes.
    fn health(&self) -> Option<SinkHealth> {
        None
    }
}

/// The state of a receiver outside, for all contexts at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkHealth {
    /// Its name: `amqp`.
    pub sink: &'static str,
    /// Whether it can take something now.
    pub up: bool,
    /// `connected`, `blocked`, `away`.
    pub state: &'static str,
    /// Why it cannot.
    pub error: Option<String>,
    /// How many items it has taken.
    pub sent: u64,
    /// How many no receiver has subscribed to.
    pub returned: u64,
    /// How often it had to be reached anew.
    pub reconnects: u64,
}
