//! Claims: keys that one aggregate of a context holds exclusively.

use super::turn::Turn;
use crate::{
    actors::tables::claims::{claim_key, contested_key},
    domain::Refusal,
    store::{StoreError, keys::Space},
};

impl Turn<'_> {
    /// Checks that no other aggregate holds these keys.
    pub(crate) fn check_claims(
        &mut self,
        number: u64,
        new: &[String],
    ) -> Result<Result<(), Refusal>, StoreError> {
        for key in new {
            let holder = self.holder_of(key)?;
            if holder.is_some_and(|holder| holder != number) {
                return Ok(Err(self.behavior.aggregate.claim_refusal(key)));
            }
        }
        Ok(Ok(()))
    }

    /// The number of the aggregate that holds a key.
    pub(crate) fn holder_of(&mut self, key: &str) -> Result<Option<u64>, StoreError> {
        self.transaction.get(Space::Claim, &claim_key(key)).map_err(|error| match error {
            StoreError::Damaged(what) => StoreError::Damaged(format!("who holds `{key}`: {what}")),
            error => error,
        })
    }

    pub(crate) fn write_claims(
        &mut self,
        number: u64,
        given_up: &[String],
        new: &[String],
    ) -> Result<(), StoreError> {
        for key in given_up {
            if self.behavior.contested.contains_key(key) {
                self.release_contested(number, key)?
            } else {
                self.transaction.remove(claim_key(key))
            }
        }
        for key in new {
            self.transaction.put_row(Space::Claim, claim_key(key), &number)?;
        }
        Ok(())
    }

    /// `number` gives up a key that others claim too.
    fn release_contested(&mut self, number: u64, key: &str) -> Result<(), StoreError> {
        let known =
            self.contested.iter().rev().find(|(known, _)| known == key).map(|(_, numbers)| numbers);
        let mut numbers =
            known.or_else(|| self.behavior.contested.get(key)).cloned().unwrap_or_default();
        numbers.retain(|claims| *claims != number);
        match numbers.first() {
            Some(next) => self.transaction.put_row(Space::Claim, claim_key(key), next)?,
            None => self.transaction.remove(claim_key(key)),
        }
        match numbers.len() {
            0 | 1 => self.transaction.remove(contested_key(key)),
            _ => self.transaction.put_row(Space::Claim, contested_key(key), &numbers)?,
        }
        self.contested.push((key.to_owned(), numbers));
        Ok(())
    }
}
