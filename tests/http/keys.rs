//! API keys, tokens of development, and the audit of what is done with them.

use serde_json::{Value, json};
use std::process::Command;
use support::{Answer, Server};

/// What a server of `server`'s data directory prints on this command line.
fn print(server: &Server, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command: Command = support::holdfast();
    let data = server.data();
    let output = command.args(arguments).arg("--data").arg(data).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn with_bearer(server: &Server, method: &str, path: &str, bearer: &str, body: Value) -> Answer {
    server.call(method, path, |request| request.bearer_auth(bearer).json(&body))
}

fn get_with(server: &Server, path: &str, bearer: &str) -> Answer {
    server.call("GET", path, |request| request.bearer_auth(bearer))
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("{field}: {body}")).to_owned()
}

fn audit_of(server: &Server) -> Vec<Value> {
    server.get("/admin/audit?limit=1000").is(200).body["audit"].as_array().unwrap().clone()
}

#[test]
fn a_key_is_made_shown_once_and_ends_at_once_when_it_is_revoked() {
    let mut server = Server::start(&[]);
    let wanted = json!({ "name": "till", "roles": ["staff"], "scopes": ["bookrent"], "rate": 50 });
    let made = server.post("/admin/keys", wanted);
    let made = made.is(201);
    let (id, key) = (text(&made.body, "id"), text(&made.body, "key"));
    assert!(key.starts_with(&format!("hf_{id}_")), "{key}");
    get_with(&server, "/books", &key).is(200);
    let listed = server.get("/admin/keys").is(200);
    assert!(listed.text.contains(&id) && listed.text.contains("till"));
    let secret = key.rsplit_once(&id).unwrap().1;
    assert!(!listed.text.contains(secret));
    server.kill();
    server.restart();
    get_with(&server, "/books", &key).is(200);
    server.delete(&format!("/admin/keys/{id}")).is(200);
    let refused = get_with(&server, "/books", &key);
    refused.refuses(401, "invalid-token");
    assert_eq!(refused.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    server.kill();
    server.restart();
    get_with(&server, "/books", &key).problem(401);
    server.get("/books").is(200);
    server.delete("/admin/keys/aaaaaaaaaaaa").problem(404);
    server.delete("/admin/keys/no-id").problem(404);
    assert!(!server.said().contains(secret), "the secret is in the log");
}

#[test]
fn what_no_key_can_be_is_refused_and_nothing_is_kept() {
    let server = Server::start(&[]);
    let wrong = [
        json!({}),
        json!({ "name": "a" }),
        json!({ "name": "", "roles": ["staff"] }),
        json!({ "name": "a", "roles": [] }),
        json!({ "name": "a", "roles": ["node"] }),
        json!({ "name": "a", "roles": ["root"] }),
        json!({ "name": "a", "roles": ["customer"] }),
        json!({ "name": "a", "roles": ["staff"], "rate": 0 }),
        json!({ "name": "a", "roles": ["staff"], "expires": "2001-01-01T00:00:00Z" }),
        json!({ "name": "a", "roles": ["staff"], "more": 1 }),
        json!([]),
    ];
    for body in wrong {
        let answer = server.post("/admin/keys", body.clone());
        assert!((400..500).contains(&answer.status), "{body}: {}", answer.text);
    }
    for (body, field, words) in [
        (json!({ "name": "a", "roles": ["node"] }), "/roles", &["`node`", "auditor"][..]),
        (json!({ "name": "a", "roles": ["root"] }), "/roles", &["`root`", "auditor"]),
        (
            json!({ "name": "a", "roles": ["staff"], "scopes": ["bookrent", "bookrentt"] }),
            "/scopes",
            &["`bookrentt`", "did you mean `bookrent`?"],
        ),
        (json!({ "name": "a", "roles": ["customer"] }), "/customer", &["names the customer"]),
        (
            json!({ "name": "a", "roles": ["staff"], "customer": "7" }),
            "/customer",
            &["leave the customer out"],
        ),
    ] {
        let answer = server.post("/admin/keys", body);
        let error = &answer.body["errors"][0];
        let said = text(error, "detail");
        assert_eq!(error["pointer"], field, "{}", answer.text);
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        assert!(!said.replace("`node`", "").contains("node"), "{said}");
    }
    let keys = server.get("/admin/keys").is(200);
    assert_eq!(keys.body["keys"], json!([]));
}

#[test]
fn forged_keys_and_tokens_are_refused_before_anything_is_done() {
    let server = Server::start(&[]);
    let made = server.post("/admin/keys", json!({ "name": "a", "roles": ["admin"] })).is(201);
    let key = text(&made.body, "key");
    let altered =
        format!("{}{}", &key[..key.len() - 1], if key.ends_with('A') { 'B' } else { 'A' });
    for forged in ["hf_", "hf_aaaaaaaaaaaa_", altered.as_str(), "hfdev_e30.AAAA", "hfdev_"] {
        let book = json!({ "title": "title01" });
        with_bearer(&server, "POST", "/books", forged, book).problem(401);
    }
    assert_eq!(server.total("books"), 0);
}

#[test]
fn only_admins_make_keys() {
    let server = Server::start(&[]);
    let wanted = json!({ "name": "a", "roles": ["admin"] });
    for who in ["customer/7", "staff", "operator", "auditor"] {
        let (_, token, _) = print(&server, &["token", "--as", who]);
        let refused = with_bearer(&server, "POST", "/admin/keys", &token, wanted.clone());
        refused.refuses(403, "insufficient-scope");
        let refused = get_with(&server, "/admin/keys", &token);
        let role = who.split('/').next().unwrap();
        let said = text(&refused.body, "detail");
        let expected = format!("needs the role admin; the roles of the credentials are: {role}");
        assert!(said.contains(&expected), "{said}");
    }
    let scoped = json!({ "name": "a", "roles": ["admin"], "scopes": ["bookrent.book"] });
    let scoped = text(&server.post("/admin/keys", scoped).is(201).body, "key");
    for (path, words) in [("/rents", "not for bookrent.rent"), ("/admin/keys", "the whole server")]
    {
        let refused = get_with(&server, path, &scoped);
        refused.refuses(403, "insufficient-scope");
        assert!(text(&refused.body, "detail").contains(words), "{}", refused.text);
    }
    let (_, token, _) = print(&server, &["token", "--as", "admin"]);
    with_bearer(&server, "POST", "/admin/keys", &token, wanted).is(201);
}

#[test]
fn the_command_line_makes_keys_for_a_stopped_server_and_leaves_a_running_one_alone() {
    let mut server = Server::start(&[]);
    let add = ["key", "add", "--name", "first admin", "--role", "admin", "--days", "30"];
    let (status, out, error) = print(&server, &add);
    assert_eq!((status, out.as_str()), (Some(1), ""), "{error}");
    assert!(error.contains("in use by another holdfast"), "{error}");
    assert!(server.terminate().success());
    let (status, key, error) = print(&server, &add);
    assert_eq!(status, Some(0), "{error}");
    let (_, listed, _) = print(&server, &["key", "list"]);
    let id = key.split('_').nth(1).unwrap();
    assert!(listed.contains(id) && listed.contains("first admin"), "{listed}");
    assert!(!listed.contains(&key));
    for column in ["customer", "scopes", "ends", "all"] {
        assert!(listed.contains(column), "{listed}");
    }
    for (wrong, words) in [
        (&["--role", "customer"][..], "names the customer"),
        (&["--role", "boss"], "customer, staff, admin, operator and auditor"),
        (&["--role", "node"], "customer, staff, admin, operator and auditor"),
        (&["--role", "staff", "--scope", "bookrentt"], "did you mean `bookrent`?"),
    ] {
        let (status, _, error) = print(&server, &[&["key", "add", "--name", "a"], wrong].concat());
        assert_eq!(status, Some(2), "{error}");
        assert!(error.contains(words), "{error}");
    }
    // A directory that no server has had is left as it is.
    let other = server.data().with_file_name("other");
    for command in [&["key", "list"][..], &["key", "revoke", id], &["token", "--as", "staff"]] {
        for exists in [false, true] {
            if exists {
                std::fs::create_dir(&other).unwrap();
            }
            let output = support::holdfast().args(command).arg("--data").arg(&other).output();
            let output = output.unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{error}");
            assert!(error.contains("is not the data directory of a server"), "{error}");
            assert_eq!(other.exists(), exists);
        }
        std::fs::remove_dir(&other).unwrap();
    }
    server.restart();
    get_with(&server, "/books", &key).is(200);
    assert!(server.terminate().success());
    assert_eq!(print(&server, &["key", "revoke", "aaaaaaaaaaaa"]).0, Some(1));
    assert_eq!(print(&server, &["key", "revoke", "?"]).0, Some(2));
    assert_eq!(print(&server, &["key", "revoke", id]).0, Some(0));
    server.restart();
    get_with(&server, "/books", &key).problem(401);
}

#[test]
fn a_token_of_development_is_taken_by_the_server_of_its_data_directory_alone() {
    let server = Server::start(&[]);
    let other = Server::start(&[]);
    let (status, token, error) = print(&server, &["token", "--as", "customer/7"]);
    assert_eq!(status, Some(0), "{error}");
    get_with(&server, "/books", &token).is(200);
    get_with(&other, "/books", &token).problem(401);
    for wrong in ["customer", "node", "root", "staff/a/b"] {
        assert_eq!(print(&server, &["token", "--as", wrong]).0, Some(2), "{wrong}");
    }
}

#[test]
fn the_audit_has_a_line_for_each_administrative_action_and_each_write_of_staff() {
    let mut server = Server::start(&[]);
    server.stop("bookrent.delivery");
    server.start_again("bookrent.delivery");
    server.call("POST", "/admin/contexts/bookrent.nothing/stop", |request| request).problem(404);
    let (_, staff, _) = print(&server, &["token", "--as", "staff/kim"]);
    let (_, customer, _) = print(&server, &["token", "--as", "customer/7"]);
    let book = json!({ "title": "canary-title" });
    with_bearer(&server, "POST", "/books", &staff, book).is(201);
    let rent = json!({ "userId": 7, "bookId": 1, "address": "canary-address" });
    let rent = with_bearer(&server, "POST", "/rents", &customer, rent);
    assert!((200..300).contains(&rent.status), "{}", rent.text);
    get_with(&server, "/books", &staff).is(200);
    server.register_book("title02");
    // Who may do nothing there has no line, or could push the others out.
    with_bearer(&server, "DELETE", "/admin/keys/abc", &customer, json!({})).problem(403);
    let shown = |line: &Value| {
        let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        (
            field("subject"),
            field("method"),
            field("path"),
            line["status"].as_u64(),
            field("problem"),
        )
    };
    let line = |who: &str, path: &str, status: u64, problem: &str| {
        (who.to_owned(), "POST".to_owned(), path.to_owned(), Some(status), problem.to_owned())
    };
    let developer = "development";
    let expected = [
        line(developer, "/admin/contexts/bookrent.delivery/stop", 200, ""),
        line(developer, "/admin/contexts/bookrent.delivery/start", 200, ""),
        line(developer, "/admin/contexts/bookrent.nothing/stop", 404, "not-found"),
        line("staff/kim", "/books", 201, ""),
    ];
    let before = audit_of(&server);
    assert_eq!(before.iter().map(shown).collect::<Vec<_>>(), expected);
    assert!(before[3]["made"].as_str().unwrap().ends_with("/books/1"), "{}", before[3]);
    assert!(!json!(before).to_string().contains("canary"));
    server.kill();
    server.restart();
    assert_eq!(audit_of(&server), before);
    let first = server.get("/admin/audit?limit=2").is(200).body;
    assert_eq!(first["audit"].as_array().unwrap().len(), 2);
    let rest = server.get(first["next"].as_str().unwrap()).is(200).body;
    assert_eq!(rest["audit"].as_array().unwrap()[..], before[2..]);
    assert_eq!(rest["next"], Value::Null);
    let cancel = json!({ "status": "Cancel" });
    with_bearer(&server, "PATCH", "/rents/1", &staff, cancel).is(200);
    let last = audit_of(&server).pop().unwrap();
    assert_eq!((&last["path"], &last["owner"]), (&json!("/rents/1"), &json!("7")), "{last}");
    let (_, operator, _) = print(&server, &["token", "--as", "operator"]);
    let shown = get_with(&server, "/admin/audit?limit=1000", &operator).is(200).body;
    let last = shown["audit"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["path"], &last["owner"]), (&json!("/rents/1"), &json!("***")), "{last}");
    for wrong in ["limit=0", "after=x", "from=1"] {
        let answer = server.get(&format!("/admin/audit?{wrong}"));
        assert!((400..500).contains(&answer.status), "{wrong}");
    }
}

#[test]
fn of_credentials_that_are_given_twice_none_counts() {
    let server = Server::start(&[]);
    let (_, staff, _) = print(&server, &["token", "--as", "staff"]);
    let (_, customer, _) = print(&server, &["token", "--as", "customer/7"]);
    for (first, second) in [(&staff, &customer), (&customer, &staff), (&staff, &staff)] {
        let answer =
            server.call("GET", "/rents", |request| request.bearer_auth(first).bearer_auth(second));
        assert_eq!(answer.problem(401), "invalid-token");
    }
}

#[test]
fn while_authentication_is_open_a_token_that_no_one_can_judge_is_refused_and_not_taken_for_a_developer()
 {
    let server = Server::start(&[]);
    let shown = |path: &str, header: &[u8]| {
        server.call("GET", path, |request| request.header("authorization", header))
    };
    for token in [&b"Bearer eyJhbGciOiJSUzI1NiJ9.e30.x"[..], b"bearer abc", b"Bearer", b"\xff\xfe"]
    {
        for path in ["/books", "/rents", "/admin/contexts"] {
            shown(path, token).refuses(401, "invalid-token");
        }
        shown("/livez", token).is(200);
    }
    // A proxy may have judged what is of another scheme.
    for of_proxy in [&b"Basic YTpi"[..], b"Digest username=a", b"Negotiate abc", b""] {
        shown("/rents", of_proxy).is(200);
    }
}
