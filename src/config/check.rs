//! Checks of values, in the words of an error message.

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Invalid {
    /// The key: `http.listen`.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

/// A condition has to hold.
pub fn require_setting(
    holds: bool,
    key: impl Into<String>,
    reason: impl FnOnce() -> String,
) -> Result<(), Invalid> {
    if holds { Ok(()) } else { Err(Invalid { key: key.into(), reason: reason() }) }
}
