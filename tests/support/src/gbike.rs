//! What must be so of all that gbike shows once everything is quiet, for every reader.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The things of a context, by number.
pub type Things = BTreeMap<u64, Value>;

/// All that there is to see.
pub struct Seen {
    pub bikes: Things,
    pub rents: Things,
    pub bills: Things,
    pub accounts: Things,
    pub rows: Things,
}

fn so(what: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if what { Ok(()) } else { Err(why()) }
}

impl Seen {
    /// Whether bikes, rents, bills, accounts and rows fit each other, and the money what was paid in.
    pub fn is_right(&self, paid_in: &BTreeMap<u64, u64>) -> Result<(), String> {
        self.bikes.iter().try_for_each(|(number, bike)| self.bike_is_right(*number, bike))?;
        self.rents.iter().try_for_each(|(number, rent)| self.rent_is_right(*number, rent))?;
        let users: Vec<u64> = self.accounts.keys().chain(paid_in.keys()).copied().collect();
        users.into_iter().try_for_each(|user| {
            self.account_is_right(user, paid_in.get(&user).copied().unwrap_or(0))
        })?;
        for (what, things) in [("bills", &self.bills), ("rows", &self.rows)] {
            so(things.keys().eq(self.rents.keys()), || {
                format!("{what}: {things:?}\nrents: {:?}", self.rents)
            })?;
        }
        Ok(())
    }

    fn bike_is_right(&self, number: u64, bike: &Value) -> Result<(), String> {
        let riders: Vec<_> = self
            .rents
            .iter()
            .filter(|(_, rent)| rent["bikeid"] == number && rent["status"] == "RENTED")
            .map(|(rent, _)| rent)
            .collect();
        let right = match bike["status"].as_str() {
            Some("사용중") => riders.len() == 1,
            Some("사용가능") => riders.is_empty(),
            _ => false,
        };
        so(right, || format!("bike {number} is {bike}, its rents are {riders:?}"))?;
        let left_there =
            |rent: &Value| rent["bikeid"] == number && rent["endlocation"] == bike["location"];
        so(bike["location"] == "somewhere" || self.rents.values().any(left_there), || {
            format!("no rent left bike {number} where it is: {bike}")
        })
    }

    fn rent_is_right(&self, number: u64, rent: &Value) -> Result<(), String> {
        let nothing = Value::Null;
        let bill = self.bills.get(&number).unwrap_or(&nothing);
        let row = self.rows.get(&number).unwrap_or(&nothing);
        let all = || format!("rent {number}: {rent}\nits bill: {bill}\nits row: {row}");
        let right = match rent["status"].as_str() {
            Some("RENTED") => bill["status"] == "OPENBILL" && bill["fee"].is_null(),
            Some("RETURNED") => {
                (bill["status"] == "APPLYFEE" || bill["status"] == "CLOSEBILL")
                    && bill["fee"].is_u64()
            }
            _ => false,
        };
        so(right, all)?;
        for field in ["userid", "starttime", "endtime"] {
            so(bill[field] == rent[field], all)?;
        }
        for (of_row, value) in [
            ("userid", &rent["userid"]),
            ("bikeid", &rent["bikeid"]),
            ("rentStatus", &rent["status"]),
            ("rentStarttime", &rent["starttime"]),
            ("rentEndTime", &rent["endtime"]),
            ("endlocation", &rent["endlocation"]),
            ("billid", &json!(number)),
            ("fee", &bill["fee"]),
            ("billingStatus", &bill["status"]),
        ] {
            so(row[of_row] == *value, all)?;
        }
        so((bill["status"] == "CLOSEBILL") == row["deposit"].is_u64(), all)
    }

    fn account_is_right(&self, user: u64, paid_in: u64) -> Result<(), String> {
        let nothing = Value::Null;
        let account = self.accounts.get(&user).unwrap_or(&nothing);
        let fees = |status: &str| -> Vec<u64> {
            let of = self
                .bills
                .values()
                .filter(|bill| bill["userid"] == user && bill["status"] == status);
            of.map(|bill| bill["fee"].as_u64().unwrap_or_default()).collect()
        };
        let charged = fees("CLOSEBILL");
        let open = fees("APPLYFEE");
        let all = || {
            format!(
                "user {user} has {account}, paid in {paid_in}, was charged {charged:?}, owes {open:?}"
            )
        };
        let Some(deposit) = account["deposit"].as_u64() else { return Err(all()) };
        so(deposit + charged.iter().sum::<u64>() == paid_in, all)?;
        so(account["arrears"] == open.iter().sum::<u64>(), all)?;
        // What is open is open because the oldest of it is not covered.
        so(open.is_empty() || open.iter().any(|fee| *fee > deposit), all)
    }
}
