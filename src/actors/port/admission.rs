//! How much mail from outside a context takes at once, in all and from one principal.

use super::fault::Fault;
use crate::{
    identity::{DEVELOPMENT, Principal, Role},
    shares::{Share, Shares},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One customer has at most so many of a context's permits, so that it cannot shut the others out. In development, where the
/// load of many customers comes from one, there is no such bound.
const MOST_OF_ONE: usize = 64;
/// The programs and the staff of the business, which act for many customers, have at most this part of the permits each.
const PART_OF_STAFF: usize = 2;

/// The permits of a context.
pub struct Admission {
    permits: Arc<Semaphore>,
    shares: Shares,
    most_of_staff: usize,
}

/// Mail from outside is let in with it, and keeps it until it is done with.
pub struct AdmissionPermit {
    _permit: OwnedSemaphorePermit,
    _share: Option<Share>,
}

impl Admission {
    pub fn new(permits: usize) -> Self {
        let most_of_staff = (permits / PART_OF_STAFF).max(MOST_OF_ONE);
        Self {
            permits: Arc::new(Semaphore::new(permits)),
            shares: Shares::default(),
            most_of_staff,
        }
    }

    /// A permit for mail of `principal`.
    ///
    /// # Errors
    /// [`Fault::TooManyAtOnce`] if it has too many, [`Fault::Busy`] if all are taken.
    pub fn admit(&self, principal: Option<&Principal>) -> Result<AdmissionPermit, Fault> {
        let bounded = principal.filter(|principal| principal.issuer != DEVELOPMENT);
        let share = bounded.map(|principal| self.share_of(principal)).transpose()?;
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| Fault::Busy { retry_after: Duration::from_secs(1) })?;
        Ok(AdmissionPermit { _permit: permit, _share: share })
    }

    fn share_of(&self, principal: &Principal) -> Result<Share, Fault> {
        let acts_for_many = principal.roles.has(Role::Staff);
        let limit = if acts_for_many { self.most_of_staff } else { MOST_OF_ONE };
        let share = self.shares.take(principal.identifier(), limit);
        share.ok_or(Fault::TooManyAtOnce { limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(issuer: &str, subject: &str) -> Principal {
        Principal { issuer: issuer.into(), subject: subject.into(), ..Principal::default() }
    }

    fn refused(admitted: Result<AdmissionPermit, Fault>) -> Fault {
        admitted.err().unwrap()
    }

    #[test]
    fn one_principal_has_so_many_permits_and_the_others_have_theirs() {
        let admission = Admission::new(3 * MOST_OF_ONE);
        let greedy = named("https://id.example", "a");
        let admit = |principal: &Principal| admission.admit(Some(principal));
        let mut held: Vec<_> = (0..MOST_OF_ONE).map(|_| admit(&greedy).unwrap()).collect();
        assert_eq!(refused(admit(&greedy)), Fault::TooManyAtOnce { limit: MOST_OF_ONE });
        let other = admit(&named("https://id.example", "b")).unwrap();
        let _key = admit(&named("key", "a")).unwrap();
        held.pop();
        held.push(admit(&greedy).unwrap());
        refused(admit(&greedy));
        drop((held, other));
        assert_eq!(admission.shares.count_holders(), 1, "who has none takes no room");
    }

    #[test]
    fn one_of_the_staff_has_half_of_the_permits_and_the_others_have_theirs() {
        let admission = Admission::new(4 * MOST_OF_ONE);
        let till = Principal { roles: [Role::Staff].into_iter().collect(), ..named("key", "a") };
        let held: Vec<_> =
            (0..2 * MOST_OF_ONE).map(|_| admission.admit(Some(&till)).unwrap()).collect();
        let most = Fault::TooManyAtOnce { limit: 2 * MOST_OF_ONE };
        assert_eq!(refused(admission.admit(Some(&till))), most);
        assert!(admission.admit(Some(&named("https://id.example", "b"))).is_ok());
        drop(held);
        let few = Admission::new(MOST_OF_ONE);
        let held: Vec<_> = (0..MOST_OF_ONE).map(|_| few.admit(Some(&till)).unwrap()).collect();
        drop(held);
    }

    #[test]
    fn in_development_and_between_nodes_all_permits_may_be_of_one() {
        let developer = Principal::development();
        for principal in [Some(&developer), None] {
            let admission = Admission::new(2 * MOST_OF_ONE);
            let held: Vec<_> =
                (0..2 * MOST_OF_ONE).map(|_| admission.admit(principal).unwrap()).collect();
            let busy = Fault::Busy { retry_after: Duration::from_secs(1) };
            assert_eq!(refused(admission.admit(principal)), busy);
            drop(held);
            assert!(admission.admit(principal).is_ok());
        }
    }

    #[test]
    fn a_principal_for_whom_there_is_no_permit_has_none() {
        let admission = Admission::new(1);
        let principal = named("key", "a");
        let held = admission.admit(None).unwrap();
        refused(admission.admit(Some(&principal)));
        drop(held);
        assert_eq!(admission.shares.count_holders(), 0);
        assert!(admission.admit(Some(&principal)).is_ok());
    }
}
