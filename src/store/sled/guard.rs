//! sled panics where it should return errors; here both become errors.

use crate::store::StoreError;
use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on the database.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| match error {
            sled::Error::Corruption { .. } => StoreError::Damaged(error.to_string()),
            error => StoreError::Failed(error.to_string()),
        }),
        Err(panic) => Err(StoreError::Damaged(words(panic.as_ref()))),
    }
}

/// Like [`guarded`], and the panic message is not printed: the caller turns it into better words.
pub(super) fn quietly<T>(work: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, StoreError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = guarded(work);
    QUIET.set(false);
    result
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("the database panicked").lines().next().unwrap_or_default().into()
}
