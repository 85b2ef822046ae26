//! What befalls a process as a whole: it is stopped for a while, has no descriptors left, gets another time; and what it
//! answers to requests meanwhile is true.
use serde_json::json;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};
use support::{Answer, Server, eventually, within};
use tempfile::TempDir;

#[test]
fn a_process_that_was_stopped_for_longer_than_a_thread_may_hang_goes_on() {
    let mut server = Server::start(&[]);
    let book = server.register_book("title01");
    server.freeze(true);
    thread::sleep(Duration::from_secs(12));
    server.freeze(false);
    server.rent(book, 1).has("status", "Rent");
    // The watch looks every second: one that took it for hanging would have ended it by now.
    thread::sleep(Duration::from_secs(3));
    assert!(!server.has_ended(), "{}", server.said());
    server.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
}

#[test]
fn without_descriptors_the_journal_waits_and_nothing_is_lost() {
    const WRITERS: usize = 4;
    let data = TempDir::new().unwrap();
    let launcher = ["sh", "-c", "ulimit -n 160; exec \"$@\"", "sh"].map(Into::into).into();
    let toml = "[http]\nworkers = 1\nheader_timeout_ms = 60000\n";
    let mut server = Server::through(launcher, &data.path().join("data"), toml);
    let clients: Vec<_> = (0..WRITERS).map(|_| server.apart()).collect();
    // Each has its connection before there are no more.
    clients.iter().for_each(|client| drop(client.get("/livez").is(200)));
    let address = server.address().to_owned();
    let mut idle: Vec<_> = (0..200).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    let books: Vec<u64> = thread::scope(|scope| {
        let writers = clients.iter().map(|client| {
            scope.spawn(move || {
                let title = "x".repeat(3_500);
                // While the journal waits the patience of a client may end: it gets where to look, or when to come again.
                // And a connection may be closed for one of the many newcomers.
                let body = json!({ "title": title });
                let book = || match client.attempt("POST", "/books", |request| request.json(&body))
                {
                    Ok(answer) if matches!(answer.status, 201 | 202) => Some(answer.id()),
                    Ok(answer) => {
                        answer.problem(503);
                        None
                    }
                    Err(_) => None,
                };
                std::iter::repeat_with(book).flatten().take(700).collect::<Vec<_>>()
            })
        });
        let writers: Vec<_> = writers.collect();
        // Three files' worth of journal are written: the third is to be made while no file can be opened.
        within(support::DEADLINE * 3, "they are through, or the journal waits", || {
            let through = writers.iter().all(|writer| writer.is_finished());
            (through || server.said().contains("the journal cannot be written")).then_some(())
        });
        idle.clear();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert!(!server.has_ended(), "{}", server.said());
    assert_eq!(books.len(), WRITERS * 700);
    let total = server.total("books");
    assert!(total >= books.len() as u64, "{total}");
    server.get("/readyz").is(200);
    assert_eq!(server.terminate().code(), Some(0));
    server.restart();
    assert_eq!(server.total("books"), total);
}

/// What came of a deposit of a customer who has nothing yet.
fn is_true(server: &Server, user: u64, answer: &Answer) {
    let account = server.get(&format!("/userDeposits/{user}"));
    match answer.status {
        201 | 202 => drop(account.is(200).has("deposit", 7)),
        503 => drop(account.is(404)),
        other => panic!("{other}: {}", answer.text),
    }
}

#[test]
fn a_503_means_that_nothing_was_recorded() {
    const CLIENTS: u64 = 8;
    const EACH: u64 = 150;
    let server = Server::of("gbike", "", &[]);
    let done = AtomicBool::new(false);
    let answers: Vec<(u64, Answer)> = thread::scope(|scope| {
        let clients = (0..CLIENTS).map(|name| {
            let client = server.apart();
            scope.spawn(move || {
                let users = (1..=EACH).map(|n| name * EACH + n);
                let deposit = |user: u64| {
                    let body = json!({"userid": user.to_string(), "deposit": "7"});
                    (
                        user,
                        client
                            .attempt("POST", "/userDeposits", |request| request.json(&body))
                            .unwrap(),
                    )
                };
                users.map(deposit).collect::<Vec<_>>()
            })
        });
        let clients: Vec<_> = clients.collect();
        let operator = server.apart();
        let operating = scope.spawn(|| {
            let operator = operator;
            while !done.load(Ordering::Relaxed) {
                operator.stop("gbike.userDeposit");
                operator.start_again("gbike.userDeposit");
            }
        });
        let answers = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        operating.join().unwrap();
        answers
    });
    let refused = answers.iter().filter(|(_, answer)| answer.status == 503).count();
    eprintln!("{refused} of {} were refused", answers.len());
    answers.iter().for_each(|(user, answer)| is_true(&server, *user, answer));
}

#[test]
fn a_gateway_reports_an_unknown_outcome_when_a_reached_node_does_not_answer() {
    // One that reads a request and hangs up, as one does that is killed at it; and one that no client reaches.
    let killed = TcpListener::bind("127.0.0.1:0").unwrap();
    let reached = killed.local_addr().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    thread::spawn(move || {
        killed.incoming().flatten().for_each(|mut stream| {
            let _ = stream.read(&mut [0; 4096]);
        });
    });
    let toml = format!(
        "[node]\ncontexts = [\"none\"]\ncredential = \"0123456789abcdef\"\n[peers.bookrent]\nbook = \"http://{reached}\"\n\
         rent = \"http://{closed}\"\ndelivery = \"http://{closed}\"\nview = \"http://{closed}\"\n"
    );
    let gateway = Server::configured(&toml);
    gateway.post("/books", json!({"title": "title01"})).refuses(500, "outcome-unknown");
    gateway.get("/books/1").refuses(503, "context-away");
    gateway
        .post("/rents", json!({"bookId": 1, "userId": 1, "address": "address1"}))
        .refuses(503, "context-away");
}

#[test]
fn a_gateway_sends_again_what_a_node_that_comes_back_cannot_have_recorded() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let peers =
        ["book", "rent", "delivery", "view"].map(|name| format!("{name} = \"http://{address}\"\n"));
    let toml = format!(
        "[node]\ncontexts = [\"none\"]\ncredential = \"0123456789abcdef\"\n[peers.bookrent]\n{}",
        peers.concat()
    );
    let said = [("RUST_LOG", "info,holdfast=debug")];
    let gateway = Server::among(&said, "127.0.0.1:0", "bookrent", &toml, &[]);
    thread::scope(|scope| {
        let client = gateway.apart();
        let posted = scope.spawn(move || client.post("/books", json!({"title": "title01"})));
        eventually("it is sent again", || {
            gateway.said().contains("forwarding request again").then_some(())
        });
        let node = TcpListener::bind(address).unwrap();
        let (mut stream, _) = node.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream
            .write_all(b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
            .unwrap();
        drop(stream);
        posted.join().unwrap().is(201);
        // A read that the node may have seen is sent again as well.
        let client = gateway.apart();
        let read = scope.spawn(move || client.get("/books/1"));
        let (mut stream, _) = node.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        drop(stream);
        let (mut stream, _) = node.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        read.join().unwrap().is(200);
    });
}

#[test]
fn the_clock_stays_where_it_was_moved_to_over_a_restart() {
    let mut server = Server::start(&[]);
    let now = |answer: support::Answer| {
        answer["now"].as_str().unwrap().parse::<holdfast::domain::Timestamp>().unwrap()
    };
    let before = now(server.post("/admin/clock", json!({"advance": "PT0S"})).is(200));
    let after = now(server.post("/admin/clock", json!({"advance": "P10D"})).is(200));
    let ten_days = 10 * 24 * 3_600 * 1_000_000;
    assert!(after >= before.plus_micros(ten_days), "{before} {after}");
    for wrong in ["P1M", "P1Y", "-P1D", "-PT1S", "10", "", "P10D2"] {
        let answer = server.post("/admin/clock", json!({ "advance": wrong }));
        answer.refuses(400, "bad-body");
        assert_eq!(answer["errors"][0]["pointer"], "/advance");
    }
    for kill in [true, false] {
        if kill {
            server.kill();
        } else {
            assert_eq!(server.terminate().code(), Some(0));
        }
        server.restart();
        let now = now(server.post("/admin/clock", json!({"advance": "PT0S"})).is(200));
        assert!(now >= after && now < after.plus_micros(ten_days), "{after} {now}");
    }
}

#[test]
fn business_time_goes_on_from_what_the_data_has_reached_and_is_moved_so_far_and_no_farther() {
    let mut server = Server::start(&["--clock", "2030-05-01T00:00:00Z"]);
    let book = server.register_book("title01");
    for too_far in ["PT87696H", "PT9223372036854775807S"] {
        server.post("/admin/clock", json!({ "advance": too_far })).refuses(400, "too-far");
    }
    server.post("/admin/clock", json!({"advance": "PT48H"})).is(200);
    server.rent(book, 1).has("status", "Rent");
    let at = |server: &Server, rent: u64| {
        server.saga(rent).last().unwrap()["at"].as_str().unwrap().to_owned()
    };
    assert!(at(&server, 1).starts_with("2030-05-03T00:"), "{}", at(&server, 1));
    assert_eq!(server.terminate().code(), Some(0));

    server.set_argument("--clock", "2021-06-28T12:00:00+09:00");
    server.restart();
    assert!(server.said().contains(r#""reached":"2030-05-03T00:"#), "{}", server.said());
    let details = server.get("/actuator/health")["components"]["clock"]["details"].clone();
    assert!(details["carriedOnFrom"].as_str().unwrap().starts_with("2030-05-03T00:"), "{details}");
    server.cancel(1).is(200);
    assert!(at(&server, 1).starts_with("2030-05-03T00:"), "{}", at(&server, 1));
    assert_eq!(server.terminate().code(), Some(0));

    // One that is later still is taken.
    server.set_argument("--clock", "2040-01-01T00:00:00Z");
    server.restart();
    assert!(
        !server.said().contains("business time continues")
            && server.said().contains(r#""now":"2040-01-01"#)
    );
}
