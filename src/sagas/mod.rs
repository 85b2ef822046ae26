//! The sagas of a node for those who run it: what its contexts still owe, and how that looks from outside.

mod filter;
mod job;
mod jobs;
mod list;
mod news;
mod row;
mod settings;
mod state;
mod watch;

pub use filter::SagaFilter;
pub use job::{Job, JobAction, JobOrder, JobState};
pub use jobs::Jobs;
pub use list::{RowPage, RowStart, list_rows};
pub use news::{NewsKind, SagaNews, StuckReceiver, StuckSaga};
pub use row::{Reason, SagaLinks, SagaRow};
pub use settings::SagaSettings;
pub use state::SagaState;
pub use watch::SagaWatch;
