//! Each system as its compose file runs it, without containers: the same processes with the same arguments, variables,
//! files and broker. What differs is what a container has for itself: names, addresses and places.
use super::{LISTEN, Node, Running, deploy, image_port, nodes, said};
use holdfast::systems;
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};
use support::{Client, broker::Broker, eventually, free_ports, holdfast, run};
use tempfile::TempDir;

/// What the containers of a system have together.
struct Network {
    directory: TempDir,
    /// The port of the first node, and of the first context.
    first: u16,
    first_port: u16,
    names: Vec<String>,
}

impl Network {
    fn of(nodes: &[Node], broker: &Broker) -> Self {
        let directory = TempDir::new().unwrap();
        let made = run(Command::new(deploy("make-secrets")).arg(directory.path()));
        assert!(made.status.success(), "{}", said(&made));
        fs::write(directory.path().join("amqp_url"), broker.url()).unwrap();
        let count = u16::try_from(nodes.len()).unwrap();
        let names = nodes.iter().map(|node| node.name.clone()).collect();
        Self { directory, first: free_ports(count), first_port: free_ports(count), names }
    }

    fn here(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn address(&self, name: &str) -> String {
        let place = self.names.iter().position(|known| known == name).unwrap();
        format!("127.0.0.1:{}", self.first + u16::try_from(place).unwrap())
    }

    /// The text of a file with the addresses that the names have here.
    fn resolved(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, name| {
            let known = format!("//{name}:{}", image_port());
            text.replace(&known, &format!("//{}", self.address(name)))
        })
    }

    /// Starts a node; gives it when it accepts connections.
    fn start(&self, node: &Node) -> (Running, Client) {
        let mut arguments = node.arguments();
        for argument in arguments.iter_mut().filter(|argument| argument.ends_with(".toml")) {
            let text = self.resolved(&fs::read_to_string(&*argument).unwrap());
            *argument = self.here(&format!("{}.toml", node.name));
            fs::write(argument, text).unwrap();
        }
        let log = self.here(&format!("{}.log", node.name));
        let mut serve = holdfast();
        serve.args(arguments).envs(node.variables()).env(LISTEN, self.address(&node.name));
        serve
            .env("HOLDFAST_STORE__DIR", self.here(&node.name))
            .env("HOLDFAST_COMPAT__FIRST_PORT", self.first_port.to_string())
            .env("HOLDFAST_NODE__CREDENTIAL_FILE", self.here("node_credential"))
            .env("HOLDFAST_AMQP__URL_FILE", self.here("amqp_url"))
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap());
        let mut running = Running(serve.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ");
        let url =
            url.unwrap_or_else(|| panic!("{}: {}", node.name, fs::read_to_string(log).unwrap()));
        (running, Client::new(url.to_owned()))
    }
}

/// Everything is up, and every context answers through the gateway and on the port of its service.
fn comes_up(system: &'static str, broker: &Broker) {
    let nodes = nodes(system);
    let network = Network::of(&nodes, broker);
    let running: Vec<_> = nodes.iter().map(|node| network.start(node)).collect();
    let of = |name: &str| {
        let place = nodes.iter().position(|node| node.name == name).unwrap();
        &running[place].1
    };
    for (_, client) in &running {
        eventually("every part of it is well", || {
            let report = client.get("/readyz?verbose");
            let is_well = report.status == 200 && !report.text.contains("[-]");
            println!("{}", report.text);
            is_well.then_some(())
        });
    }
    let contexts = systems::contexts(system);
    let lowest = contexts.iter().filter_map(|context| context.port).min().unwrap();
    for context in &contexts {
        let path = format!("/{}", context.name.collection);
        of("gateway").get(&path).is(200);
        if let Some(port) = context.port {
            let own = format!("http://127.0.0.1:{}", network.first_port + port - lowest);
            Client::new(own).get(&path).is(200);
        }
    }
}

#[test]
fn every_system_comes_up_as_its_compose_file_says() {
    let broker = Broker::start();
    for system in systems::NAMES {
        comes_up(system, &broker);
    }
}
