//! What the tests of gbike say to it.

use serde_json::{Value, json};
use support::{Answer, Client, Server};

pub const BIKE: &str = "gbike.bike";
pub const RENT: &str = "gbike.rent";
pub const BILLING: &str = "gbike.billing";
pub const DEPOSIT: &str = "gbike.userDeposit";
pub const VIEW: &str = "gbike.view";

/// Where bikes are at first, and where they are brought.
pub const ZONE_1: &str = "분당_정자역_1구역";
pub const ZONE_3: &str = "분당_정자역_3구역";

/// A server whose answers are waited for however slow the machine is.
pub fn start() -> Server {
    patient("")
}

/// The same, where rides cost nothing, however long a slow machine makes them.
pub fn free_of_charge() -> Server {
    patient("[systems.gbike]\nfee_per_minute = 0")
}

/// The same, configured further.
pub fn patient(toml: &str) -> Server {
    let guards = [BIKE, DEPOSIT]
        .map(|context| format!("[guard.\"{context}\"]\ntimeout_ms = 20000\n"))
        .concat();
    Server::of("gbike", &format!("{toml}\n{guards}"), &[])
}

/// Registers a bike that may be taken. Its number is best one that no rent of the test will have.
pub fn register(client: &Client, bike: u64) {
    let body = json!({"bikeid": bike.to_string(), "status": "사용가능", "location": ZONE_1});
    client.post("/bikes", body).is(201).has("id", bike).has("status", "사용가능");
}

pub fn top_up(client: &Client, user: u64, won: u64) -> Answer {
    client
        .post("/userDeposits", json!({"userid": user.to_string(), "deposit": won.to_string()}))
        .is(201)
}

pub fn rent(client: &Client, bike: u64, user: u64) -> Answer {
    client.post("/rents", json!({"userid": user.to_string(), "bikeid": bike.to_string()}))
}

/// Rents; returns the number of the rent.
pub fn ride(client: &Client, bike: u64, user: u64) -> u64 {
    rent(client, bike, user).is(201).has("status", "RENTED").id()
}

pub fn bring_back(client: &Client, rent: u64, place: &str) -> Answer {
    client.patch(&format!("/rents/{rent}"), json!({ "endlocation": place }))
}

/// Lets minutes pass.
pub fn pass(client: &Client, minutes: u64) {
    client.post("/admin/clock", json!({"advance": format!("PT{minutes}M")})).is(200);
}

/// What an account shows: the deposit and what is owed.
pub fn account(client: &Client, user: u64) -> (u64, u64) {
    let account = client.get(&format!("/userDeposits/{user}")).is(200);
    (account["deposit"].as_u64().unwrap(), account["arrears"].as_u64().unwrap())
}

/// How often something happened in the saga of a rent, in a context.
pub fn happened(client: &Client, rent: u64, context: &str, what: &str) -> usize {
    let saga = client.get(&format!("/admin/sagas/gbike/{rent}")).is(200);
    let entries = saga["entries"].as_array().unwrap().clone();
    entries.iter().filter(|entry| entry["context"] == context && entry["what"] == what).count()
}

/// The sum of a field over things.
pub fn won(of: &[Value], field: &str) -> u64 {
    of.iter().map(|thing| thing[field].as_u64().unwrap()).sum()
}
