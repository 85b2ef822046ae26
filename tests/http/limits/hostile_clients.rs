//! Two thousand clients who mean no good, beside a few who work, on a server that may have 256 files open.

use super::connection::{Connection, metric, raise_limit, resident, text, with_files};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};
use support::{Server, eventually};

/// One of them, which behaves by its number.
fn one_of_the_crowd(address: &str, number: usize) -> Option<Connection> {
    let mut wire = Connection::try_to(address)?;
    match number % 4 {
        0 => {}
        1 => wire.stuff(&text("POST", "/books", &" ".repeat(1000))[..200 + number % 700]),
        2 => wire.stuff(&text("GET", "/openapi.json", "").repeat(30)),
        _ => wire
            .stuff("GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"),
    }
    Some(wire)
}

#[test]
fn nothing_acknowledged_is_lost_and_probes_answer_at_once() {
    let _alone = support::alone();
    raise_limit();
    let data = tempfile::TempDir::new().unwrap();
    let toml = "[http]\nprobes = '127.0.0.1:0'\nwrite_timeout_ms = 2000\n";
    let mut server = Server::through(with_files(256), &data.path().join("data"), toml);
    let address = server.address().to_owned();
    let probes = server.probes().to_owned();
    let acknowledged = Mutex::new(Vec::new());
    let over = AtomicBool::new(false);
    let crowd = AtomicUsize::new(0);
    let probed = AtomicUsize::new(0);
    let most = AtomicU64::new(0);
    thread::scope(|scope| {
        let work = || {
            let mut wire = Connection::to(&address);
            let mut done = 0;
            while !over.load(Ordering::Relaxed) || done < 20 {
                match wire.try_ask("POST", "/books", "{\"title\":\"t\"}") {
                    Some(answer) if answer.status == 503 => wire = Connection::to(&address),
                    Some(answer) => {
                        acknowledged
                            .lock()
                            .unwrap()
                            .push(answer.is(201).json()["id"].as_u64().unwrap());
                        done += 1;
                    }
                    None => wire = Connection::to(&address),
                }
            }
        };
        let press = |first: usize| {
            let mut all = Vec::new();
            for number in (first..2000).step_by(4) {
                all.extend(one_of_the_crowd(&address, number / 4));
                crowd.fetch_add(1, Ordering::Relaxed);
            }
            while !over.load(Ordering::Relaxed) {
                thread::yield_now();
                thread::sleep(std::time::Duration::from_millis(20));
            }
        };
        let watch = || {
            while !over.load(Ordering::Relaxed) {
                for path in ["/livez", "/readyz", "/metrics"] {
                    Connection::to(&probes).ask("GET", path, "").is(200);
                    probed.fetch_add(1, Ordering::Relaxed);
                }
                most.fetch_max(resident(&server), Ordering::Relaxed);
            }
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        (0..4).for_each(|first| drop(scope.spawn(move || press(first))));
        let watching = scope.spawn(watch);
        eventually("all are there", || (crowd.load(Ordering::Relaxed) == 2000).then_some(()));
        let before = acknowledged.lock().unwrap().len();
        eventually("work goes on", || {
            (acknowledged.lock().unwrap().len() > before + 50).then_some(())
        });
        over.store(true, Ordering::Relaxed);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        watching.join().unwrap();
    });
    assert!(probed.load(Ordering::Relaxed) > 10 && !server.has_ended());
    assert!(most.load(Ordering::Relaxed) < 200, "{most:?} MiB");
    assert!(metric(&probes, "holdfast_connections_spared_total") > 0);
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
    assert!(files < 256, "{files}");
    for word in ["panicked", "Too many open files", "os error 24"] {
        assert!(!server.said().contains(word), "{word} in {}", server.said());
    }
    let of_all = acknowledged.into_inner().unwrap();
    for _ in 0..2 {
        let there: Vec<_> =
            server.all("books").iter().map(|book| book["id"].as_u64().unwrap()).collect();
        assert!(
            of_all.iter().all(|id| there.contains(id)),
            "something that was acknowledged is lost"
        );
        server.kill();
        server.restart();
    }
}
