//! How much a sender may send: as over HTTP, by the principal that the broker's user is.

use super::{
    senders::{add_user, as_user, new_book},
    *,
};
use support::holdfast;

const COMMANDS: usize = 30;

/// BookRent that knows a customer and staff by their users of the broker, and an admin by a key, which is returned.
fn limited(broker: &Broker) -> (Server, String) {
    let toml = format!(
        "[auth]\nmode = 'token'\n[limits]\nrequests = 1\nburst = 5\nposts = 1\n\
         [amqp]\nurl = '{}'\ncommands = true\nusers = ['till=staff', 'shop=customer/7']\n",
        broker.url()
    );
    let mut server = Server::configured(&toml);
    assert!(server.terminate().success());
    let mut command = holdfast();
    command.args(["key", "add", "--name", "root", "--role", "admin", "--data"]).arg(server.data());
    let made = command.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    server.restart();
    eventually("it takes commands", || {
        let metrics = server.call("GET", "/metrics", |request| request.bearer_auth(&key)).is(200);
        let mut lines = metrics.text.lines();
        lines
            .any(|line| line.starts_with("holdfast_commands_up") && line.ends_with(" 1"))
            .then_some(())
    });
    (server, key)
}

fn rent() -> Command {
    let body = json!({ "bookId": 1, "address": "address1" });
    as_user(Command::new(RENT, "POST", "/rents", &body), "shop")
}

#[test]
fn what_a_customer_sends_too_much_is_refused_or_waits_and_staff_has_no_limit() {
    let broker = Broker::start();
    let [till, shop] = ["till", "shop"].map(|name| add_user(&broker, name));
    let (server, key) = limited(&broker);
    let mut staff = Caller::connect(&till, "replies-of-staff");
    for title in 0..COMMANDS {
        let reply = staff.call(as_user(new_book(&format!("title{title}")), "till")).is(201);
        assert!(!reply.headers.contains_key("ratelimit"), "{:?}", reply.headers);
    }
    let mut customer = Caller::connect(&shop, "replies");
    let ids: Vec<_> = (0..COMMANDS).map(|number| format!("rent-{number}")).collect();
    ids.iter().for_each(|id| customer.order(rent().id(id)));
    let replies: Vec<_> = ids.iter().map(|id| customer.reply(id)).collect();
    let [done, refused]: [Vec<_>; 2] =
        [201, 429].map(|status| replies.iter().filter(|reply| reply.status == status).collect());
    assert_eq!(done.len() + refused.len(), COMMANDS, "{replies:?}");
    assert!(!done.is_empty() && !refused.is_empty(), "{replies:?}");
    assert!(done[0].headers["ratelimit-policy"].contains("q=5"), "{:?}", done[0].headers);
    for reply in &refused {
        assert_eq!(reply.body["code"], "quota-exceeded", "{}", reply.text);
        assert!(reply.headers["retry-after"].parse::<u64>().unwrap() > 0);
    }
    let rents = || {
        let listed = server.call("GET", "/rents", |request| request.bearer_auth(&key)).is(200);
        listed["page"]["totalElements"].as_u64().unwrap() as usize
    };
    assert_eq!(rents(), done.len(), "what was refused did nothing");
    // Without a queue for the reply, what is too much waits.
    for id in ["a", "b", "c"] {
        customer.send(&rent().id(id));
    }
    eventually("all have been done", || (rents() == done.len() + 3).then_some(()));
    // One that is not known counts by its user, before its credentials are judged any further.
    let strange = || new_book("strange").header("authorization", "Bearer hf_x");
    let ids: Vec<_> = (0..COMMANDS).map(|number| format!("strange-{number}")).collect();
    ids.iter().for_each(|id| customer.order(as_user(strange(), "shop").id(id)));
    let statuses: BTreeSet<_> = ids.iter().map(|id| customer.reply(id).status).collect();
    assert_eq!(statuses, BTreeSet::from([401, 429]));
}
