//! Panics that are caught where they happen: a message that crashes its context is answered, and no one outside learns why.
//! The crashes that a schedule wants are no panics: they begin without the hook.

use std::{
    cell::RefCell,
    panic::{set_hook, take_hook},
    sync::Once,
};

thread_local! {
    /// What this thread has panicked with, while it is watched.
    static CAUGHT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// For as long as it lives, panics of its thread are kept, and not printed.
pub struct Watch(());

impl Watch {
    pub fn begin() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = take_hook();
            set_hook(Box::new(move |panic| {
                let is_kept = CAUGHT.with_borrow_mut(|caught| {
                    let caught = caught.as_mut();
                    caught.map(|caught| caught.push(panic.to_string())).is_some()
                });
                if !is_kept {
                    before(panic);
                }
            }));
        });
        CAUGHT.set(Some(Vec::new()));
        Self(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        CAUGHT.set(None);
    }
}

/// The first panic of this thread since the last look, in one line.
pub fn take() -> Option<String> {
    let caught = CAUGHT.with_borrow_mut(|caught| caught.as_mut().map(std::mem::take));
    let first = caught.unwrap_or_default().into_iter().next()?;
    Some(first.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}
