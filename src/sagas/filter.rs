//! Which sagas are wanted.

use super::{row::SagaRow, state::SagaState};
use crate::domain::Timestamp;
use serde::{Deserialize, Serialize};

/// Which sagas are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SagaFilter {
    /// Those of this system.
    pub system: Option<String>,
    /// Those that this context owes something.
    pub context: Option<String>,
    /// Those in this state; without it, all that are owed something.
    pub state: Option<SagaState>,
    /// Those of this customer.
    pub customer: Option<String>,
    /// Those that have waited since then or later.
    pub from: Option<Timestamp>,
    /// Those that have waited since before then.
    pub to: Option<Timestamp>,
}

impl SagaFilter {
    /// Whether what is owed by the context called `name` may be wanted.
    pub fn is_of_context(&self, name: &str) -> bool {
        let system = name.split('.').next();
        let is_of_system = self.system.as_deref().is_none_or(|wanted| Some(wanted) == system);
        is_of_system && self.context.as_deref().is_none_or(|wanted| wanted == name)
    }

    /// Whether this is wanted.
    pub fn accepts(&self, row: &SagaRow) -> bool {
        let is_in_state = match self.state {
            Some(state) => row.state == state,
            None => !row.state.is_over(),
        };
        let customer = self.customer.as_deref();
        is_in_state
            && self.is_of_context(&row.owed_by)
            && customer.is_none_or(|wanted| row.customer.as_deref() == Some(wanted))
            && self.from.is_none_or(|from| row.since.is_some_and(|since| since >= from))
            && self.to.is_none_or(|to| row.since.is_some_and(|since| since < to))
    }
}
