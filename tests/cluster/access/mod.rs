//! Who may do what: every fixed route and every route of every system, tried by everyone over every way in, with the verdict of
//! `identity::allowed` on what the contexts and the table of routes declare.

mod cells;
mod shop;
mod two_customers;

use cells::{Cell, fixed_cells, system_cells};
use holdfast::{
    identity::{DEVELOPMENT, Principal, Role, Verdict, allowed},
    systems,
};
use serde_json::json;
use shop::{People, fill};
use std::{fs, process::Command as Process};
use support::{
    Client, Server,
    broker::Broker,
    caller::{Caller, Command, takes_commands},
    holdfast, selected_systems,
};

const CREDENTIAL: &str = "a-credential-for-tests-only";
const WRONG: &str = "hf_wrong";

/// One who calls, and what shows it.
struct Sender {
    name: &'static str,
    /// Who that is, if it is known.
    principal: Option<Principal>,
    /// Whether its credentials are valid, or there are none.
    is_valid: bool,
    bearer: Option<String>,
}

/// A token of development for that identity, of the server whose data directory this is.
fn token(server: &Server, acting_as: &str) -> String {
    let mut command: Process = holdfast();
    command.args(["token", "--as", acting_as, "--data"]).arg(server.data());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Those who fill a server whose authentication is open.
fn developers(server: &Server) -> People {
    People { customer: token(server, "customer/7"), admin: None }
}

const ROLES: [(&str, Role); 6] = [
    ("customer/7", Role::Customer),
    ("customer/8", Role::Customer),
    ("staff", Role::Staff),
    ("admin", Role::Admin),
    ("operator", Role::Operator),
    ("auditor", Role::Auditor),
];

/// Everyone at a server where no credentials mean `stranger`, and who has what `bearer` makes.
fn everyone(
    issuer: &str,
    stranger: Option<Principal>,
    bearer: impl Fn(&str) -> String,
) -> Vec<Sender> {
    let named = |issuer: &str, role: Role, customer: Option<&str>| Principal {
        issuer: issuer.into(),
        roles: [role].into_iter().collect(),
        customer: customer.map(str::to_owned),
        ..Principal::default()
    };
    let node = Some(named("node", Role::Node, None));
    let mut all = vec![
        Sender { name: "no one", principal: stranger, is_valid: true, bearer: None },
        Sender {
            name: "a wrong key",
            principal: None,
            is_valid: false,
            bearer: Some(WRONG.into()),
        },
        Sender { name: "a node", principal: node, is_valid: true, bearer: Some(CREDENTIAL.into()) },
    ];
    for (name, role) in ROLES {
        let customer = name.split_once('/').map(|(_, customer)| customer);
        let principal = Some(named(issuer, role, customer));
        all.push(Sender { name, principal, is_valid: true, bearer: Some(bearer(name)) });
    }
    all
}

/// Everyone, while authentication of `server` is open.
fn senders(server: &Server) -> Vec<Sender> {
    everyone(DEVELOPMENT, Some(Principal::development()), |name| token(server, name))
}

/// A key for that identity, of the stopped server whose data directory this is.
fn key(server: &Server, name: &str) -> String {
    let (role, customer) =
        name.split_once('/').map_or((name, None), |(role, customer)| (role, Some(customer)));
    let mut command: Process = holdfast();
    command.args(["key", "add", "--name", name, "--role", role]);
    command.args(customer.iter().flat_map(|customer| ["--customer", customer]));
    let output = command.arg("--data").arg(server.data()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Sender {
    /// What it gets for `cell`.
    fn verdict(&self, cell: &Cell) -> Verdict {
        if !self.is_valid && !cell.takes_wrong_credentials() {
            return Verdict::Unauthorized;
        }
        allowed(cell.audience, self.principal.as_ref(), cell.owner())
    }
}

/// The verdict that an answer shows.
fn shown(cell: &Cell, status: u16, code: &str) -> Verdict {
    match (status, code) {
        (401, _) => Verdict::Unauthorized,
        (403, "" | "insufficient-scope") => Verdict::Forbidden,
        (404, _) if cell.can_be_absent() => Verdict::NotFound,
        _ => Verdict::Allow,
    }
}

/// The answer of `client` to `cell`, sent by `sender`: its status, the code of its problem, its text.
fn ask(client: &Client, cell: &Cell, sender: &Sender) -> (u16, String, String) {
    let answer = client.call(cell.method, &cell.path, |mut request| {
        if let Some(bearer) = &sender.bearer {
            request = request.bearer_auth(bearer);
        }
        if cell.is_stream {
            request = request.header("accept", "text/event-stream");
        }
        // A command that is let in fails by this, so that nothing changes.
        request = request.header("if-match", "wrong");
        if cell.has_body() { request.json(&json!({})) } else { request }
    });
    let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code, answer.text)
}

/// Tries all `cells` as all `senders`, and returns how many there were.
#[track_caller]
fn try_all(client: &Client, cells: &[Cell], senders: &[Sender], way: &str) -> usize {
    let mut tried = 0;
    for cell in cells {
        for sender in senders {
            let (status, code, text) = ask(client, cell, sender);
            let what = format!("{} {} as {} {way}", cell.method, cell.path, sender.name);
            let verdict = sender.verdict(cell);
            assert_eq!(shown(cell, status, &code), verdict, "{what}: {status} {text}");
            if verdict == Verdict::Allow {
                cell.check_allowed(status, &code, &what);
            }
            tried += 1;
        }
    }
    tried
}

/// All systems on one server that other nodes may ask.
fn whole(further: &str) -> Server {
    let toml = format!("[node]\nname = 'whole'\ncredential = '{CREDENTIAL}'\n{further}");
    Server::of_all(&toml, &[])
}

#[test]
fn everyone_gets_over_http_what_the_declarations_say() {
    let server = whole("");
    let mut tried = 0;
    let senders = senders(&server);
    for system in selected_systems(systems::NAMES) {
        let things = fill(&server, &format!("/{system}"), system, &developers(&server));
        tried += try_all(&server, &system_cells(system, &things), &senders, "over HTTP");
    }
    tried += try_all(&server, &fixed_cells(), &senders, "over HTTP");
    assert!(tried > 1_000 || selected_systems(systems::NAMES).len() < 6, "{tried}");
    println!("{tried} cells over HTTP");
}

#[test]
fn where_authentication_is_not_open_no_one_is_anything_without_credentials() {
    let mut server = whole(
        "[auth]\nmode = 'token'\n[limits]\nrequests = 1000000\nburst = 1000000\nposts = 1000000\n",
    );
    assert!(server.terminate().success());
    let senders = everyone("key", None, |name| key(&server, name));
    server.restart();
    let bearer_of = |name: &str| {
        let mut senders = senders.iter();
        senders.find(|sender| sender.name == name).and_then(|sender| sender.bearer.clone())
    };
    let people = People { customer: bearer_of("customer/7").unwrap(), admin: bearer_of("admin") };
    let mut tried = 0;
    for system in selected_systems(systems::NAMES) {
        let things = fill(&server, &format!("/{system}"), system, &people);
        tried += try_all(&server, &system_cells(system, &things), &senders, "with keys");
    }
    tried += try_all(&server, &fixed_cells(), &senders, "with keys");
    println!("{tried} cells with keys");
}

#[test]
fn a_gateway_lets_through_what_the_node_behind_it_decides() {
    let server = whole("");
    let mut peers = String::new();
    for system in systems::NAMES {
        for context in systems::contexts(system) {
            peers.push_str(&format!("\"{}\" = \"{}\"\n", context.name.context, server.url()));
        }
    }
    let node = format!("[node]\nname = 'gateway'\ncredential = '{CREDENTIAL}'\n[peers]\n{peers}");
    let mut gateway = Server::of_all(&node, &["--contexts", "none"]);
    // Both take the tokens of one key.
    gateway.kill();
    fs::copy(server.data().join("development.key"), gateway.data().join("development.key"))
        .unwrap();
    gateway.restart();
    let senders = senders(&server);
    let mut tried = 0;
    for system in selected_systems(systems::NAMES) {
        let things = fill(&server, &format!("/{system}"), system, &developers(&server));
        tried += try_all(&gateway, &system_cells(system, &things), &senders, "over a gateway");
    }
    println!("{tried} cells over a gateway");
}

#[test]
fn the_port_of_a_context_lets_in_whom_the_others_let_in() {
    let mut tried = 0;
    for system in selected_systems(systems::NAMES) {
        let ports: Vec<_> = systems::contexts(system)
            .into_iter()
            .filter_map(|context| Some((context.name.context, context.port?)))
            .collect();
        let Some(lowest) = ports.iter().map(|(_, port)| *port).min() else { continue };
        let first = support::free_ports(u16::try_from(ports.len()).unwrap());
        let toml = format!(
            "[node]\ncredential = '{CREDENTIAL}'\n[compat]\nports = true\nfirst_port = {first}\n"
        );
        let server = Server::of(system, &toml, &[]);
        let senders = senders(&server);
        let things = fill(&server, "", system, &developers(&server));
        for (context, port) in ports {
            let client = Client::new(format!("http://127.0.0.1:{}", port - lowest + first));
            let mut cells = system_cells(system, &things);
            cells.retain(|cell| cell.context == Some(context));
            tried += try_all(&client, &cells, &senders, "on a port");
        }
    }
    println!("{tried} cells on ports");
}

#[test]
fn commands_over_the_broker_are_let_in_as_over_http() {
    let broker = Broker::start();
    let amqp = format!("[amqp]\nurl = '{}'\ncommands = true\n", broker.url());
    let server = whole(&amqp);
    takes_commands(&server);
    let mut caller = Caller::connect(&broker.url(), "replies");
    let mut tried = 0;
    let senders = senders(&server);
    for system in selected_systems(systems::NAMES) {
        let things = fill(&server, &format!("/{system}"), system, &developers(&server));
        for cell in system_cells(system, &things).iter().filter(|cell| cell.is_command()) {
            // The credential of nodes is none of a sender's.
            for sender in senders.iter().filter(|sender| sender.name != "a node") {
                let context = cell.context.unwrap();
                let mut command = Command::new(context, cell.method, &cell.path, &json!({}));
                command = command.header("if-match", "wrong");
                if let Some(bearer) = &sender.bearer {
                    command = command.header("authorization", &format!("Bearer {bearer}"));
                }
                let reply = caller.call(command);
                let status = u16::try_from(reply.status).unwrap();
                let code = reply.body["code"].as_str().unwrap_or_default();
                let what = format!("{} {} as {}", cell.method, cell.path, sender.name);
                let verdict = sender.verdict(cell);
                assert_eq!(shown(cell, status, code), verdict, "{what}: {}", reply.text);
                if verdict == Verdict::Allow {
                    cell.check_allowed(status, code, &what);
                }
                tried += 1;
            }
        }
    }
    println!("{tried} commands over the broker");
}
