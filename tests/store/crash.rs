//! `kill -9` under load: nothing acknowledged is lost, nothing is held without a holder, every saga ends after the restart.
//!
//! `HOLDFAST_CRASH_ROUNDS` sets how many rounds (3 when absent), `HOLDFAST_CRASH_SEED` repeats a run's choices.
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    process,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};
use support::{Client, Server, chance::Chance, eventually};

const CLIENTS: u64 = 6;

/// A request under its key, which may be sent again and again.
#[derive(Clone)]
struct Wish {
    method: &'static str,
    path: String,
    key: String,
    body: Value,
}

impl Wish {
    /// The answer, if there was one: status and body without the server's port.
    fn put(&self, client: &Client) -> Option<(u16, Value)> {
        let answer = match self.method {
            "POST" => client.try_post_once(&self.path, &self.key, &self.body),
            _ => client.try_patch_once(&self.path, &self.key, &self.body),
        };
        let answer = answer.ok()?;
        let mut body = answer.body;
        body.as_object_mut()?.remove("_links");
        Some((answer.status, body))
    }
}

/// What clients have asked for and been answered, over all rounds.
#[derive(Default)]
struct Answered {
    acknowledged: Vec<(Wish, u16, Value)>,
    unanswered: Vec<Wish>,
}

/// One client: registers books, rents them, sometimes a second time, and cancels half of them in later rounds.
struct Customer<'a> {
    client: Client,
    answered: &'a Mutex<Answered>,
    acknowledged: &'a AtomicU64,
    killed: &'a AtomicBool,
    chance: Chance,
    name: String,
    wishes: u64,
}

impl Customer<'_> {
    fn wish(&mut self, method: &'static str, path: String, body: Value) -> Option<Value> {
        self.wishes += 1;
        let key = format!("{}-{}", self.name, self.wishes);
        let wish = Wish { method, path, key, body };
        match wish.put(&self.client) {
            // What is not settled, and what is refused because the server is on its way out, was not acknowledged.
            Some((202 | 500.., _)) | None => {
                self.answered.lock().unwrap().unanswered.push(wish);
                None
            }
            Some((status, body)) => {
                assert!(
                    matches!(status, 200 | 201),
                    "{} {}: {status} {body}",
                    wish.method,
                    wish.path
                );
                self.answered.lock().unwrap().acknowledged.push((wish, status, body.clone()));
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                Some(body)
            }
        }
    }

    fn live(mut self, round: u64) {
        while !self.killed.load(Ordering::Relaxed) {
            let title = json!({"title": format!("{}-{}", self.name, self.wishes)});
            let Some(book) = self.wish("POST", "/books".into(), title) else { continue };
            let rent = json!({"bookId": book["id"], "userId": self.chance.between(1, 9), "address": self.name.clone()});
            let Some(first) = self.wish("POST", "/rents".into(), rent.clone()) else { continue };
            if self.chance.between(0, 4) == 0 {
                let second = self.wish("POST", "/rents".into(), rent);
                assert!(second.is_none_or(|second| second["status"] == "Fail"));
            }
            if round > 0 && self.chance.coin() {
                self.wish("PATCH", format!("/rents/{}", first["id"]), json!({"status": "Cancel"}));
            }
        }
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn killed_under_load_it_keeps_what_it_acknowledged_and_ends_what_it_began() {
    let _alone = support::alone();
    let rounds = from_environment("HOLDFAST_CRASH_ROUNDS").unwrap_or(3);
    let seed = from_environment("HOLDFAST_CRASH_SEED").unwrap_or_else(|| u64::from(process::id()));
    eprintln!("HOLDFAST_CRASH_SEED={seed} HOLDFAST_CRASH_ROUNDS={rounds}");
    let mut chance = Chance::new(seed);
    let mut server = Server::start(&[]);
    let answered = Mutex::new(Answered::default());
    for round in 0..rounds {
        let acknowledged = AtomicU64::new(0);
        let killed = AtomicBool::new(false);
        let enough = chance.between(20, 400);
        thread::scope(|scope| {
            for n in 0..CLIENTS {
                let client = (*server).apart();
                let name = format!("round{round}-client{n}");
                let answered = &answered;
                let acknowledged = &acknowledged;
                let killed = &killed;
                let chance = chance.fork();
                let customer =
                    Customer { client, answered, acknowledged, killed, chance, name, wishes: 0 };
                scope.spawn(move || customer.live(round));
            }
            eventually("enough is acknowledged", || {
                (acknowledged.load(Ordering::Relaxed) >= enough).then_some(())
            });
            server.kill();
            killed.store(true, Ordering::Relaxed);
        });
        server.restart();
        let mut answered = answered.lock().unwrap();
        eprintln!(
            "round {round}: {} acknowledged, {} cut off",
            answered.acknowledged.len(),
            answered.unanswered.len()
        );
        repeat_what_was_cut_off(&server, &mut answered);
        everything_acknowledged_is_there(&server, &answered);
        the_world_is_right(&server);
    }
    assert!(server.terminate().success());
}

/// A client that got no answer asks again under the same key, and gets one.
fn repeat_what_was_cut_off(server: &Client, answered: &mut Answered) {
    for wish in std::mem::take(&mut answered.unanswered) {
        let (status, body) = eventually("a repeated request is settled", || {
            wish.put(server).filter(|(status, _)| !matches!(status, 202 | 500..))
        });
        assert!(matches!(status, 200 | 201), "{} {}: {status} {body}", wish.method, wish.path);
        answered.acknowledged.push((wish, status, body));
    }
}

/// The same key still gets the same answer, and things are as the answers said.
fn everything_acknowledged_is_there(server: &Client, answered: &Answered) {
    let mut books = BTreeMap::new();
    let mut rents: BTreeMap<u64, Value> = BTreeMap::new();
    for (wish, status, body) in &answered.acknowledged {
        let (again, replayed) = wish.put(server).unwrap();
        assert_eq!(
            (again, &replayed),
            (*status, body),
            "{} {} under {}",
            wish.method,
            wish.path,
            wish.key
        );
        let id = body["id"].as_u64().unwrap();
        match wish.path.as_str() {
            // Two wishes that share a number would show here: one of them is not what the server shows.
            "/books" => assert!(
                books.insert(id, body["title"].clone()).is_none(),
                "book {id} was acknowledged twice"
            ),
            // The cancel of a rent comes after the rent, so the last answer counts.
            _ => drop(rents.insert(id, body.clone())),
        }
    }
    for (id, title) in books {
        server.get(&format!("/books/{id}")).is(200).has("title", title);
    }
    for (id, said) in rents {
        let shown = server.get(&format!("/rents/{id}")).is(200);
        for field in ["bookId", "userId", "address", "status", "reason"] {
            assert_eq!(shown[field], said[field], "`{field}` of rent {id}");
        }
    }
}

/// Every saga ends; every book that is out is held by one rent; every rent has its delivery and its row.
fn the_world_is_right(server: &Client) {
    let highest =
        server.all("rents").iter().filter_map(|rent| rent["id"].as_u64()).max().unwrap_or(0);
    for number in 1..=highest + 2 * CLIENTS {
        eventually(&format!("rent {number} is settled"), || {
            let rent = server.get(&format!("/rents/{number}"));
            (rent.status == 404 || rent.status == 200 && rent["status"] != "Requested")
                .then_some(())
        });
    }
    let rents = server.all("rents");
    for rent in &rents {
        let path = format!("/deliveries/{}", rent["id"]);
        let view = format!("/views/{}", rent["id"]);
        server.shows(&view, json!({"rentStatus": rent["status"], "bookId": rent["bookId"]}));
        match rent["status"].as_str() {
            Some("Rent") => {
                server
                    .shows(&path, json!({"status": "Delivery Started", "bookId": rent["bookId"]}));
                server.shows(&view, json!({"deliveryStatus": "Delivery Started"}));
            }
            // A delivery whose cancel arrived before its start never was.
            Some("Cancel") => eventually(&format!("{path} is cancelled"), || {
                let delivery = server.get(&path);
                (delivery.status == 404 || delivery["status"] == "Delivery Cancelled").then_some(())
            }),
            _ => drop(server.get(&path).problem(404)),
        }
    }
    let mut titles = BTreeSet::new();
    for book in server.all("books") {
        let holders = rents
            .iter()
            .filter(|rent| rent["bookId"] == book["id"] && rent["status"] == "Rent")
            .count();
        assert!(holders <= 1, "{book} is held by {holders}");
        server.shows(&format!("/books/{}", book["id"]), json!({"status": holders == 0}));
        assert!(
            titles.insert(book["title"].to_string()),
            "{book} was registered twice under one key"
        );
    }
    assert_eq!(server.total("views"), rents.len() as u64);
}
