//! What happened, line by line: hashed always, kept or printed on demand.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The last lines; they outlive a world that panics.
pub type Tail = Arc<Mutex<VecDeque<String>>>;
const TAIL: usize = 60;

/// FNV-1a over whatever is written to it.
#[derive(Clone, Copy)]
pub struct Digest(pub u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}
impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
impl Digest {
    /// The digest of what came before and of `next`.
    pub fn and(mut self, next: fmt::Arguments<'_>) -> Self {
        let _ = fmt::Write::write_fmt(&mut self, next);
        self
    }
}

#[derive(Default)]
pub struct Trace {
    digest: Digest,
    tail: Option<Tail>,
    print: bool,
}

impl Trace {
    pub fn new(tail: Option<Tail>, print: bool) -> Self {
        Self { digest: Digest::default(), tail, print }
    }
    pub fn hash(&self) -> u64 {
        self.digest.0
    }
    pub fn say(&mut self, line: fmt::Arguments<'_>) {
        self.digest = self.digest.and(line);
        if self.print {
            println!("{line}");
        }
        if let Some(tail) = &self.tail {
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(line.to_string());
        }
    }
}
