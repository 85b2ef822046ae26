//! How many streams of events are open: in all, and of one caller.

use crate::{
    api::Problem,
    shares::{Share, Shares},
};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The permits for streams.
#[derive(Debug)]
pub struct StreamPermits {
    all: Arc<Semaphore>,
    most: usize,
    shares: Shares,
    most_of_caller: usize,
}

/// A stream is open while it has this.
#[derive(Debug)]
pub struct StreamPermit {
    _permit: OwnedSemaphorePermit,
    _share: Option<Share>,
}

impl StreamPermits {
    /// Permits for `most` streams, of which one caller has at most `most_of_caller`.
    pub fn new(most: usize, most_of_caller: usize) -> Self {
        let all = Arc::new(Semaphore::new(most));
        Self { all, most, shares: Shares::default(), most_of_caller }
    }

    /// A permit for one stream of `caller`; without one, it is counted among all alone.
    ///
    /// # Errors
    /// `too-many-streams`
    pub fn take(&self, caller: Option<String>) -> Result<StreamPermit, Problem> {
        let share = caller.map(|caller| {
            let share = self.shares.take(caller, self.most_of_caller);
            share.ok_or_else(|| too_many_of_caller(self.most_of_caller))
        });
        let share = share.transpose()?;
        let permit = Arc::clone(&self.all).try_acquire_owned();
        let permit = permit.map_err(|_| too_many(self.most))?;
        Ok(StreamPermit { _permit: permit, _share: share })
    }

    /// How many are open.
    pub fn count_open(&self) -> usize {
        self.most.saturating_sub(self.all.available_permits())
    }
}

fn too_many(most: usize) -> Problem {
    let en = format!("{most} event streams are open, which is the limit; try again, or read pages");
    let ko = format!("이벤트 스트림은 {most}개까지 열 수 있습니다. 잠시 후 다시 시도해 주세요");
    Problem::new("too-many-streams", en, ko).with_parameter("retry-after", "5".into())
}

fn too_many_of_caller(most: usize) -> Problem {
    let en = format!("this caller has {most} event streams open, which is the limit; close one");
    let ko = format!(
        "한 호출자는 이벤트 스트림을 {most}개까지 열 수 있습니다. 다른 스트림을 먼저 닫아 주세요"
    );
    Problem::new("too-many-streams", en, ko).with_parameter("retry-after", "5".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_has_so_many_and_all_together_have_so_many() {
        let permits = StreamPermits::new(3, 2);
        let take = |caller: &str| permits.take(Some(caller.to_owned()));
        let held = [take("a").unwrap(), take("a").unwrap()];
        assert_eq!(take("a").unwrap_err().code(), "too-many-streams");
        let other = take("b").unwrap();
        assert!(take("c").is_err() && permits.take(None).is_err());
        assert_eq!(permits.count_open(), 3);
        drop(held);
        assert_eq!(permits.count_open(), 1);
        assert!(take("a").is_ok());
        drop(other);
    }
}
