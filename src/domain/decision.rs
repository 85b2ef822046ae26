//! What a decision comes to.

use super::Refusal;

/// The events that follow, or why not.
pub type Decision<E> = Result<Vec<E>, Refusal>;

/// One event follows.
///
/// # Errors
/// Never; the type is that of a decision.
pub fn emit<E>(event: E) -> Decision<E> {
    Ok(vec![event])
}

/// Nothing follows: it is so already, or there is nothing to do.
///
/// # Errors
/// Never; the type is that of a decision.
pub fn ignore<E>() -> Decision<E> {
    Ok(Vec::new())
}
