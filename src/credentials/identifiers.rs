//! All ways of identifying the sender of a request.

use crate::identity::{Credentials, Identify, Principal, Unidentified};
use std::{fmt, sync::Arc};

/// The ways in that this server has, in the order in which they are tried.
#[derive(Clone, Default)]
pub struct Identifiers(Vec<Arc<dyn Identify>>);

impl fmt::Debug for Identifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifiers({})", self.0.len())
    }
}

impl Identifiers {
    /// Adds a way, which is tried after the others.
    pub fn push(&mut self, way: impl Identify + 'static) {
        self.0.push(Arc::new(way));
    }

    /// Who it is, by the first way that knows credentials of this kind; `None` where no way does.
    ///
    /// # Errors
    /// [`Unidentified`], of that way.
    pub async fn identify(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Option<Arc<Principal>>, Unidentified> {
        for way in &self.0 {
            if let Some(principal) = way.identify(credentials).await? {
                return Ok(Some(principal));
            }
        }
        Ok(None)
    }
}
