//! The sagas of a node for those who run it: what its contexts still owe, and how that looks from outside.

mod filter;
mod list;
mod row;
mod settings;

pub use filter::{SagaFilter, SagaState};
pub use list::{RowPage, RowStart, list_rows};
pub use row::{Reason, SagaLinks, SagaRow};
pub use settings::SagaSettings;
