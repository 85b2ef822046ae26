//! Programs of others against the real server: the CloudEvents SDKs, a client generated from the API document, a browser,
//! and the tool that judges metrics. `scripts/test` installs them; in CI none may be missing.

mod provider;

use serde_json::{Value, json};
use std::{
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};
use support::{Server, eventually, run, within};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/consumers").join(name)
}

/// Whether `probe` succeeds. It may fail on a developer's machine, and in CI it may not.
pub fn is_there(what: &str, probe: &mut Command) -> bool {
    let found = probe.output().is_ok_and(|done| done.status.success());
    assert!(found || env::var_os("CI").is_none(), "{what} is missing, which scripts/test installs");
    if !found {
        eprintln!("not run: {what} is missing, which scripts/test installs");
    }
    found
}

fn python() -> String {
    env::var("EXAMPLES_PYTHON").unwrap_or("python3".into())
}

fn node() -> Command {
    let mut node = Command::new("node");
    if let Some(modules) = env::var_os("CONSUMERS_NODE_MODULES") {
        node.env("NODE_PATH", modules);
    }
    node
}

/// The lines that a program has printed, each of them JSON.
#[track_caller]
fn lines(done: &Output) -> Vec<Value> {
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{errors}");
    let text = String::from_utf8_lossy(&done.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Two rents, one of them cancelled.
fn rents(server: &Server) {
    server.rent_new_books(2);
    server.cancel(1).is(200);
    server.shows("/books/1", json!({ "status": true }));
}

/// Pages and stream, read by an SDK, have what the server published.
fn reads_the_events(server: &Server, read: &[Value]) {
    let said = server.get("/events?limit=1000").is(200).body;
    let said = said.as_array().unwrap();
    assert!(said.len() >= 10);
    for way in ["page", "stream"] {
        let mut read: Vec<_> = read.iter().filter(|event| event["way"] == way).collect();
        assert_eq!(read.len(), said.len(), "{way}");
        for event in said {
            let same = |known: &&Value| {
                ["source", "id", "type", "subject", "data"]
                    .iter()
                    .all(|name| known[name] == event[name])
            };
            let at = read.iter().position(same).unwrap_or_else(|| panic!("{way} lacks {event}"));
            read.remove(at);
        }
    }
}

#[test]
fn the_cloudevents_sdk_for_python_reads_pages_and_streams() {
    let python = python();
    if !is_there("cloudevents", Command::new(&python).args(["-c", "import cloudevents.core"])) {
        return;
    }
    let server = Server::start(&[]);
    rents(&server);
    let read = run(Command::new(&python).arg(script("cloud_events.py")).arg(server.url()));
    reads_the_events(&server, &lines(&read));
}

#[test]
fn the_cloudevents_sdk_for_javascript_reads_pages_and_streams() {
    if !is_there("cloudevents for node", node().args(["-e", "require('cloudevents')"])) {
        return;
    }
    let server = Server::start(&[]);
    rents(&server);
    let read = run(node().arg(script("cloud_events.cjs")).arg(server.url()));
    reads_the_events(&server, &lines(&read));
}

/// The requests of BookRent's transcript, and the status and body that each is answered with.
fn transcript() -> Vec<(String, Option<(u64, Value)>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/systems/bookrent.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once("## Transcript").unwrap();
    let (_, block) = block.split_once("```console\n").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let steps = block.split("$ ").filter(|step| !step.is_empty()).map(|step| {
        let mut lines = step.lines();
        let request = lines.next().unwrap().to_owned();
        let answer = lines.next().map(|status| {
            let status = status.split(' ').next().unwrap().parse().unwrap();
            let body: String = lines.collect();
            (status, lasting(serde_json::from_str(&body.replace("{…}", "{}")).unwrap()))
        });
        (request, answer)
    });
    steps.collect()
}

/// The body without links, which depend on the address of the server.
fn lasting(mut body: Value) -> Value {
    body.as_object_mut().unwrap().remove("_links");
    body
}

#[test]
fn a_generated_client_replays_the_transcript_of_bookrent() {
    let python = python();
    let beside = Path::new(&python).with_file_name("openapi-python-client");
    if !is_there("openapi-python-client", Command::new(&beside).arg("--version")) {
        return;
    }
    let server = Server::start(&[]);
    let document = server.directory().join("openapi.json");
    fs::write(&document, server.get("/openapi.json").is(200).text).unwrap();
    let config = server.directory().join("generator.yaml");
    fs::write(&config, "post_hooks: []\n").unwrap();
    let package = server.directory().join("generated_client");
    let mut generate = Command::new(&beside);
    generate.args(["generate", "--fail-on-warning", "--meta", "none", "--path"]).arg(&document);
    generate.arg("--config").arg(&config).arg("--output-path").arg(&package);
    let done = run(&mut generate);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));

    let steps = transcript();
    assert!(steps.len() >= 10);
    let mut client = Command::new(&python);
    client.arg(script("generated_client.py")).arg(server.url()).arg(&document).arg(&package);
    let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut asks = client.stdin.take().unwrap();
    let mut answers =
        std::io::BufRead::lines(std::io::BufReader::new(client.stdout.take().unwrap()));
    for (request, expected) in &steps {
        // What follows by policy is there a moment later.
        eventually(&format!("{request}: {expected:?}"), || {
            writeln!(asks, "{request}").unwrap();
            let answer: Value = serde_json::from_str(&answers.next()?.unwrap()).unwrap();
            let Some((status, body)) = expected else {
                assert_eq!(answer["status"], 200, "{request}");
                return Some(());
            };
            let is_so = answer["status"] == *status && lasting(answer["body"].clone()) == *body;
            assert!(is_so || request.starts_with("http GET"), "{request}: {answer}");
            is_so.then_some(())
        });
    }
    drop(asks);
    assert!(client.wait().unwrap().success());
}

#[test]
fn promtool_has_nothing_to_say_about_the_metrics() {
    if !is_there("promtool", Command::new("promtool").arg("--version")) {
        return;
    }
    for system in ["bookrent", "gbike"] {
        let server = Server::of(system, "", &[]);
        let check = |text: &str| {
            let mut promtool = Command::new("promtool");
            promtool.args(["check", "metrics"]).stdin(Stdio::piped());
            let mut promtool =
                promtool.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            let done = promtool.wait_with_output().unwrap();
            let said = [done.stdout, done.stderr].concat();
            (done.status.success(), String::from_utf8(said).unwrap())
        };
        if system == "bookrent" {
            rents(&server);
        }
        let text = server.get("/metrics").is(200).text;
        assert_eq!(check(&text), (true, String::new()), "{text}");
        assert!(
            !check("# TYPE requests counter\nrequests 1\n").0,
            "promtool says something at all"
        );
    }
}

/// Serves one page, on an origin of its own.
fn serve_page(page: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let length = page.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all([head.as_bytes(), page.as_bytes()].concat().as_slice());
        }
    });
    url
}

/// A browser with a profile of its own in the directory of `server`.
fn chromium(server: &Server) -> Command {
    let profile = format!("--user-data-dir={}", server.directory().join("profile").display());
    let mut chromium = Command::new("chromium");
    chromium.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    chromium.args(["--no-first-run", &profile]);
    chromium
}

/// Ends with the test, with all the processes that it has started.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let group = format!("kill -KILL -{}", self.0.id());
        let _ = Command::new("sh").args(["-c", &group]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn a_browser_hears_events_by_onmessage_and_reads_links_from_another_origin() {
    if !is_there("chromium", Command::new("chromium").arg("--version")) {
        return;
    }
    let server = Server::start(&[]);
    let book = server.register_book("a book");
    let page = fs::read_to_string(script("browser.html")).unwrap();
    let url = serve_page(page.replace("SERVER", server.url()));
    let mut chromium = chromium(&server);
    chromium.arg(&url).stdout(Stdio::null()).stderr(Stdio::null());
    let _browser = Browser(
        std::os::unix::process::CommandExt::process_group(&mut chromium, 0).spawn().unwrap(),
    );
    let told = |title: &str| {
        let books = server.all("books");
        let errors = books
            .iter()
            .find(|book| book["title"].as_str().is_some_and(|title| title.starts_with("error")));
        assert!(errors.is_none(), "{errors:?}");
        books.iter().any(|book| book["title"] == title)
    };
    for title in ["link true", "open", "named open"] {
        // A browser takes its time to start on a loaded machine.
        within(Duration::from_secs(120), &format!("the page tells `{title}`"), || {
            told(title).then_some(())
        });
    }
    let rent = server.rent(book, 1).id();
    for title in [format!("heard {rent}"), format!("named {rent}")] {
        eventually(&format!("the page tells `{title}`"), || told(&title).then_some(()));
    }
}

#[test]
fn a_browser_shows_the_api_under_the_policy_that_its_pages_have() {
    if !is_there("chromium", Command::new("chromium").arg("--version")) {
        return;
    }
    let server = Server::start(&[]);
    let page = server.get("/docs/").is(200);
    assert!(page.header("content-security-policy").starts_with("default-src 'self';"));
    let url = format!("{}/docs/", server.url());
    let mut chromium = chromium(&server);
    chromium.args(["--virtual-time-budget=30000", "--dump-dom", &url]);
    let shown = String::from_utf8(run(&mut chromium).stdout).unwrap();
    let operations = shown.matches("opblock-summary-path\"").count();
    assert!(operations > 20, "{operations} operations are shown in {shown}");
}
