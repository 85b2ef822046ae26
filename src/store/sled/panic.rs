//! sled panics where it should return errors; here both become errors.

use crate::store::StoreError;
use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on the database.
pub fn catch_panic<T>(work: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| match error {
            sled::Error::Corruption { .. } => StoreError::Damaged(error.to_string()),
            error => StoreError::Failed(error.to_string()),
        }),
        Err(panic) => Err(StoreError::Damaged(panic_message(panic.as_ref()))),
    }
}

/// Like [`catch_panic`], without printing the panic message: the caller reports it in better words.
pub fn catch_panic_silently<T>(
    work: impl FnOnce() -> Result<T, sled::Error>,
) -> Result<T, StoreError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !SILENT.get() {
                loud(info);
            }
        }));
    });
    SILENT.set(true);
    let result = catch_panic(work);
    SILENT.set(false);
    result
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("the database panicked").lines().next().unwrap_or_default().into()
}
