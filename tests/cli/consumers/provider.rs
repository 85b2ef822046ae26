//! An OpenID provider that others have written, `oidc-provider`, in a process of its own.

use super::{is_there, node, script};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};
use support::{
    Answer, Client, Server, eventually, free_ports,
    tls::{self, CertificateFiles},
};

/// Where no browser comes from.
const NOWHERE: &str = "http://127.0.0.1:9";

struct Provider {
    process: Child,
    url: String,
    http: reqwest::blocking::Client,
    /// It goes on to write there.
    _output: BufReader<ChildStdout>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.end();
    }
}

impl Provider {
    /// Starts it, where it is installed. Browsers sign in there for the server at this URL.
    fn start(server: &str) -> Option<Self> {
        Self::launch(server, &[])
    }

    /// The same, over TLS with this certificate.
    fn start_tls(files: &CertificateFiles) -> Option<Self> {
        Self::launch(NOWHERE, &[&files.cert, &files.key])
    }

    fn launch(server: &str, files: &[&PathBuf]) -> Option<Self> {
        let mut probe = node();
        let resolve = "require.resolve('oidc-provider')";
        if !is_there("oidc-provider", probe.args(["-e", resolve])) {
            return None;
        }
        let mut command = node();
        command.arg(script("provider.mjs")).arg(server).args(files);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        let authority = reqwest::Certificate::from_pem(tls::authority().as_bytes()).unwrap();
        let http = reqwest::blocking::Client::builder().tls_certs_only([authority]).no_proxy();
        let http = http.build().unwrap();
        Some(Self { process, url, http, _output: output })
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// The configuration of a server that trusts it.
    fn section(&self) -> String {
        let url = &self.url;
        format!(
            "[auth]\nmode = \"token\"\n[[auth.issuers]]\nurl = {url:?}\naudience = \"holdfast\"\nalgorithms = [\"ES256\"]\n\
             [limits]\nrequests = 1000000\nburst = 1000000\nposts = 1000000\n"
        )
    }

    /// A token for one of its clients. That of the reader is for the system of movies alone.
    fn token(&self, client: &str) -> String {
        let secret = format!("secret+of+{client}");
        let request =
            self.http.post(format!("{}/token", self.url)).basic_auth(client, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let scope = if client == "reader" { "&scope=holdfast:movie" } else { "" };
        let answer = request.body(format!("grant_type=client_credentials{scope}")).send();
        let answer: Value = answer.unwrap().json().unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    fn rotate(&self) {
        self.http.post(format!("{}/rotate", self.url)).send().unwrap();
    }

    /// How often its keys were read.
    fn read(&self) -> usize {
        let read = self.http.get(format!("{}/read", self.url)).send().unwrap();
        read.text().unwrap().parse().unwrap()
    }
}

fn get_with(client: &Client, token: &str) -> Answer {
    client.call("GET", "/books", |request| request.bearer_auth(token))
}

/// The cookies of a browser, by name and path.
#[derive(Default)]
struct Cookies(BTreeMap<(String, String), String>);

impl Cookies {
    /// Does what a `Set-Cookie` says.
    fn set(&mut self, header: &str) {
        let (name, rest) = header.split_once('=').unwrap();
        let mut parts = rest.split(';').map(str::trim);
        let value = parts.next().unwrap_or_default();
        let path = parts.find_map(|part| {
            let (attribute, path) = part.split_once('=')?;
            attribute.eq_ignore_ascii_case("path").then_some(path)
        });
        let key = (name.to_owned(), path.unwrap_or("/").to_owned());
        match value {
            "" => drop(self.0.remove(&key)),
            value => drop(self.0.insert(key, value.to_owned())),
        }
    }

    /// The header `Cookie` for this path.
    fn header(&self, path: &str) -> String {
        let here = self.0.iter().filter(|((_, root), _)| path.starts_with(root.as_str()));
        here.map(|((name, _), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

#[test]
fn a_browser_signs_in_at_it_and_is_the_customer_that_it_says() {
    let listen = format!("127.0.0.1:{}", free_ports(1));
    let Some(provider) = Provider::start(&format!("http://{listen}")) else { return };
    let login = "[auth.login]\nclient_id = \"shop\"\nclient_secret = \"secret of shop\"\n";
    let toml = format!("{}{login}", provider.section());
    let server = Server::at(&listen, "bookrent", &toml, &[]);
    let http = reqwest::blocking::Client::builder();
    let http = http.redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let mut cookies = Cookies::default();
    let mut url = format!("{}/login?to=/rents", server.url()).parse::<reqwest::Url>().unwrap();
    let mut steps = Vec::new();
    let shown = loop {
        steps.push(url.path().to_owned());
        assert!(steps.len() < 12, "{steps:?}");
        let shown = cookies.header(url.path());
        let answer = http.get(url.clone()).header("cookie", shown).send().unwrap();
        for set in answer.headers().get_all("set-cookie") {
            cookies.set(set.to_str().unwrap());
        }
        let Some(next) = answer.headers().get("location") else {
            let status = answer.status();
            break format!("{status} {}", answer.text().unwrap());
        };
        url = url.join(next.to_str().unwrap()).unwrap();
    };
    assert!(steps.contains(&"/callback".into()), "{steps:?}: {shown}");
    assert!(shown.starts_with("200") && shown.contains("\"rents\""), "{steps:?}: {shown}");
    let shown = cookies.header("/session");
    let session = server.call("GET", "/session", |request| request.header("cookie", shown));
    session.is(200).has("subject", "kim").has("customer", "7").has("issuer", provider.url.as_str());
}

#[test]
fn its_clients_are_who_their_tokens_say() {
    let Some(provider) = Provider::start(NOWHERE) else { return };
    let server = Server::configured(&provider.section());
    let till = provider.token("till");
    let book = json!({ "title": "title01" });
    server.call("POST", "/books", |request| request.bearer_auth(&till).json(&book)).is(201);
    let customer = get_with(&server, &provider.token("kim")).is(200);
    assert!(!customer.header("ratelimit").is_empty(), "customers have a limit");
    assert!(get_with(&server, &till).is(200).header("ratelimit").is_empty());
    get_with(&server, &provider.token("reader")).refuses(403, "insufficient-scope");
    let parts: Vec<&str> = till.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86));
    get_with(&server, &forged).refuses(401, "invalid-token");
}

#[test]
fn its_keys_are_read_by_tls_where_its_authority_is_trusted_and_not_else() {
    let directory = tempfile::TempDir::new().unwrap();
    let files = CertificateFiles::in_directory(directory.path());
    let Some(provider) = Provider::start_tls(&files) else { return };
    assert!(provider.url.starts_with("https://"), "{}", provider.url);
    let till = provider.token("till");
    let trusting = format!("{}{}", provider.section(), files.trust_section());
    get_with(&Server::configured(&trusting), &till).is(200);
    let other = Server::configured(&provider.section());
    get_with(&other, &till).refuses(503, "retry-later");
    eventually("the log says why", || {
        other.said().contains("failed to read the keys of a provider").then_some(())
    });
}

#[test]
fn its_keys_change_under_load_and_it_goes_away_and_no_valid_request_is_refused() {
    let Some(mut provider) = Provider::start(NOWHERE) else { return };
    let mut server = Server::configured(&provider.section());
    let old = provider.token("till");
    get_with(&server, &old).is(200);
    let read = provider.read();
    let is_over = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let client = server.apart();
                while !is_over.load(SeqCst) {
                    get_with(&client, &old).is(200);
                    answered.fetch_add(1, SeqCst);
                }
            });
        }
        eventually("requests are under way", || (answered.load(SeqCst) > 50).then_some(()));
        provider.rotate();
        for client in ["till", "kim"] {
            let new = provider.token(client);
            for _ in 0..20 {
                get_with(&server, &new).is(200);
            }
        }
        is_over.store(true, SeqCst);
    });
    assert_eq!(provider.read(), read + 1, "the new key was read more than once");
    let later = provider.token("kim");
    provider.end();
    get_with(&server, &later).is(200);
    // A server that never read its keys can judge nothing.
    server.kill();
    server.restart();
    get_with(&server, &later).refuses(503, "retry-later");
    server.get("/books").is(200);
}
