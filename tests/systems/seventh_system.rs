//! A business from outside the crate, in one file: routes, storage, events and documents come for free.
use serde_json::json;
use support::SeventhSystem;

#[test]
fn car_share_has_routes_storage_events_and_documents() {
    let directory = tempfile::tempdir().unwrap();
    let server = SeventhSystem::start(directory.path());
    server.post("/members", json!({"userId": 7, "phone": "010-0000-0000"})).is(201).has("id", 7);
    server.post("/cars", json!({"plate": "12가3456"})).is(201).has("id", 1);
    // A natural key: a second car cannot have it, and lists find the one that has.
    server.post("/cars", json!({"plate": "12가3456"})).refuses(409, "plate-taken");
    server.post("/cars", json!({"plate": "34나5678"})).is(201);
    let found = server.get("/cars?plate=12가3456").is(200);
    assert_eq!(found["page"]["totalElements"], 1, "{}", found.text);
    assert_eq!(found["_embedded"]["cars"][0]["id"], 1, "{}", found.text);
    // A trip asks for a car by its plate; nothing comes of one that there is none for.
    let trip =
        |plate: &str, user: u64| server.post("/trips", json!({ "plate": plate, "userId": user }));
    trip("12가3456", 7).is(201).has("status", "Driving");
    server.shows("/cars/1", json!({"tripId": 1}));
    trip("12가3456", 8).refuses(409, "car-taken");
    trip("99하9999", 8).refuses(409, "car-unknown");
    trip("34나5678", 7).refuses(409, "user-driving");
    server.shows("/usages/7", json!({"trips": 1}));
    server.get("/usages/8").problem(404);
    server.get("/trips?userId=7").is(200);
    server.call("PUT", "/trips/1", |request| request.json(&json!({}))).problem(405);
    let document = server.get("/openapi.json").is(200);
    for path in ["/trips", "/cars/{id}", "/usages"] {
        assert!(!document["paths"][path].is_null(), "{path} is missing in the document");
    }
    assert!(server.get("/metrics").is(200).text.contains("carshare.trip"));

    // Staff corrects, withdraws and restores a car. One that is on a trip keeps its plate.
    let correct =
        |car: u64, plate: &str| server.patch(&format!("/cars/{car}"), json!({ "plate": plate }));
    correct(1, "56다7890").refuses(409, "held");
    correct(2, "12가3456").refuses(409, "plate-taken");
    correct(2, "56다7890").is(200).has("plate", "56다7890");
    server.delete("/cars/2").is(204);
    correct(2, "34나5678").refuses(409, "withdrawn");
    trip("56다7890", 8).refuses(409, "car-unknown");
    server.patch("/cars/2", json!({"withdrawn": false})).is(200);
    trip("34나5678", 8).refuses(409, "car-unknown");
    trip("56다7890", 8).is(201).has("status", "Driving");
    drop(server);

    // What was acknowledged is there after a kill.
    let server = SeventhSystem::start(directory.path());
    server.call("PATCH", "/trips/end/1", |request| request).is(200).has("status", "Over");
    server.shows("/cars/1", json!({"tripId": null}));
    server.post("/trips", json!({"plate": "12가3456", "userId": 7})).is(201);
    server.shows("/usages/7", json!({"trips": 2}));
    assert_eq!(server.get("/receipts?tripId=1").is(200)["page"]["totalElements"], 1);
}
