//! Stored responses to requests with an idempotency key. A row's key is the digest of the
//! idempotency key, so it has a fixed length.

use super::{
    expiry::Expiring,
    message::{CommandMessage, KeyedRequest},
    turn::Turn,
};
use crate::{
    actors::{
        port::{
            context::{Outcome, StoredKey},
            fault::{CommandFault, Fault},
        },
        tables::{
            clipping::clip_refusal,
            responses::{IdempotencyRow, PART, StoredResponse, part_key, request_key},
        },
    },
    domain::{Kind, Refusal},
    store::{StoreError, keys::Space},
};
use serde_bytes::ByteBuf;

impl Turn<'_> {
    /// The stored response to `request`, if it has not expired, and whether it was another request.
    pub(crate) fn find_response(
        &mut self,
        KeyedRequest { key, fingerprint }: &KeyedRequest,
    ) -> Result<Option<(IdempotencyRow, bool)>, StoreError> {
        if let Some(row) = self.stored_response(&request_key(&key.scope))? {
            let is_other = row.fingerprint != *fingerprint;
            return Ok(Some((row, is_other)));
        }
        let Some(StoredKey { scope, fingerprint }) = &key.before else { return Ok(None) };
        let row = self.stored_response(&request_key(scope))?;
        Ok(row.map(|row| {
            let is_other = row.fingerprint != *fingerprint;
            (row, is_other)
        }))
    }

    fn stored_response(&mut self, key: &[u8]) -> Result<Option<IdempotencyRow>, StoreError> {
        let row: Option<IdempotencyRow> = self.transaction.get(Space::Idempotency, key)?;
        let kept = self.behavior.shared.retention.seconds();
        let Some(mut row) =
            row.filter(|row| row.at + kept > self.behavior.shared.machine.seconds())
        else {
            return Ok(None);
        };
        if let Some(StoredResponse::Done { body, .. }) = &mut row.answer {
            let mut part = 0;
            while body.len() as u64 == (part + 1) * PART as u64 {
                part += 1;
                let more: Option<ByteBuf> =
                    self.transaction.get(Space::Idempotency, &part_key(key, part))?;
                body.extend_from_slice(more.as_deref().map_or(&[], |more| more.as_slice()));
            }
        }
        Ok(Some(row))
    }

    /// Reserves the key of a request that is accepted.
    pub(crate) fn reserve_response(
        &mut self,
        KeyedRequest { key, fingerprint }: &KeyedRequest,
        number: u64,
    ) -> Result<(), StoreError> {
        let row = IdempotencyRow {
            fingerprint: *fingerprint,
            number,
            at: self.behavior.shared.machine.seconds(),
            answer: None,
        };
        let key = request_key(&key.scope);
        // A repeat within this turn must find it.
        self.transaction.put_row(Space::Idempotency, key.clone(), &row)?;
        self.expiring.push(Expiring::Row(key.clone()));
        self.new_keys.push((key, number));
        Ok(())
    }

    /// Stores a refusal by the business under the idempotency key, with the number of the order whose outcome a repeat is
    /// to get; 0 where there is none.
    pub(crate) fn store_refusal(
        &mut self,
        entry: &CommandMessage,
        fault: &Fault,
        number: u64,
    ) -> Result<(), StoreError> {
        if let (Some(KeyedRequest { key, fingerprint }), Fault::Refused(refusal)) =
            (&entry.idempotency, fault)
            && refusal.kind != Kind::RetryLater
            && *refusal != Refusal::still_open()
        {
            let answer = Some(StoredResponse::Refused(clip_refusal(refusal.clone())));
            let at = self.behavior.shared.machine.seconds();
            let row = IdempotencyRow { fingerprint: *fingerprint, number, at, answer };
            let key = request_key(&key.scope);
            self.transaction.put_row(Space::Idempotency, key.clone(), &row)?;
            self.expiring.push(Expiring::Row(key));
        }
        Ok(())
    }

    /// Stores the outcome of a request.
    pub(crate) fn store_response(
        &mut self,
        key: &[u8],
        outcome: Result<Outcome, CommandFault>,
    ) -> Result<(), StoreError> {
        let row = self.transaction.get::<IdempotencyRow>(Space::Idempotency, key);
        let row = row.or_else(|error| match error {
            // A repeat gets the damage as its answer; the aggregate itself is settled.
            StoreError::Damaged(what) => {
                self.behavior
                    .shared
                    .report_damage(&format!("what is kept under an idempotency key: {what}"));
                Ok(None)
            }
            error => Err(error),
        })?;
        let Some(mut row) = row else { return Ok(()) };
        row.answer = match outcome {
            Ok(outcome) => {
                let mut parts = outcome.body.chunks(PART).map(|part| ByteBuf::from(part.to_vec()));
                let body = parts.next().unwrap_or_default();
                for (part, number) in parts.zip(1..) {
                    self.transaction.put_row(Space::Idempotency, part_key(key, number), &part)?;
                }
                Some(StoredResponse::Done { version: outcome.version, body })
            }
            Err(CommandFault { fault: Fault::Refused(refusal), .. })
                if refusal.kind != Kind::RetryLater =>
            {
                Some(StoredResponse::Refused(clip_refusal(refusal)))
            }
            // The client is asked to retry: the same key is a new request then.
            Err(_) => {
                self.transaction.remove(key.to_vec());
                return Ok(());
            }
        };
        self.transaction.put_row(Space::Idempotency, key.to_vec(), &row)
    }

    /// Removes an expired response with its continuation rows.
    pub(crate) fn expire_response(&mut self, key: &[u8], before: u64) -> Result<(), StoreError> {
        let row: Option<IdempotencyRow> = match self.transaction.get(Space::Idempotency, key) {
            Err(StoreError::Damaged(what)) => {
                self.behavior
                    .shared
                    .report_damage(&format!("what was kept under an idempotency key: {what}"));
                self.transaction.remove(key.to_vec());
                return Ok(());
            }
            row => row?,
        };
        let Some(row) = row.filter(|row| row.at <= before) else { return Ok(()) };
        self.transaction.remove(key.to_vec());
        if let Some(StoredResponse::Done { body, .. }) = row.answer
            && body.len() == PART
        {
            for part in 1.. {
                let key = part_key(key, part);
                let more: Option<ByteBuf> =
                    self.transaction.get(Space::Idempotency, &key).unwrap_or_default();
                self.transaction.remove(key);
                if more.is_none_or(|more| more.len() < PART) {
                    break;
                }
            }
        }
        Ok(())
    }
}
