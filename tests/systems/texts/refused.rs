//! What a gateway refuses is shown, counted, parked, and sent again or dropped by an operator.

use super::{
    gateway::{Gateway, Reply},
    sending::{product, rental},
};
use serde_json::{Value, json};
use support::{Client, eventually};

fn parked(client: &Client) -> Vec<Value> {
    client.get("/admin/parked").is(200)["parked"].as_array().unwrap().clone()
}

/// They are parked before that is recorded.
fn both_are_refused(client: &Client) {
    eventually("both are refused", || {
        let refused = client.get("/notifications?status=REFUSED").is(200);
        (refused["page"]["totalElements"] == 2).then_some(())
    });
}

fn health(client: &Client) -> Value {
    client.get("/actuator/health").is(200)["components"]["messages"].clone()
}

#[test]
fn a_refused_message_has_its_reason_and_delays_no_other_also_to_its_own_telephone() {
    for status in [400, 404, 410, 413, 422] {
        let gateway = Gateway::start();
        gateway.answers("010-gone", Reply::Status(status));
        let server = gateway.server("purifier");
        assert_eq!(health(&server)["status"], "UP");
        let product = product(&server, 9);
        rental(&server, product, "010-gone");
        rental(&server, product, "010-1");
        gateway.takes("010-1", 2);
        both_are_refused(&server);
        assert_eq!(gateway.tries("010-gone"), 2, "each was tried once");
        let refused = server.get("/notifications/1").is(200).has("status", "REFUSED");
        assert!(refused["sentAt"].is_null(), "{}", refused.text);
        let reason = refused["reason"].as_str().unwrap();
        assert!(reason.contains(&status.to_string()), "{reason}");
        let shown = parked(&server);
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert_eq!(
            (&shown[0]["context"], &shown[0]["number"], &shown[0]["reason"]),
            (&json!("purifier.notification"), &json!(1), &json!(reason))
        );
        assert_eq!(shown[0]["saga"], "purifier.rental-1");
        assert_eq!(server.metric("holdfast_refused_messages"), 2.0);
        let health = health(&server);
        assert_eq!(
            (&health["status"], &health["details"]["refused"]),
            (&json!("UNKNOWN"), &json!(2))
        );
        let report = server.get("/readyz?verbose").is(200).text;
        assert!(report.contains("[-]messages: 2 refused"), "{report}");
    }
}

#[test]
fn what_was_refused_is_sent_again_or_dropped_by_an_operator_also_after_a_restart() {
    let gateway = Gateway::start();
    gateway.answers("010-1", Reply::Status(410));
    let mut server = gateway.server("purifier");
    let product = product(&server, 9);
    rental(&server, product, "010-1");
    both_are_refused(&server);
    server.kill();
    server.restart();
    let ids: Vec<String> =
        parked(&server).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2);
    let page = server.get("/admin/parked?limit=1").is(200);
    let next = page["next"].as_str().unwrap();
    assert_eq!(server.get(next).is(200)["parked"][0]["id"], json!(ids[1]));

    // It is refused again, and parked once.
    let act = |what: &str, id: &str| server.post(&format!("/admin/parked/{id}/{what}"), json!({}));
    act("redrive", &ids[0]).is(200);
    eventually("it is tried again", || (gateway.tries("010-1") == 3).then_some(()));
    eventually("it is refused again", || (parked(&server).len() == 2).then_some(()));

    // It is parked before that is recorded: a retry that comes too early is lost, the message is not.
    gateway.answers("010-1", Reply::Status(200));
    eventually("it is sent", || {
        let is_parked = parked(&server).iter().any(|item| item["id"] == json!(ids[0]));
        if is_parked {
            act("redrive", &ids[0]);
        }
        (!gateway.taken("010-1").is_empty()).then_some(())
    });
    let taken = gateway.taken("010-1");
    assert!(taken[0].text.contains("접수"), "{taken:?}");
    let sent = server.shows("/notifications/1", json!({"status": "SENT"}));
    assert!(sent["sentAt"].is_string() && sent["reason"].is_null(), "{}", sent.text);
    act("drop", &ids[1]).is(200);
    assert_eq!(parked(&server), Vec::<Value>::new());
    server.get("/notifications/2").is(200).has("status", "REFUSED");
    assert_eq!(server.metric("holdfast_refused_messages"), 0.0);
    assert_eq!(health(&server)["status"], "UP");
    for id in &ids {
        act("drop", id).problem(404);
        act("redrive", id).problem(404);
    }
    act("redrive", "message-purifier.rental~1").problem(404);
    assert_eq!(gateway.taken("010-1").len(), 1);
}
