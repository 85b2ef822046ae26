//! Who sends a command: by a key in its headers, or by the user of the broker that it names.

use super::*;

/// Adds a user to `broker`, and returns its address there.
pub fn add_user(broker: &Broker, name: &str) -> String {
    broker.ctl(&["add_user", name, "word"]);
    broker.ctl(&["set_permissions", "-p", "/", name, ".*", ".*", ".*"]);
    broker.url_of(name, "word")
}

pub fn as_user(mut command: Command, user: &str) -> Command {
    command.properties = command.properties.with_user_id(user.into());
    command
}

pub fn new_book(title: &str) -> Command {
    Command::new("bookrent.book", "POST", "/books", &json!({ "title": title, "status": true }))
}

/// Who did what, in the order of the audit: issuer, subject, path, status.
fn audited(server: &Server) -> Vec<(String, String, String, u64)> {
    let audit = server.get("/admin/audit?limit=100").is(200).body;
    let lines = audit["audit"].as_array().unwrap().iter();
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    lines
        .map(|line| {
            let status = line["status"].as_u64().unwrap();
            (text(line, "issuer"), text(line, "subject"), text(line, "path"), status)
        })
        .collect()
}

#[test]
fn a_sender_is_the_user_that_the_broker_verified_or_the_holder_of_a_key() {
    let broker = Broker::start();
    let till = add_user(&broker, "till");
    let toml = format!(
        "[amqp]\nurl = '{}'\ncommands = true\nusers = ['till=staff', 'shop=customer/7']\n",
        broker.url()
    );
    let server = Server::configured(&toml);
    takes_commands(&server);
    let wanted = json!({ "name": "stock", "roles": ["admin"] });
    let made = server.post("/admin/keys", wanted).is(201);
    let key = made.body["key"].as_str().unwrap().to_owned();
    let id = made.body["id"].as_str().unwrap().to_owned();
    let mut caller = Caller::connect(&till, "replies");
    caller.call(as_user(new_book("title01"), "till")).is(201);
    let bearer = |key: &str| new_book("title02").header("authorization", &format!("Bearer {key}"));
    caller.call(bearer(&key)).is(201);
    // Without either it is development, whose writes are no one's.
    caller.call(new_book("title03")).is(201);
    // A key that opens nothing is refused: with a reply, and with none the command is laid aside.
    let forged = format!("{}x", &key[..key.len() - 1]);
    let refused = caller.call(bearer(&forged)).is(401).has("code", "invalid-token");
    assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    caller.send(&as_user(bearer(&forged), "till").id("m1"));
    let dead = eventually("it is laid aside", || caller.take_dead(DEAD));
    assert_eq!(dead, ("/books".to_owned(), "rejected".to_owned()));
    server.delete(&format!("/admin/keys/{id}")).is(200);
    caller.call(bearer(&key)).is(401);
    assert_eq!(server.total("books"), 3);
    let of_commands: Vec<_> =
        audited(&server).into_iter().filter(|(issuer, ..)| issuer != "development").collect();
    let line = |issuer: &str, subject: &str| {
        (issuer.to_owned(), subject.to_owned(), "/books".to_owned(), 201)
    };
    assert_eq!(of_commands, [line("broker", "till"), line("key", &id)]);
    assert!(!server.said().contains(&key), "the key is in the log");
}

#[test]
fn the_broker_lets_no_user_send_in_the_name_of_another() {
    let broker = Broker::start();
    let shop = add_user(&broker, "shop");
    let toml =
        format!("[amqp]\nurl = '{}'\ncommands = true\nusers = ['till=staff']\n", broker.url());
    let server = Server::configured(&toml);
    takes_commands(&server);
    let caller = Caller::connect(&shop, "replies");
    let refused = caller.try_send(&as_user(new_book("title01"), "till")).unwrap_err();
    assert!(refused.contains("PRECONDITION_FAILED"), "{refused}");
    assert_eq!(server.total("books"), 0);
}
