//! BookRent as its original was shown, by the script that starts it so: a process for each context, a gateway, a broker,
//! and any of them stopped, killed and started again while customers come.
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    thread,
};
use support::queue::{Queue, nothing_is_missing};
use support::{Client, eventually, free_ports, holdfast, run};
use tempfile::TempDir;

const NODES: [&str; 5] = ["book", "rent", "delivery", "view", "gateway"];
/// From the first port to the last that the script uses.
const PORTS: u16 = 13;

/// What the script has started, in a directory of its own. Dropped, all of it is killed.
pub struct Cluster {
    directory: TempDir,
    first_port: u16,
}

impl Cluster {
    pub fn up(further: &[&str]) -> Self {
        let cluster = Self { directory: TempDir::new().unwrap(), first_port: free_ports(PORTS) };
        let said = cluster.again(further);
        assert!(said.status.success(), "{}", words(&said));
        cluster
    }

    /// `up` once more.
    fn again(&self, further: &[&str]) -> Output {
        let port = self.first_port.to_string();
        let binary = holdfast().get_program().to_str().unwrap().to_owned();
        self.script(&[&["up", "--binary", &binary, "--first-port", &port], further].concat())
    }

    fn script(&self, arguments: &[&str]) -> Output {
        let mut script =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/cluster"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOLDFAST_"))
        {
            script.env_remove(name);
        }
        run(script.args(arguments).arg("--dir").arg(self.directory.path()))
    }

    /// The script, where it must succeed; returns its output.
    #[track_caller]
    pub fn does(&self, arguments: &[&str]) -> String {
        let output = self.script(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
        words(&output)
    }

    /// The nodes that it runs, each with its distance from the first port.
    pub fn nodes(&self) -> Vec<(String, u16)> {
        let nodes = fs::read_to_string(self.directory.path().join("nodes")).unwrap_or_default();
        let nodes = nodes.lines().map(|line| line.split_once(' ').unwrap());
        nodes.map(|(name, offset)| (name.to_owned(), offset.parse().unwrap())).collect()
    }
    fn node(&self, name: &str) -> Client {
        let nodes = self.nodes();
        let (_, offset) = nodes.iter().find(|(node, _)| node == name).unwrap();
        Client::new(format!("http://127.0.0.1:{}", self.first_port + offset))
    }
    pub fn gateway(&self) -> Client {
        self.node("gateway")
    }
    fn broker(&self) -> String {
        fs::read_to_string(self.directory.path().join("secrets/amqp_url"))
            .unwrap()
            .trim()
            .to_owned()
    }
    fn pid(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name).join("pid")).unwrap().trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            for (name, _) in self.nodes() {
                let log = fs::read_to_string(self.directory.path().join(&name).join("log"))
                    .unwrap_or_default();
                eprintln!("--- {name} said:\n{log}---");
            }
        }
        self.script(&["down", "--grace", "0"]);
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat())
        .into_owned()
}

/// A customer who asks until there is an answer, always under the same key; the answer to the first request that was
/// heard.
fn insists(client: &Client, path: &str, key: &str, body: &Value) -> Value {
    eventually(&format!("{path} is answered"), || {
        client
            .try_post_once(path, key, body)
            .ok()
            .filter(|answer| answer.status == 201)
            .map(|answer| answer.body)
    })
}

/// Rents books, each a new one, until the shop closes; the rents as they were answered.
fn customer(client: &Client, name: &str, shop: &Shop) -> Vec<Value> {
    let mut rents = Vec::new();
    while !shop.closed.load(SeqCst) {
        let key = format!("{name}-{}", rents.len());
        let book = insists(client, "/books", &key, &json!({"title": key}));
        let rent = json!({"bookId": book["id"], "userId": 1, "address": "address1"});
        rents.push(insists(client, "/rents", &key, &rent));
        shop.orders.fetch_add(1, SeqCst);
    }
    rents
}

/// Where customers order, until it closes.
#[derive(Default)]
struct Shop {
    orders: AtomicU64,
    closed: AtomicBool,
}
impl Shop {
    #[track_caller]
    fn serves(&self, more: u64) {
        let until = self.orders.load(SeqCst) + more;
        eventually("customers are served", || (self.orders.load(SeqCst) >= until).then_some(()));
    }
}

/// Closes a shop at the end, also where a test fails: its customers would not go otherwise.
struct Closing<'a>(&'a Shop);
impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.closed.store(true, SeqCst);
    }
}

/// The transcript, as the original's customers typed it.
fn transcript(gateway: &Client) {
    let book = gateway
        .post("/books", json!({"title": "title01", "status": "true"}))
        .is(201)
        .has("status", true);
    assert!(
        book.header("location").starts_with(gateway.url()),
        "links lead back to the gateway: {:?}",
        book.headers
    );
    let rent = |user, address| json!({"bookId": "1", "userId": user, "address": address});
    gateway.post("/rents", rent("1", "address1")).is(201).has("status", "Rent").has("id", 1);
    gateway.get("/books/1").is(200).has("status", false);
    gateway.stop("bookrent.book");
    gateway.post("/rents", rent("2", "address2")).is(201).has("status", "Fail");
    gateway.start_again("bookrent.book");
    gateway.shows("/deliveries/1", json!({"status": "Delivery Started"}));
    gateway.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    gateway.patch("/rents/1", json!({"status": "Cancel"})).is(200).has("status", "Cancel");
    gateway.shows("/deliveries/1", json!({"status": "Delivery Cancelled"}));
    gateway.shows("/books/1", json!({"status": true}));
    gateway
        .shows("/views/1", json!({"rentStatus": "Cancel", "deliveryStatus": "Delivery Cancelled"}));
}

/// The same with the book's process killed instead of stopped, and after it every other.
fn transcript_with_kills(cluster: &Cluster) {
    let gateway = cluster.gateway();
    let book = gateway.register_book("title01");
    let other = gateway.register_book("title02");
    let rent = gateway.rent(book, 1).has("status", "Rent").id();

    cluster.does(&["kill", "book"]);
    let failed = gateway.rent(book, 2).has("status", "Fail").id();
    gateway.cancel(rent).is(200).has("status", "Cancel");
    cluster.does(&["start", "book"]);
    gateway.shows(&format!("/books/{book}"), json!({"status": true}));
    gateway.shows(&format!("/views/{failed}"), json!({"rentStatus": "Fail"}));

    cluster.does(&["kill", "delivery"]);
    let second = gateway.rent(book, 3).has("status", "Rent").id();
    gateway.get(&format!("/deliveries/{second}")).problem(503);
    cluster.does(&["start", "delivery"]);
    gateway.shows(&format!("/deliveries/{second}"), json!({"status": "Delivery Started"}));

    cluster.does(&["stop", "view"]);
    let third = gateway.rent(other, 4).has("status", "Rent").id();
    cluster.does(&["start", "view"]);
    let view = format!("/views/{third}");
    gateway.shows(&view, json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));

    cluster.does(&["kill", "rent"]);
    gateway.get(&format!("/rents/{third}")).problem(503);
    gateway.get(&view).is(200);
    cluster.does(&["start", "rent"]);
    gateway.get(&format!("/rents/{third}")).is(200).has("status", "Rent");
}

/// Customers come, and the node `name` is killed and started again meanwhile; the rents as they were answered.
fn killed_under_load(cluster: &Cluster, name: &str) -> Vec<Value> {
    let shop = Shop::default();
    thread::scope(|scope| {
        let closing = Closing(&shop);
        let customers = ["a", "b", "c"].map(|letter| {
            let gateway = cluster.gateway();
            let shop = &shop;
            scope.spawn(move || customer(&gateway, &format!("{name}-{letter}"), shop))
        });
        shop.serves(5);
        cluster.does(&["kill", name]);
        // Who does not need it goes on; who does waits for it.
        if matches!(name, "delivery" | "view" | "rabbitmq") {
            shop.serves(5);
        }
        cluster.does(&["start", name]);
        shop.serves(5);
        drop(closing);
        customers.into_iter().flat_map(|customer| customer.join().unwrap()).collect()
    })
}

/// Every rent is as it was answered, and what follows from it is done.
fn stands(gateway: &Client, rent: &Value) {
    let id = &rent["id"];
    let book = format!("/books/{}", rent["bookId"]);
    gateway.get(&format!("/rents/{id}")).is(200).has("status", rent["status"].clone());
    if rent["status"] == "Rent" {
        let delivered = json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"});
        gateway.shows(&format!("/views/{id}"), delivered);
        gateway.get(&book).is(200).has("status", false);
    } else {
        gateway
            .shows(&format!("/views/{id}"), json!({"rentStatus": "Fail", "deliveryStatus": null}));
        gateway.shows(&book, json!({"status": true}));
    }
}

/// Every event of every log has come into the queue.
fn all_has_been_told(cluster: &Cluster, queue: &Queue) {
    let logs = ["book", "rent", "delivery"].map(|name| {
        let node = cluster.node(name);
        eventually("everything has gone out", || {
            (node.metric("holdfast_outbox_pending") == 0.0).then_some(())
        });
        (format!("/bookrent/{name}"), node.metric("holdfast_events_total") as u64)
    });
    assert!(logs.iter().all(|(_, last)| *last > 0), "{logs:?}");
    nothing_is_missing(
        &queue.take_all(),
        &logs.each_ref().map(|(source, last)| (source.as_str(), *last)),
    );
}

#[test]
fn nothing_is_lost_over_kills_and_restarts_of_any_process() {
    let cluster = Cluster::up(&[]);
    let queue = Queue::bind(&cluster.broker(), "all", "#");
    let gateway = cluster.gateway();
    transcript(&gateway);
    transcript_with_kills(&cluster);

    let before = gateway.total("rents");
    let rents: Vec<_> = ["book", "rent", "delivery", "view", "gateway", "rabbitmq"]
        .into_iter()
        .flat_map(|name| killed_under_load(&cluster, name))
        .collect();
    assert_eq!(gateway.total("rents"), before + rents.len() as u64, "who insisted got one rent");
    let rented = rents.iter().filter(|rent| rent["status"] == "Rent").count();
    eprintln!("{} rents, {rented} of them established", rents.len());
    for rent in &rents {
        stands(&gateway, rent);
    }
    all_has_been_told(&cluster, &queue);

    assert!(!cluster.does(&["down"]).contains("killed"));
    assert_eq!(cluster.script(&["status"]).status.code(), Some(1));
    assert!(cluster.again(&["--no-broker"]).status.success());
    assert_eq!(gateway.total("rents"), before + rents.len() as u64, "the data stay");
}

#[test]
fn the_script_is_idempotent_and_prints_what_it_had_to_do() {
    let cluster = Cluster::up(&["--no-broker"]);
    // The nodes reach each other over HTTP then.
    transcript_with_kills(&cluster);

    let pids = || NODES.map(|name| cluster.pid(name));
    let before = pids();
    let again = cluster.again(&["--no-broker"]);
    assert!(again.status.success() && pids() == before, "{}", words(&again));
    assert!(cluster.does(&["start", "book"]).contains(cluster.node("book").address()));
    assert_eq!(pids(), before);
    let moved = cluster.script(&["up", "--first-port", "9001"]);
    assert!(
        !moved.status.success() && words(&moved).contains(&cluster.first_port.to_string()),
        "{}",
        words(&moved)
    );

    let other = cluster.script(&["up", "--system", "movie"]);
    assert!(!other.status.success() && words(&other).contains("bookrent"), "{}", words(&other));
    let unknown = cluster.script(&["kill", "payment"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(words(&unknown).contains("book rent delivery view"), "{}", words(&unknown));

    cluster.does(&["stop", "view"]);
    cluster.does(&["stop", "view"]);
    let status = cluster.script(&["status"]);
    let of_view = |line: &&str| line.starts_with("view ");
    assert_eq!(status.status.code(), Some(1));
    assert!(
        words(&status).lines().find(of_view).unwrap().ends_with("stopped"),
        "{}",
        words(&status)
    );
    assert!(
        words(&cluster.again(&["--no-broker"])).lines().find(of_view).unwrap().contains("ready")
    );
    cluster.does(&["status"]);

    // One that ignores signals is killed, and that is printed.
    let frozen = format!("kill -STOP {}", cluster.pid("rent"));
    assert!(Command::new("sh").args(["-c", &frozen]).status().unwrap().success());
    let status = words(&cluster.script(&["status"]));
    assert!(
        status.lines().any(|line| line.starts_with("rent ") && line.contains("not ready")),
        "{status}"
    );
    let said = cluster.does(&["down", "--grace", "2"]);
    assert!(said.contains("rent did not stop within 2 s and was killed"), "{said}");
    assert!(!said.contains("book did not"), "{said}");
}

#[test]
fn the_script_refuses_what_it_does_not_know() {
    let nowhere = TempDir::new().unwrap();
    let script = |arguments: &[&str]| {
        let mut script =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/cluster"));
        run(script.args(arguments).current_dir(nowhere.path()))
    };
    for (arguments, code, word) in [
        (&[][..], 2, "scripts/cluster up"),
        (&["frobnicate"], 2, "there is no command frobnicate"),
        (&["up", "--system", "library"], 1, "bookrent ebook gbike movie purifier ticketing"),
        (&["kill"], 2, "which node"),
        (&["kill", "payment"], 1, "there is nothing in"),
        (&["up", "--system"], 2, "wants a value"),
        (&["up", "--first-port", "http"], 2, "http"),
        (&["up", "--first-port"], 2, "wants a value"),
        (&["up", "--fast"], 2, "--fast"),
        (&["up", "--binary", "/nowhere/holdfast"], 1, "/nowhere/holdfast"),
        (&["status", "--dir", "nothing"], 1, "nothing"),
    ] {
        let output = script(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
        assert!(words(&output).contains(word), "{arguments:?}: {}", words(&output));
    }
}
