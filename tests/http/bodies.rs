//! Every route that takes a body, of every system: the routes and the members are those of the API document.

use serde_json::{Value, json};
use support::{
    Answer, Server,
    bodies::{BodyRoute, body_routes},
};
use tempfile::TempDir;

const LARGEST: u64 = (1 << 53) - 1;

/// A server with all systems, and its routes with a body.
struct World {
    server: Server,
    routes: Vec<BodyRoute>,
}

impl World {
    fn start() -> Self {
        let server = Server::over(&[], TempDir::new().unwrap());
        let routes = body_routes(&server.get("/openapi.json").is(200).body);
        assert!(routes.len() >= 20, "{routes:#?}");
        Self { server, routes }
    }

    fn send(&self, route: &BodyRoute, body: impl Into<String>) -> Answer {
        let body = body.into();
        self.server.call(&route.method, &route.path, |request| {
            request.header("Content-Type", "application/json").body(body)
        })
    }

    /// Sends what is wrong in one member.
    #[track_caller]
    fn refuses(&self, route: &BodyRoute, body: &str, status: u16, code: &str, pointer: &str) {
        let answer = self.send(route, body);
        let about = format!("{} {} {body}: {}", route.method, route.path, answer.text);
        assert_eq!(answer.status, status, "{about}");
        assert_eq!(
            (&answer["code"], &answer["errors"][0]["pointer"]),
            (&json!(code), &json!(pointer)),
            "{about}"
        );
    }

    /// Nothing has happened.
    #[track_caller]
    fn is_untouched(&self) {
        assert_eq!(self.server.get("/events").is(200).body, json!([]));
        let contexts = self.server.get("/admin/contexts").is(200);
        for context in contexts["contexts"].as_array().unwrap() {
            assert!(context["fault"].is_null() && context["state"] == "running", "{context}");
        }
    }
}

#[test]
fn a_member_that_is_given_twice_is_named_by_every_route() {
    let world = World::start();
    let mut count = 0;
    for route in &world.routes {
        for member in route.members.keys() {
            let value = route.example.get(member).cloned().unwrap_or(json!(1));
            let twice = format!("{{\"{member}\":{value},\"{member}\":{value}}}");
            world.refuses(route, &twice, 400, "bad-body", &format!("/{member}"));
            let other = route.written_with(&format!("\"{member}\":null,\"{member}\":{value}"));
            world.refuses(route, &other, 400, "bad-body", &format!("/{member}"));
            count += 1;
        }
        let unknown = route.written_with(r#""x":1,"x":1"#);
        world.refuses(route, &unknown, 400, "bad-body", "/x");
        let nested = route.written_with(r#""x":[{"y":1,"y":1}]"#);
        world.refuses(route, &nested, 400, "bad-body", "/x/0/y");
    }
    assert!(count > 40, "{count}");
    world.is_untouched();
}

#[test]
fn the_form_of_every_member_is_judged() {
    let world = World::start();
    for route in &world.routes {
        let values: Vec<_> = route.example.values().collect();
        for body in [json!(values), json!([route.example]), json!("x"), json!(7), json!(null)] {
            world.refuses(route, &body.to_string(), 400, "bad-body", "");
        }
        for (member, schema) in &route.members {
            for wrong in [json!({ "x": 1 }), json!([[1]])] {
                if schema["type"] == "array" && wrong.is_array() {
                    continue;
                }
                let answer = world.send(route, route.with(member, wrong.clone()).to_string());
                answer.refuses(400, "bad-body");
            }
        }
        for (member, _) in route.members_of("integer") {
            for wrong in ["+1", " 1", "01", "1e3", "1.0", ""] {
                let body = route.with(member, wrong.into()).to_string();
                world.refuses(route, &body, 400, "bad-body", &format!("/{member}"));
            }
            for wrong in [json!(1e3), json!(1.5), json!(true)] {
                let body = route.with(member, wrong).to_string();
                world.refuses(route, &body, 400, "bad-body", &format!("/{member}"));
            }
        }
    }
    world.is_untouched();
}

#[test]
fn every_integer_has_the_one_bound() {
    let world = World::start();
    let mut count = 0;
    let bound = |route: &BodyRoute, member: &str, schema: &Value| {
        let pointer = format!("/{member}");
        assert_eq!(schema["maximum"], LARGEST, "{route:?}");
        let beyond = ["9007199254740992", "18446744073709551615", "18446744073709551616"];
        for number in beyond {
            let marked = route.with(member, "MARK".into()).to_string();
            world.refuses(
                route,
                &marked.replace("\"MARK\"", number),
                422,
                "out-of-range",
                &pointer,
            );
            world.refuses(route, &marked.replace("MARK", number), 422, "out-of-range", &pointer);
        }
        // No machine has a float for it.
        let marked = route.with(member, "MARK".into()).to_string();
        let huge = marked.replace("\"MARK\"", "1e999");
        world.refuses(route, &huge, 422, "out-of-range", &pointer);
    };
    for route in &world.routes {
        for (member, schema) in route.members_of("integer") {
            bound(route, member, schema);
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
    world.is_untouched();
    for route in &world.routes {
        for (member, _) in route.members_of("integer") {
            let answer = world.send(route, route.with(member, LARGEST.into()).to_string());
            assert!(answer["code"] != "out-of-range" && answer.status != 400, "{}", answer.text);
        }
    }
}

#[test]
fn a_number_that_a_client_chooses_is_positive_and_named_where_it_is_not() {
    let world = World::start();
    let mut chosen = Vec::new();
    for route in world.routes.iter().filter(|route| route.method == "POST") {
        for (member, _) in route.members_of("integer") {
            let answer = world.send(route, route.with(member, 0.into()).to_string());
            if answer.status == 400 {
                let named = format!("/{member}");
                assert_eq!(answer["errors"][0]["pointer"], named, "{}", answer.text);
                chosen.push(format!("{} {member}", route.path));
            }
        }
    }
    assert_eq!(
        chosen,
        ["/gbike/bikes bikeid", "/gbike/userDeposits userid", "/ticketing/tickets ticketId"]
    );
}

#[test]
fn every_text_is_judged() {
    let world = World::start();
    let mut count = 0;
    for route in world.routes.iter().filter(|route| !route.path.starts_with("/admin")) {
        for (member, schema) in route.texts() {
            count += 1;
            let pointer = format!("/{member}");
            for letter in
                ['\0', '\u{7f}', '\u{200b}', '\u{202e}', '\u{feff}', '\u{e000}', '\u{3164}']
            {
                let body = route.with(member, format!("a{letter}b").into()).to_string();
                world.refuses(route, &body, 422, "bad-text", &pointer);
                let answer = world.send(route, body);
                let code = format!("U+{:04X}", u32::from(letter));
                assert!(answer["detail"].as_str().unwrap().contains(&code), "{}", answer.text);
            }
            if schema["minLength"] == 1 {
                for blank in ["", " ", "\t", "\u{3000}\u{200d}", "\u{fe0f}\u{2800}"] {
                    let body = route.with(member, blank.into()).to_string();
                    world.refuses(route, &body, 422, "blank", &pointer);
                }
            }
        }
    }
    assert!(count > 10, "{count}");
    world.is_untouched();
    for route in world.routes.iter().filter(|route| route.method == "POST") {
        for (member, schema) in route.texts() {
            let body = route.with(member, "\u{1100}\u{1161}\t1".into()).to_string();
            let answer = world.send(route, body);
            if answer.status == 201 && answer.body.get(member).is_some() {
                assert_eq!(answer[member], "가 1", "{}", answer.text);
            }
            if schema["minLength"].is_null() {
                let answer = world.send(route, route.with(member, " ".into()).to_string());
                assert_ne!(answer["code"], "blank", "{}", answer.text);
                assert!(answer.status != 201 || answer[member].is_null(), "{}", answer.text);
            }
        }
    }
}

#[test]
fn a_member_that_an_ask_of_another_node_has_twice_is_named() {
    let toml = "[node]\ncredential = \"0123456789abcdef\"\n";
    let server = Server::configured(toml);
    let ask = |body: &str| {
        let body = body.to_owned();
        server.call("POST", "/internal/asks/bookrent.book", |request| {
            request.bearer_auth("0123456789abcdef").body(body)
        })
    };
    for (body, pointer) in [
        (r#"{"number":1,"number":2}"#, "/number"),
        (r#"{"number":1,"command":{"Take":{"rent":1,"rent":2}}}"#, "/command/Take/rent"),
    ] {
        let answer = ask(body);
        answer.refuses(400, "bad-body");
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{}", answer.text);
    }
    ask("{}").refuses(400, "bad-body");
    ask("[").refuses(400, "bad-json");
}
