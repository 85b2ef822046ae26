//! Whose saga it is: the customer who began it is on each of its events, and each row that belongs to it is that customer's.

use super::client::Order;
use holdfast::actors::{Context, Fault};
use std::{collections::BTreeMap, sync::Arc};

/// The fields in which a body names a customer.
const SUBJECTS: [&str; 3] = ["userId", "customerId", "userid"];
/// So many customers are there where no body names one.
const CUSTOMERS: u64 = 3;

/// An event, as far as it says whose it is.
pub struct Spoken {
    pub number: u64,
    pub saga: String,
    pub owner: Option<String>,
}

/// The customer for whom an order is, where its body does not say.
pub fn customer_of(order: &Order) -> Option<Arc<str>> {
    let is_named = SUBJECTS.iter().any(|subject| order.body.get(subject).is_some());
    let customer = order.key.filter(|_| !is_named)? % CUSTOMERS;
    Some(customer.to_string().into())
}

/// The customer of each saga.
#[derive(Default)]
pub struct Owners(BTreeMap<String, Option<String>>);

impl Owners {
    /// An event of a context. All of a saga are of one customer.
    pub fn note(&mut self, spoken: &Spoken) -> Result<(), String> {
        let Spoken { number, saga, owner } = spoken;
        let known = self.0.entry(saga.clone()).or_insert_with(|| owner.clone());
        if known == owner {
            return Ok(());
        }
        Err(format!(
            "#{number} speaks for {owner:?} in {saga}, where another event is of {known:?}"
        ))
    }

    /// What a customer has begun is that customer's.
    pub fn holds(&self, saga: &str, customer: &str) -> Result<(), String> {
        match self.0.get(saga) {
            Some(Some(owner)) if owner == customer => Ok(()),
            owner => Err(format!("{saga} was begun for {customer}, and is of {owner:?}")),
        }
    }

    /// A row that belongs to a saga is of the same customer.
    pub fn has_row(&self, context: &dyn Context, number: u64, saga: &str) -> Result<(), String> {
        let shown = match context.read_item(number) {
            Ok(seen) => seen.owner,
            Err(Fault::Refused(_)) => return Ok(()),
            Err(fault) => return Err(format!("#{number} cannot be read: {fault}")),
        };
        let owner = self.0.get(saga).and_then(Option::as_deref);
        if owner.is_some() && owner == shown.as_deref() {
            return Ok(());
        }
        Err(format!("#{number} is of {shown:?}, and its saga {saga} of {owner:?}"))
    }
}

/// The saga that a thing begins.
pub fn saga_of(context: &str, number: u64) -> String {
    format!("{context}-{number}")
}
