//! The pages to which the types of problems lead.
use holdfast::{api, systems};
use serde_json::{Value, json};
use support::{Answer, Server};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn page(server: &Server, code: &str, accept: &str, language: &str) -> Answer {
    server.call("GET", &format!("/problems/{code}"), |request| {
        request.header("Accept", accept).header("Accept-Language", language)
    })
}

fn has_korean(text: &str) -> bool {
    text.chars().any(|letter| ('가'..='힣').contains(&letter))
}

#[test]
fn every_code_of_the_server_and_of_a_system_has_a_page_in_both_languages() {
    for system in systems::NAMES {
        let server = Server::of(system, "", &[]);
        let refusals = systems::refusals(system);
        assert!(!refusals.is_empty(), "{system}");
        let own = refusals.iter().map(|refusal| refusal.code);
        // Those of the server are the same in every system.
        let shared = api::PROBLEM_CODES.iter().map(|problem| problem.code);
        let shared = shared.filter(|_| *system == "bookrent");
        for code in own.chain(shared) {
            let english = page(&server, code, "application/json", "en").is(200);
            assert_eq!(english.header("content-type"), "application/json");
            assert_eq!(english.header("content-language"), "en");
            assert_eq!(english["code"], code);
            assert_eq!(english["type"], format!("urn:holdfast:problem:{code}"));
            let meanings = english["meanings"].as_array().unwrap();
            assert!(!meanings.is_empty() && !has_korean(&english.text), "{}", english.text);
            let korean = page(&server, code, "*/*", "ko-KR").is(200);
            assert_eq!(korean.header("content-language"), "ko");
            for meaning in korean["meanings"].as_array().unwrap() {
                for text in ["title", "meaning"] {
                    assert!(has_korean(meaning[text].as_str().unwrap()), "{code}: {meaning}");
                }
            }
            let shown = page(&server, code, BROWSER, "en").is(200);
            assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
            assert!(shown.text.contains("<html lang=\"en\">") && shown.text.contains(code));
            let shown = page(&server, code, BROWSER, "ko").is(200);
            assert!(shown.text.contains("<html lang=\"ko\">") && has_korean(&shown.text));
            assert!(shown.header("vary").starts_with("Accept, Accept-Language"));
        }
    }
}

#[test]
fn the_type_of_a_problem_leads_to_its_page() {
    const PUBLIC: &str = "https://rent.example/api";
    let toml = format!("http.public_url = '{PUBLIC}'");
    let server = Server::of("ticketing", &toml, &[]);
    let refused = server.post("/reservations", json!({"ticketId": 77}));
    refused.refuses(409, "ticket-unknown");
    let unread = server.post("/reservations", json!([]));
    unread.refuses(400, "bad-body");
    for problem in [refused, unread] {
        let kind = problem["type"].as_str().unwrap();
        let path = kind.strip_prefix(PUBLIC).unwrap();
        let page = server.get(path).is(200);
        assert_eq!((&page["type"], &page["code"]), (&problem["type"], &problem["code"]));
        let fits = |meaning: &Value| {
            meaning["status"] == problem["status"] && meaning["title"] == problem["title"]
        };
        assert!(page["meanings"].as_array().unwrap().iter().any(fits), "{}", page.text);
        assert_eq!(server.call("HEAD", path, |request| request).is(200).text, "");
    }
    server.get("/problems/nothing").refuses(404, "not-found");
    server.get("/problems/seat-taken").refuses(404, "not-found");
    server.post("/problems/blank", json!({})).refuses(405, "method-not-allowed");
}
