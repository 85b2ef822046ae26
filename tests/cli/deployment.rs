//! The files of `deploy` say only what the server knows, and agree with each other.
mod image;
mod systemd;
mod whole;

use compose_spec::Compose;
use holdfast::{domain::Facts, systems};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use support::{Client, free_ports, holdfast, run};
use tempfile::TempDir;

const LISTEN: &str = "HOLDFAST_HTTP__LISTEN";
const OPEN: (&str, &str) = ("HOLDFAST_AUTH__ALLOW_OPEN_BEYOND_LOOPBACK", "true");

type Variables = BTreeMap<String, String>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
fn deploy(file: &str) -> PathBuf {
    root().join("deploy").join(file)
}

/// The instructions of the Containerfile: each word and what follows it.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(deploy("Containerfile")).unwrap().replace("\\\n", " ");
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(word, rest)| (word.into(), rest.trim().into()))
        .collect()
}
/// What follows the last instruction of that word.
fn instruction(word: &str) -> String {
    instructions()
        .into_iter()
        .rfind(|(found, _)| found == word)
        .unwrap_or_else(|| panic!("no {word}"))
        .1
}
fn image_variables() -> Variables {
    let set = instructions().into_iter().filter(|(word, _)| word == "ENV").map(|(_, rest)| rest);
    set.map(|rest| {
        rest.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()
    })
    .collect()
}
fn image_port() -> String {
    image_variables()[LISTEN].rsplit_once(':').unwrap().1.to_owned()
}

/// The compose file as the specification has it; whatever that does not know fails here.
fn compose(system: &str) -> Value {
    let text = fs::read_to_string(deploy(system).join("compose.yaml")).unwrap();
    let compose: Compose = Compose::options().apply_merge(true).from_yaml_str(&text).unwrap();
    compose.validate_all().unwrap();
    serde_json::to_value(compose).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// A service that runs this server.
struct Node {
    system: &'static str,
    name: String,
    service: Value,
    compose: Value,
}

fn nodes(system: &'static str) -> Vec<Node> {
    let compose = compose(system);
    let services = compose["services"].as_object().unwrap().clone();
    let ours = services.into_iter().filter(|(_, service)| service["build"].is_object());
    ours.map(|(name, service)| Node { system, name, service, compose: compose.clone() }).collect()
}

impl Node {
    /// What its process finds in its environment.
    fn variables(&self) -> Variables {
        let own = self.service["environment"].as_object().unwrap();
        let own =
            own.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        image_variables().into_iter().chain(own).collect()
    }

    /// What it is started with, with the files where they are here.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = strings(&self.service["command"]);
        for config in self.service["configs"].as_array().unwrap() {
            let file = self.compose["configs"][config["source"].as_str().unwrap()]["file"]
                .as_str()
                .unwrap();
            let place = arguments
                .iter_mut()
                .find(|argument| **argument == config["target"])
                .expect("it is read");
            *place = deploy(self.system).join(file).display().to_string();
        }
        arguments
    }

    /// Its configuration, as the server understands it.
    fn configuration(&self) -> BTreeMap<String, Value> {
        let mut arguments = self.arguments();
        assert_eq!(arguments.remove(0), "serve");
        let mut check = holdfast();
        // What is given itself goes before the files of secrets, which are in the containers only.
        check.envs([
            ("HOLDFAST_AMQP__URL", "amqp://broker"),
            ("HOLDFAST_NODE__CREDENTIAL", "0123456789abcdef"),
        ]);
        let output =
            run(check.args(["check-config", "--json"]).args(arguments).envs(self.variables()));
        assert!(output.status.success(), "{}: {}", self.name, said(&output));
        let lines: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        lines
            .into_iter()
            .map(|line| (line["key"].as_str().unwrap().to_owned(), line["value"].clone()))
            .collect()
    }

    /// The contexts that it hosts.
    fn contexts(&self) -> Vec<String> {
        let mut contexts = strings(&self.configuration()["node.contexts"]);
        contexts.retain(|name| name != "none");
        contexts
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_context_has_a_node_with_a_volume_and_the_port_of_its_service() {
    for system in systems::NAMES {
        let known = systems::contexts(system);
        let mut hosted = Vec::new();
        for node in nodes(system) {
            let contexts = node.contexts();
            let configuration = node.configuration();
            let volumes = node.service["volumes"].as_array().cloned().unwrap_or_default();
            let data = configuration["store.dir"].as_str().unwrap();
            assert_eq!(configuration["node.name"], node.name.as_str());
            let ports = match contexts.as_slice() {
                [] => vec![image_port()],
                hosted => {
                    let is_here =
                        |context: &&Facts| hosted.contains(&context.name.context.to_owned());
                    let own = known.iter().filter(is_here).filter_map(|context| context.port);
                    assert_eq!(volumes, [format!("{}:{data}", node.name)]);
                    own.map(|port| port.to_string()).collect()
                }
            };
            let published: Vec<_> =
                ports.iter().map(|port| format!("127.0.0.1:{port}:{port}")).collect();
            assert_eq!(strings(&node.service["ports"]), published, "{}", node.name);
            hosted.extend(contexts);
        }
        hosted.sort();
        let mut all: Vec<_> = known.iter().map(|context| context.name.context).collect();
        all.sort_unstable();
        assert_eq!(hosted, all);
    }
}

#[test]
fn every_peer_is_the_node_that_hosts_the_context() {
    for system in systems::NAMES {
        let nodes = nodes(system);
        let hosts: BTreeMap<_, _> = nodes
            .iter()
            .flat_map(|node| node.contexts().into_iter().map(|context| (context, &node.name)))
            .collect();
        for node in &nodes {
            let configuration = node.configuration();
            let peers: BTreeMap<_, _> = configuration
                .iter()
                .filter_map(|(key, url)| Some((key.strip_prefix("peers.")?, url)))
                .collect();
            assert_eq!(peers.len(), hosts.len(), "{}", node.name);
            for (context, url) in peers {
                let expected = format!("http://{}:{}", hosts[context], image_port());
                assert_eq!(*url, expected, "{context}");
            }
        }
    }
}

#[test]
fn every_secret_is_made_and_is_where_it_is_looked_for() {
    let made = TempDir::new().unwrap();
    let make = || {
        let output = run(Command::new(deploy("make-secrets")).arg(made.path()));
        assert!(output.status.success(), "{}", said(&output));
        let all = fs::read_dir(made.path()).unwrap().map(|entry| entry.unwrap().path());
        all.map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
            .collect::<BTreeMap<_, _>>()
    };
    let first = make();
    assert_eq!(first, make(), "what is there stays");

    for system in systems::NAMES {
        secrets_are_where_they_are_looked_for(system, &made, &first);
    }
}

fn secrets_are_where_they_are_looked_for(
    system: &'static str,
    made: &TempDir,
    first: &BTreeMap<PathBuf, String>,
) {
    let compose = compose(system);
    for (name, secret) in compose["secrets"].as_object().unwrap() {
        let file = Path::new(secret["file"].as_str().unwrap());
        assert_eq!(file.parent(), Some(Path::new("../secrets")), "{name}");
        assert!(first.contains_key(&made.path().join(file.file_name().unwrap())), "{name}");
    }
    let password = |file: &str| first[&made.path().join(file)].clone();
    let url = password("amqp_url");
    assert!(
        url.contains("@rabbitmq:5672/") && compose["services"]["rabbitmq"].is_object(),
        "{url}"
    );
    assert!(url.contains(password("rabbitmq_password").trim()));
    for node in nodes(system) {
        let given: Vec<_> = strings(&node.service["secrets"])
            .iter()
            .map(|name| format!("/run/secrets/{name}"))
            .collect();
        let configuration = node.configuration();
        for key in ["node.credential_file", "amqp.url_file"] {
            let file = configuration[key].as_str().unwrap().to_owned();
            assert!(given.contains(&file), "{}: {key}", node.name);
        }
    }
}

/// Ends with the test.
struct Running(Child);
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_node_starts_with_what_the_files_say() {
    let directory = TempDir::new().unwrap();
    let here = |name: &str| directory.path().join(name).display().to_string();
    // The broker is away, and nothing needs it.
    let made = run(Command::new(deploy("make-secrets")).arg(directory.path()).arg("127.0.0.1:1"));
    assert!(made.status.success(), "{}", said(&made));
    let node = nodes("bookrent").into_iter().find(|node| node.name == "book").unwrap();
    let first_port = free_ports(4);
    let mut serve = holdfast();
    serve.args(node.arguments()).envs(node.variables()).env(LISTEN, "127.0.0.1:0");
    serve
        .env("HOLDFAST_STORE__DIR", here("data"))
        .env("HOLDFAST_COMPAT__FIRST_PORT", first_port.to_string());
    serve.env("HOLDFAST_NODE__CREDENTIAL_FILE", here("node_credential"));
    serve.env("HOLDFAST_AMQP__URL_FILE", here("amqp_url"));
    let mut running = Running(
        serve
            .stdout(Stdio::piped())
            .stderr(fs::File::create(here("log")).unwrap())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let answers = line.trim().strip_prefix("listening on ").map(|url| {
        let probe: Vec<String> =
            serde_json::from_str(instruction("HEALTHCHECK").split_once("CMD ").unwrap().1).unwrap();
        let (_, path) = probe.last().unwrap().rsplit_once('/').unwrap();
        let of_the_service = Client::new(format!("http://127.0.0.1:{first_port}"));
        [
            Client::new(url.to_owned()).get(&format!("/{path}")),
            of_the_service.get("/books"),
            of_the_service.get("/rents"),
        ]
        .map(|answer| answer.status)
    });
    assert_eq!(
        answers,
        Some([200, 200, 404]),
        "{line}{}",
        fs::read_to_string(here("log")).unwrap()
    );
}

#[test]
fn the_image_is_set_up_with_what_the_server_knows() {
    let variables = image_variables();
    let check = |further: &[(&str, &str)]| {
        run(holdfast().arg("check-config").envs(&variables).envs(further.iter().copied()))
    };
    let refused = check(&[]);
    assert_eq!(refused.status.code(), Some(78), "it does not open itself to all networks");
    assert!(said(&refused).contains("auth.allow_open_beyond_loopback"), "{}", said(&refused));
    let open = check(&[OPEN]);
    assert!(open.status.success(), "{}", said(&open));

    let port = image_port();
    assert_eq!(instruction("EXPOSE"), port);
    assert!(instruction("HEALTHCHECK").contains(&format!("http://127.0.0.1:{port}/readyz")));
    assert_eq!(instruction("VOLUME"), variables["HOLDFAST_STORE__DIR"]);
    assert_eq!(instruction("STOPSIGNAL"), "SIGTERM");
    assert_ne!(instruction("USER").split(':').next(), Some("0"));
    assert_eq!(
        (instruction("ENTRYPOINT").as_str(), instruction("CMD").as_str()),
        ("[\"/usr/local/bin/holdfast\"]", "[\"serve\"]")
    );
}

#[test]
fn the_image_is_built_from_what_is_there() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let of = |text: &str, before: &str, after: char| {
        let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before}"));
        rest.split(after).next().unwrap().to_owned()
    };
    let version =
        |text: String| text.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let toolchain = instructions()
        .into_iter()
        .find_map(|(_, rest)| rest.strip_prefix("RUST=").map(str::to_owned));
    assert!(version(toolchain.unwrap()) >= version(of(&manifest, "rust-version = \"", '"')));
    let build =
        instructions().into_iter().find(|(_, rest)| rest.contains("cargo build")).unwrap().1;
    let profile = of(&build, "--profile ", ' ');
    assert!(
        manifest.contains(&format!("[profile.{profile}]"))
            && build.contains(&format!("target/{profile}/holdfast"))
    );

    // Everything in the manifest goes into the image's build, and all that goes in is there.
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let taken: Vec<_> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for path in taken.iter().filter(|path| !path.ends_with('*')) {
        assert!(root().join(path).exists(), "{path}");
    }
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "macros",
        "benches",
        "tests/support",
        "deploy/make-rootfs",
    ] {
        assert!(taken.contains(&path), "{path}");
    }
}
