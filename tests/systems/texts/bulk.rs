//! Many refused messages are sent again or dropped by one request, with a preview; it goes on after a kill.

use super::{
    gateway::{Gateway, Reply},
    sending::{product, rental},
};
use serde_json::{Value, json};
use std::collections::HashSet;
use support::{Client, Server, eventually};

const RENTALS: usize = 25;

fn telephone(number: usize) -> String {
    format!("010-{number}")
}

fn stuck(client: &Client) -> Vec<Value> {
    let page = client.get("/admin/sagas?state=stuck&limit=1000").is(200);
    page["sagas"].as_array().unwrap().clone()
}

/// A server with two refused messages of each rental.
fn with_refused(gateway: &Gateway, settings: &str) -> Server {
    for number in 0..RENTALS {
        gateway.answers(&telephone(number), Reply::Status(410));
    }
    let server = gateway.server_with("purifier", settings);
    let product = product(&server, 100);
    for number in 0..RENTALS {
        rental(&server, product, &telephone(number));
    }
    eventually("all messages are refused", || (stuck(&server).len() == 2 * RENTALS).then_some(()));
    server
}

#[test]
fn fifty_refused_messages_are_sent_again_by_one_request_also_when_the_server_is_killed_meanwhile() {
    let gateway = Gateway::start();
    let mut server = with_refused(&gateway, "[sagas]\nredrive_per_second = 50\n");
    let row = stuck(&server).remove(0);
    assert_eq!((&row["what"], &row["reason"]), (&json!("text"), &json!("text-refused")), "{row}");
    assert!(row["why"].as_str().unwrap().contains("410"), "{row}");
    let all = json!({ "system": "purifier" });
    let preview =
        server.post("/admin/parked/redrive", json!({ "system": "purifier", "dryRun": true }));
    let preview = preview.is(200);
    assert_eq!((&preview["count"], &preview["atLeast"]), (&json!(50), &json!(false)));
    assert_eq!(preview["sample"].as_array().unwrap().len(), 20);
    let of_none = json!({ "context": "purifier.rental", "dryRun": true });
    assert_eq!(server.post("/admin/parked/drop", of_none).is(200)["count"], 0);
    let jobs = server.get("/admin/jobs").is(200);
    assert_eq!(jobs["jobs"], json!([]), "a preview touches nothing");

    (0..RENTALS).for_each(|number| gateway.answers(&telephone(number), Reply::Status(200)));
    let begun = server.post("/admin/parked/redrive", all.clone()).is(202);
    let id = begun["id"].as_str().unwrap().to_owned();
    assert!(begun.header("location").ends_with(&format!("/admin/jobs/{id}")));
    let again = server.post("/admin/parked/redrive", all).is(202);
    assert_eq!(again["id"], id.as_str(), "the same is not begun twice while it runs");
    let taken =
        || (0..RENTALS).map(|number| gateway.taken(&telephone(number)).len()).sum::<usize>();
    eventually("some are sent", || (taken() > 4).then_some(()));
    server.kill();
    server.restart();
    let job = eventually("the job is done", || {
        let job = server.get(&format!("/admin/jobs/{id}")).is(200);
        (job["state"] == "done").then_some(job)
    });
    assert_eq!(
        (&job["failed"], &job["nodes"][0]["state"]),
        (&json!(0), &json!("done")),
        "{}",
        job.text
    );
    (0..RENTALS).for_each(|number| drop(gateway.takes(&telephone(number), 2)));
    assert_eq!(stuck(&server), [0; 0]);
    assert_eq!(server.get("/admin/parked").is(200)["parked"], json!([]));
    let audit = server.get("/admin/audit").is(200);
    let lines = audit["audit"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["path"] == "/admin/parked/redrive"), "{}", audit.text);
}

#[test]
fn a_saga_that_gets_stuck_is_reported_once_and_once_when_it_is_free() {
    let gateway = Gateway::start();
    gateway.answers("010-1", Reply::Status(410));
    gateway.answers("saga.stuck", Reply::Status(500));
    let mut server = gateway.server_with("purifier", &gateway.alerts());
    let product = product(&server, 9);
    rental(&server, product, "010-1");
    rental(&server, product, "010-2");
    eventually("it is stuck", || (stuck(&server).len() == 2).then_some(()));
    // It is sent again and again until the receiver takes it, also after a restart.
    eventually("it is sent", || (gateway.tries("saga.stuck") > 1).then_some(()));
    server.kill();
    server.restart();
    gateway.answers("saga.stuck", Reply::Status(200));
    let told = gateway.takes("saga.stuck", 1).remove(0);
    let saga: Value = serde_json::from_str(&told.text).unwrap();
    assert_eq!(
        (&saga["context"], &saga["number"]),
        (&json!("purifier.rental"), &json!(1)),
        "{saga}"
    );
    assert_eq!(
        (&saga["reason"], &saga["owedBy"]),
        (&json!("text-refused"), &json!("purifier.notification"))
    );
    server.kill();
    server.restart();
    assert_eq!(stuck(&server).len(), 2);
    gateway.answers("010-1", Reply::Status(200));
    server.post("/admin/parked/redrive", json!({})).is(202);
    let freed = gateway.takes("saga.freed", 1).remove(0);
    assert!(freed.text.contains("purifier.rental"), "{}", freed.text);
    // Both messages of the rental are one saga. A kill may repeat what was sent, under the same id.
    for kind in ["saga.stuck", "saga.freed"] {
        let ids: HashSet<String> = gateway.taken(kind).into_iter().map(|told| told.id).collect();
        assert_eq!(ids.len(), 1, "{kind}: {ids:?}");
    }
}

#[test]
fn a_job_is_canceled_and_what_it_has_done_stays() {
    let gateway = Gateway::start();
    let server = with_refused(&gateway, "[sagas]\nredrive_per_second = 1\n");
    let begun = server.post("/admin/parked/drop", json!({})).is(202);
    let path = format!("/admin/jobs/{}", begun["id"].as_str().unwrap());
    eventually("one is dropped", || (stuck(&server).len() < 2 * RENTALS).then_some(()));
    let canceled = server.post(&format!("{path}/cancel"), json!({})).is(200);
    assert_eq!(canceled["state"], "canceled", "{}", canceled.text);
    let left = stuck(&server).len();
    assert!(left > RENTALS, "{left}");
    // Another one does the rest: it is of its own kind.
    assert_eq!(server.post(&format!("{path}/cancel"), json!({})).is(200)["state"], "canceled");
    server.post("/admin/jobs/nothing/cancel", json!({})).refuses(404, "not-found");
    server.get("/admin/jobs/nothing").refuses(404, "not-found");
    server.post("/admin/parked/drop", json!({ "system": "movies" })).refuses(400, "bad-filter");
    server.post("/admin/parked/drop", json!({ "from": "yesterday" })).refuses(400, "bad-body");
}
