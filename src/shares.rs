//! How many of something each holder has, so that one holder cannot shut the others out.

use crate::sync;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// What each holder has that has any.
#[derive(Debug, Clone, Default)]
pub struct Shares(Arc<Mutex<HashMap<String, usize>>>);

/// One of what a holder has; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    shares: Shares,
    holder: String,
}

impl Shares {
    /// One more for `holder`, unless it has `most` already.
    pub fn take(&self, holder: String, most: usize) -> Option<Share> {
        let mut held = sync::lock(&self.0);
        let count = held.get(&holder).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        held.insert(holder.clone(), count + 1);
        Some(Share { shares: self.clone(), holder })
    }

    /// How many holders have any.
    #[cfg(test)]
    pub fn count_holders(&self) -> usize {
        sync::lock(&self.0).len()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = sync::lock(&self.shares.0);
        let left = held.get(&self.holder).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            held.remove(&self.holder);
        } else {
            held.insert(std::mem::take(&mut self.holder), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_so_many_and_who_gives_all_back_takes_no_room() {
        let shares = Shares::default();
        let take = |holder: &str| shares.take(holder.to_owned(), 2);
        let mut held = vec![take("a").unwrap(), take("a").unwrap()];
        assert!(take("a").is_none());
        let other = take("b").unwrap();
        held.pop();
        held.push(take("a").unwrap());
        assert!(take("a").is_none());
        drop(held);
        assert_eq!(shares.count_holders(), 1);
        drop(other);
        assert_eq!(shares.count_holders(), 0);
    }
}
