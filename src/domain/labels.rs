//! What people call things: labels of pages, in English and Korean, for names that are on the wire.

/// What people call one thing that has a name on the wire: a field (`bookId`), a value (`POSSIBLE`), a command (`Cancel`), the
/// value of a field where that differs (`status=true`, or `payment.status=PAID` in one context), or the system itself. Each system lays its own on the board, before
/// its contexts.
///
/// ```
/// use holdfast::domain::{Mark, Label};
///
/// const FREE: Label = Label::new("status=true", "대여 가능", "Available").marked(Mark::Free);
/// assert_eq!((FREE.korean, FREE.mark), ("대여 가능", Some(Mark::Free)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The name on the wire.
    pub wire: &'static str,
    /// In Korean.
    pub korean: &'static str,
    /// In English.
    pub english: &'static str,
    /// What it is to people besides.
    pub mark: Option<Mark>,
}

impl Label {
    /// What is called `korean` and `english`.
    pub const fn new(wire: &'static str, korean: &'static str, english: &'static str) -> Self {
        Self { wire, korean, english, mark: None }
    }

    /// It, marked.
    #[must_use]
    pub const fn marked(self, mark: Mark) -> Self {
        Self { mark: Some(mark), ..self }
    }
}

/// What a value or a field is to people, so that pages can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A value: the thing may be had.
    Free,
    /// A value: someone else has the thing.
    Taken,
    /// A value: it waits, for staff or to be settled.
    Waiting,
    /// A value: all is well with the order.
    Good,
    /// A value: the order has come to nothing, or was called off.
    Ended,
    /// A field: an amount of won.
    Won,
    /// A field that people have no use for.
    Hidden,
}
