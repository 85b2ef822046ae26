//! A browser that has signed in at one node of several: its session opens the same at each, and ends at all.

use reqwest::{
    blocking::{Client as Http, RequestBuilder},
    redirect::Policy,
};
use serde_json::json;
use support::{
    Answer, Server, eventually, free_ports,
    issuer::{TestIssuer, TokenKey},
};

const COOKIE: &str = "holdfast-session";

/// A node whose sessions and keys are those of `keeper`, or its own.
fn node(issuer: &TestIssuer, keeper: Option<&Server>, has_login: bool) -> Server {
    let mut toml = issuer.section();
    if let Some(keeper) = keeper {
        let url = keeper.url();
        let peers = ["book", "rent", "delivery", "view"];
        let peers = peers.map(|context| format!("\"bookrent.{context}\" = '{url}'\n")).concat();
        toml = toml.replacen("[auth]\n", &format!("[auth]\nkeys_from = '{url}'\n"), 1);
        toml.push_str(&format!("[peers]\n{peers}"));
    }
    if has_login {
        toml.push_str("[auth.login]\nclient_id = 'shop'\nclient_secret = 'a secret&'\n");
    }
    toml.push_str("[node]\ncredential = 'a-credential-for-tests-only'\n");
    toml.push_str("[limits]\nrequests = 1000000\nburst = 1000000\nposts = 1000000\n");
    let hosts = if keeper.is_some() { &["--contexts", "none"][..] } else { &[] };
    // Where the others find it again after a restart.
    let address = format!("127.0.0.1:{}", free_ports(1));
    Server::at(&address, "bookrent", &toml, hosts)
}

fn ask(
    http: &Http,
    method: &str,
    url: &str,
    cookie: &str,
    shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Answer {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = http.request(method, url).header("cookie", cookie);
    Answer::read(shape(request).send().unwrap()).unwrap()
}

/// The cookies that an answer sets, as a browser sends them.
fn cookies_of(answer: &reqwest::blocking::Response) -> String {
    let set = answer.headers().get_all("set-cookie").iter();
    let pairs = set.map(|set| set.to_str().unwrap().split(';').next().unwrap().to_owned());
    pairs.filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

/// The cookie of a session of this subject, who signs in at `server`.
fn sign_in(
    http: &Http,
    server: &Server,
    issuer: &TestIssuer,
    key: &TokenKey,
    role: &str,
) -> String {
    let mut claims = issuer.claims("kim", &[role]);
    claims["aud"] = json!("shop");
    claims["customer"] = json!(7);
    let begun = http.get(format!("{}/login?to=/books", server.url())).send().unwrap();
    let back = issuer.approve(begun.headers()["location"].to_str().unwrap(), key, &claims);
    let done = http.get(back).header("cookie", cookies_of(&begun)).send().unwrap();
    assert_eq!(done.status(), 303);
    let cookie = cookies_of(&done);
    assert!(cookie.starts_with(&format!("{COOKIE}=")), "{cookie}");
    cookie
}

#[test]
fn a_session_is_good_at_every_node_and_ends_at_all_of_them() {
    let key = TokenKey::generate("ES256", "one");
    let issuer = TestIssuer::start(&[&key]);
    let mut keeper = node(&issuer, None, true);
    let gateway = node(&issuer, Some(&keeper), true);
    // This one signs no one in.
    let another = node(&issuer, Some(&keeper), false);
    let http = Http::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let get = |server: &Server, path: &str, cookie: &str| {
        ask(&http, "GET", &format!("{}{path}", server.url()), cookie, |request| request)
    };
    let staff = sign_in(&http, &gateway, &issuer, &key, "staff");
    let mut form_tokens = Vec::new();
    for server in [&keeper, &gateway, &another] {
        let session = get(server, "/session", &staff).is(200);
        assert_eq!(session["subject"], "kim");
        form_tokens.push(session["formToken"].as_str().unwrap().to_owned());
        get(server, "/rents", &staff).is(200);
        get(server, "/admin/contexts", &staff).refuses(403, "insufficient-scope");
        let forged = format!("{COOKIE}={}", "A".repeat(43));
        get(server, "/rents", &forged).refuses(401, "invalid-token");
    }
    form_tokens.dedup();
    assert_eq!(form_tokens.len(), 1, "a page of one node commands at all");
    // A command of a page of this server, over the gateway to the node that executes it.
    let post = |server: &Server, headers: &[(&str, &str)]| {
        ask(&http, "POST", &format!("{}/books", server.url()), &staff, |request| {
            let request = request.json(&json!({ "title": "title01", "status": true }));
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        })
    };
    let token = ("x-form-token", form_tokens[0].as_str());
    for server in [&gateway, &another] {
        post(server, &[token, ("origin", server.url())]).is(201);
        post(server, &[token, ("sec-fetch-site", "same-origin")]).is(201);
        post(server, &[token, ("origin", "https://evil.example")]).refuses(403, "origin-refused");
        post(server, &[("origin", server.url())]).refuses(403, "form-token-missing");
    }
    // It outlives a restart of the node that keeps it, and ends wherever the browser signs out.
    keeper.kill();
    keeper.restart();
    get(&another, "/rents", &staff).is(200);
    let url = format!("{}/logout", another.url());
    let out = ask(&http, "POST", &url, &staff, |request| {
        request.header(token.0, token.1).header("origin", another.url())
    });
    out.is(204);
    get(&another, "/rents", &staff).refuses(401, "invalid-token");
    get(&keeper, "/rents", &staff).refuses(401, "invalid-token");
    eventually("the end has arrived", || {
        (get(&gateway, "/rents", &staff).status == 401).then_some(())
    });
    // A customer's session is a customer's everywhere.
    let customer = sign_in(&http, &gateway, &issuer, &key, "customer");
    for server in [&keeper, &another] {
        get(server, "/session", &customer).is(200).has("customer", "7");
        let refused =
            ask(&http, "POST", &format!("{}/books", server.url()), &customer, |request| {
                request.header("sec-fetch-site", "same-origin").json(&json!({ "title": "t" }))
            });
        refused.refuses(403, "form-token-missing");
    }
    // No one but a node asks about sessions or begins one, and no node begins one without the provider.
    for path in ["/internal/sessions", "/internal/sessions/holder", "/internal/sessions/end"] {
        keeper.post(path, json!({})).problem(404);
    }
    let forged = json!({ "digest": "A".repeat(43), "token": "e30.e30.e30", "nonce": "" });
    let begun = keeper.call("POST", "/internal/sessions", |request| {
        request.bearer_auth("a-credential-for-tests-only").json(&forged)
    });
    begun.refuses(400, "login-failed");
    let secret = staff.split_once('=').unwrap().1;
    for server in [&keeper, &gateway, &another] {
        assert!(!server.said().contains(secret), "the id of the session is in the log");
    }
}
