//! A server that is open beyond loopback lets anyone order, and no one administer it by a mere word.

use serde_json::json;
use support::{Server, holdfast, run};

#[test]
fn a_client_that_only_names_an_operator_administers_nothing() {
    let open = "[auth]\nallow_open_beyond_loopback = true\n";
    let server = Server::at("0.0.0.0:0", "bookrent", open, &[]);
    server.register_book("title01");
    let mut command = holdfast();
    command.args(["token", "--as", "admin", "--data"]).arg(server.data());
    let token = String::from_utf8(run(&mut command).stdout).unwrap();
    assert!(token.starts_with("hfdev_"), "{token}");
    let of_development = format!("Bearer {}", token.trim());
    let shown: [&[(&str, &str)]; 6] = [
        &[],
        &[("x-holdfast-as", "admin")],
        &[("x-holdfast-as", "admin"), ("authorization", "Basic YTpi")],
        &[("x-holdfast-as", "admin"), ("authorization", "Bearer of-no-one")],
        &[("authorization", &of_development)],
        &[("cookie", "holdfast-acting-as=admin")],
    ];
    for headers in shown {
        let call = |method: &str, path: &str| {
            server.call(method, path, |request| {
                let request = headers
                    .iter()
                    .fold(request, |request, (name, value)| request.header(*name, *value));
                request.json(&json!({ "name": "till", "roles": ["admin"] }))
            })
        };
        for (method, path) in [
            ("GET", "/admin/keys"),
            ("POST", "/admin/keys"),
            ("GET", "/admin/audit"),
            ("POST", "/admin/contexts/bookrent.rent/stop"),
            ("POST", "/admin/backups/send"),
        ] {
            let answer = call(method, path);
            assert!(matches!(answer.status, 401 | 403), "{method} {path}: {}", answer.text);
        }
        let page = call("GET", "/pages/console");
        assert!(!page.text.contains("bookrent.rent"), "{}", page.text);
    }
    server.rent(1, 1).has("status", "Rent");
}
