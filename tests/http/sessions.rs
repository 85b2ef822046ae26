//! Browsers that sign in: the authorization code flow, the cookie of a session, and what other pages cannot do with it.

use reqwest::{
    blocking::{Client as Http, RequestBuilder},
    redirect::Policy,
};
use serde_json::{Value, json};
use std::{fs, path::Path};
use support::{
    Answer, Server,
    issuer::{TestIssuer, TokenKey},
};

/// A browser: it keeps cookies, and goes where the test sends it.
struct Browser<'a> {
    server: &'a Server,
    http: Http,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    fn of(server: &'a Server) -> Self {
        let http = Http::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { server, http, cookies: Vec::new() }
    }

    fn ask(
        &mut self,
        method: &str,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.server.url()));
        if !self.cookies.is_empty() {
            let all: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", all.join("; "));
        }
        let response = shape(request).send().unwrap();
        for set in response.headers().get_all("set-cookie") {
            let set = set.to_str().unwrap();
            for attribute in ["Path=/", "HttpOnly", "SameSite=Lax"] {
                assert!(set.contains(attribute), "{set}");
            }
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !set.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Answer::read(response).unwrap()
    }

    fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, |request| request)
    }

    fn session(&self) -> &str {
        let found = self.cookies.iter().find(|(name, _)| name == "holdfast-session");
        &found.unwrap_or_else(|| panic!("{:?}", self.cookies)).1
    }

    /// The path and query by which the provider sends the browser back, for a login with these claims.
    fn sign_in_at(&mut self, issuer: &TestIssuer, key: &TokenKey, claims: &Value) -> String {
        let begun = self.get("/login?to=/books");
        assert_eq!(begun.status, 303, "{}", begun.text);
        let back = issuer.approve(begun.header("location"), key, claims);
        back.strip_prefix(self.server.url()).unwrap_or_else(|| panic!("{back}")).to_owned()
    }

    /// Signs in as this subject with these roles.
    fn sign_in(&mut self, issuer: &TestIssuer, key: &TokenKey, subject: &str, role: &str) {
        let mut claims = issuer.claims(subject, &[role]);
        claims["aud"] = json!("shop");
        claims["customer"] = json!(7);
        let back = self.sign_in_at(issuer, key, &claims);
        let done = self.get(&back);
        assert_eq!((done.status, done.header("location")), (303, "/books"), "{}", done.text);
    }
}

/// What the server shows to the provider.
const CLIENT_SECRET: &str = "a secret&";

fn started(issuer: &TestIssuer) -> Server {
    started_among(&[], issuer)
}

/// The same, with these environment variables.
fn started_among(environment: &[(&str, &str)], issuer: &TestIssuer) -> Server {
    let login =
        format!("[auth.login]\nclient_id = \"shop\"\nclient_secret = \"{CLIENT_SECRET}\"\n");
    let limits = "[limits]\nrequests = 1000000\nburst = 1000000\nposts = 1000000\n";
    let toml = format!("{}{login}{limits}", issuer.section());
    Server::among(environment, "127.0.0.1:0", "bookrent", &toml, &[])
}

#[test]
fn a_browser_signs_in_commands_from_pages_of_this_server_and_signs_out() {
    let key = TokenKey::generate("ES256", "one");
    let issuer = TestIssuer::start(&[&key]);
    let mut server = started(&issuer);
    let mut browser = Browser::of(&server);
    browser.get("/session").refuses(401, "invalid-token");
    browser.sign_in(&issuer, &key, "kim", "staff");
    assert_eq!(browser.cookies.len(), 1, "the login is over: {:?}", browser.cookies);
    let session = browser.get("/session").is(200);
    assert_eq!(
        (session["subject"].clone(), session["roles"].clone()),
        (json!("kim"), json!(["staff"]))
    );
    assert_eq!(session.header("cache-control"), "no-store");
    let token = session["formToken"].as_str().unwrap().to_owned();
    let own = server.url().to_owned();
    let book = json!({ "title": "title01" });
    let mut post = |headers: &[(&str, &str)]| {
        browser.ask("POST", "/books", |mut request| {
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.json(&book)
        })
    };
    for of_others in [
        &[][..],
        &[("X-Form-Token", &*token)],
        &[("X-Form-Token", &token), ("Sec-Fetch-Site", "cross-site")],
        &[("X-Form-Token", &token), ("Sec-Fetch-Site", "same-site")],
        &[("X-Form-Token", &token), ("Sec-Fetch-Site", "none")],
        &[("X-Form-Token", &token), ("Sec-Fetch-Site", "cross-site"), ("Origin", &own)],
        &[("X-Form-Token", &token), ("Origin", "https://evil.example")],
        &[("X-Form-Token", &token), ("Origin", "null")],
        &[("X-Form-Token", &token), ("Origin", "http://127.0.0.1")],
    ] {
        post(of_others).refuses(403, "origin-refused");
    }
    for without in
        [&[("Origin", &*own)][..], &[("Sec-Fetch-Site", "same-origin"), ("X-Form-Token", "words")]]
    {
        post(without).refuses(403, "form-token-missing");
    }
    post(&[("X-Form-Token", &token), ("Origin", &own)]).is(201);
    post(&[("X-Form-Token", &token), ("Sec-Fetch-Site", "same-origin")]).is(201);
    let id = browser.session().to_owned();
    let cookies = browser.cookies.clone();
    server.kill();
    server.restart();
    let mut browser = Browser { cookies, ..Browser::of(&server) };
    browser.get("/session").is(200).has("subject", "kim");
    assert!(!is_on_disk(&server.data(), &id), "the id of the session is in the data directory");
    let own = server.url().to_owned();
    browser
        .ask("POST", "/logout", |request| {
            request.header("X-Form-Token", &token).header("Origin", own)
        })
        .is(204);
    assert!(browser.cookies.is_empty());
    browser.cookies.push(("holdfast-session".into(), id.clone()));
    browser.get("/session").refuses(401, "invalid-token");
    assert!(!server.said().contains(&id));
}

/// Whether `text` is in a file below `directory`.
fn is_on_disk(directory: &Path, text: &str) -> bool {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return is_on_disk(&path, text);
        }
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

#[test]
fn each_login_has_an_id_of_its_own_and_a_customer_sees_what_is_theirs() {
    let key = TokenKey::generate("EdDSA", "one");
    let issuer = TestIssuer::start(&[&key]);
    let server = started(&issuer);
    let mut browser = Browser::of(&server);
    browser.cookies.push(("holdfast-session".into(), "A".repeat(43)));
    browser.sign_in(&issuer, &key, "kim", "customer");
    let first = browser.session().to_owned();
    assert_ne!(first, "A".repeat(43));
    browser.get("/rents").is(200);
    browser.get("/admin/contexts").refuses(403, "insufficient-scope");
    browser.sign_in(&issuer, &key, "kim", "customer");
    assert_ne!(browser.session(), first);
    // Two cookies of one name are none: one of them was set by someone else.
    browser.cookies.push(("holdfast-session".into(), first));
    browser.get("/rents").refuses(401, "invalid-token");
}

#[test]
fn a_login_that_is_not_the_browsers_own_or_that_the_provider_does_not_confirm_begins_no_session() {
    let key = TokenKey::generate("RS256", "one");
    let issuer = TestIssuer::start(&[&key]);
    let server = started(&issuer);
    let mut claims = issuer.claims("kim", &["staff"]);
    claims["aud"] = json!("shop");
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let failed = |browser: &mut Browser<'_>, path: &str| {
        browser.get(path).refuses(400, "login-failed");
        assert!(browser.cookies.iter().all(|(name, _)| name != "holdfast-session"));
    };
    for wrong in [
        with("aud", json!("holdfast")),
        with("nonce", json!("another")),
        with("azp", json!("another")),
        with("iss", json!("https://evil.example")),
        with("exp", json!(1)),
    ] {
        let mut browser = Browser::of(&server);
        let back = browser.sign_in_at(&issuer, &key, &wrong);
        failed(&mut browser, &back);
    }
    let mut browser = Browser::of(&server);
    let back = browser.sign_in_at(&issuer, &TokenKey::generate("RS256", "one"), &claims);
    failed(&mut browser, &back);
    let back = browser.sign_in_at(&issuer, &key, &claims);
    // The login of one browser, answered in another.
    failed(&mut Browser::of(&server), &back);
    let mut other = Browser::of(&server);
    other.get("/login");
    failed(&mut other, &back);
    failed(&mut browser, &back.replace("state=", "state=a"));
    failed(&mut browser, &format!("{back}&iss=https%3A%2F%2Fevil.example"));
    failed(&mut browser, &format!("{back}&error=access_denied"));
    failed(&mut browser, &format!("{back}&state=twice"));
    failed(&mut browser, "/callback");
    assert_eq!(browser.get(&back).status, 303);
    // A code counts once, and the login is over.
    let mut again = Browser::of(&server);
    failed(&mut again, &back);
}

#[test]
fn without_a_login_there_is_nothing_and_without_the_provider_it_is_503() {
    let key = TokenKey::generate("EdDSA", "one");
    let issuer = TestIssuer::start(&[&key]);
    let without = Server::configured(&issuer.section());
    for path in ["/login", "/callback?code=a&state=b", "/session"] {
        without.get(path).problem(404);
    }
    issuer.set_away(true);
    let server = started(&issuer);
    Browser::of(&server).get("/login").refuses(503, "retry-later");
    for (language, words) in [("en", "Try again"), ("ko", "다시 시도하기")] {
        let page = Browser::of(&server).ask("GET", "/login", |request| {
            request.header("accept", "text/html").header("accept-language", language)
        });
        let kind = page.header("content-type").to_owned();
        assert_eq!((page.status, kind.as_str()), (503, "text/html; charset=utf-8"));
        assert!(page.header("content-security-policy").contains("default-src 'self'"));
        assert!(
            page.text.contains(words) && page.text.contains("href=\"/login\""),
            "{}",
            page.text
        );
    }
    let no_session = Browser::of(&server).get("/session");
    no_session.refuses(401, "invalid-token");
    assert!(no_session["detail"].as_str().unwrap().contains("`/login`"), "{}", no_session.text);
    let token = server.call("GET", "/books", |request| request.bearer_auth("hfdev_e30.AAAA"));
    token.refuses(401, "invalid-token");
    assert!(token["detail"].as_str().unwrap().contains("`auth.mode`"), "{}", token.text);
    issuer.set_away(false);
    let open = Server::start(&[]);
    open.get("/login").problem(404);
}

#[test]
fn nothing_that_opens_something_is_in_the_log_of_a_login() {
    let key = TokenKey::generate("ES256", "one");
    let issuer = TestIssuer::start(&[&key]);
    let mut server = started_among(&[("RUST_LOG", "trace")], &issuer);
    let mut browser = Browser::of(&server);
    let mut claims = issuer.claims("kim", &["staff"]);
    claims["aud"] = json!("shop");
    let back = browser.sign_in_at(&issuer, &key, &claims);
    let mut words: Vec<String> = browser.cookies.iter().map(|(_, value)| value.clone()).collect();
    let query = back.split_once('?').unwrap().1;
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    let opening = pairs.filter(|(name, _)| ["code", "state"].contains(name));
    words.extend(opening.map(|(_, value)| value.to_owned()));
    assert!(words.len() >= 3, "{words:?}");
    assert_eq!(browser.get(&back).status, 303);
    words.push(browser.session().to_owned());
    let session = browser.get("/session").is(200);
    words.push(session["formToken"].as_str().unwrap().to_owned());
    // The same once more, a login of no one, a session of no one, and a token of no one.
    browser.get(&back).refuses(400, "login-failed");
    let wrong = "canary-of-no-login-and-of-no-session";
    browser.get(&format!("/callback?code={wrong}&state={wrong}")).refuses(400, "login-failed");
    browser.cookies = vec![("holdfast-session".to_owned(), wrong.to_owned())];
    browser.get("/session");
    server.call("GET", "/rents", |request| request.bearer_auth(wrong)).problem(401);
    words.extend([wrong, CLIENT_SECRET, "a+secret%26", "a%20secret%26"].map(str::to_owned));
    assert!(server.terminate().success());
    let said = server.said();
    assert!(said.contains("\"level\":\"DEBUG\"") || said.contains("\"level\":\"TRACE\""), "{said}");
    for word in words.iter().filter(|word| word.len() > 8) {
        let line = said.lines().find(|line| line.contains(word.as_str()));
        assert!(line.is_none(), "`{word}` is in the log: {}", line.unwrap_or_default());
    }
}
