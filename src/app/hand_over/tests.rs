//! What passes between two processes, and what does not.

use super::*;
use std::{io::Write, os::unix::net::UnixStream};
use tempfile::TempDir;

fn socket() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[test]
fn sockets_and_connections_reach_the_next_process_and_stay_until_it_serves() {
    let dir = TempDir::new().unwrap();
    // Longer than the address of a socket may be.
    let dir = dir.path().join("d".repeat(120));
    std::fs::create_dir(&dir).unwrap();
    assert!(Predecessor::find(&dir).unwrap().is_none(), "no process runs");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sockets = [("main".to_owned(), socket()), ("bookrent.rent".to_owned(), socket())];
    let client = std::net::TcpStream::connect(sockets[1].1.local_addr().unwrap()).unwrap();
    let (stream, _) = sockets[1].1.accept().unwrap();
    let connections = [crate::http::PassedConnection { port: "bookrent.rent".to_owned(), stream }];
    let offered = {
        let _runtime = runtime.enter();
        HandOver::offer(&dir).unwrap()
    };
    let next = std::thread::spawn({
        let dir = dir.clone();
        move || {
            // One that does not know the ways of this one, and one that gives up.
            let mut other = with_socket_path(&dir, |path| UnixStream::connect(path)).unwrap();
            other.write_all(b"holdfast take-over 999\n").unwrap();
            drop(Predecessor::find(&dir).unwrap().unwrap());
            let (mut running, sockets) = Predecessor::find(&dir).unwrap().unwrap();
            let connections = running.wait_closed();
            running.release();
            (sockets, connections)
        }
    });
    runtime.block_on(async {
        let mut successor = offered.wait_for_successor(&sockets).await;
        drop(offered);
        successor.complete(&connections).await.unwrap();
    });
    let (passed, left) = next.join().unwrap();
    let names = |all: &[(String, TcpListener)]| {
        let all = all.iter().map(|(name, socket)| (name.clone(), socket.local_addr().unwrap()));
        all.collect::<Vec<_>>()
    };
    assert_eq!(names(&passed), names(&sockets));
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].port, "bookrent.rent");
    assert_eq!(left[0].stream.peer_addr().unwrap(), client.local_addr().unwrap());
    assert!(Predecessor::find(&dir).unwrap().is_none(), "the place is free for the next one");
}

#[test]
fn a_next_process_that_ends_before_it_serves_is_noticed() {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let offered = {
        let _runtime = runtime.enter();
        HandOver::offer(dir.path()).unwrap()
    };
    let next = std::thread::spawn({
        let dir = dir.path().to_owned();
        move || drop(Predecessor::find(&dir).unwrap().unwrap().0.wait_closed())
    });
    let ended = runtime.block_on(async {
        let mut successor = offered.wait_for_successor(&[("main".to_owned(), socket())]).await;
        successor.complete(&[]).await
    });
    next.join().unwrap();
    assert!(ended.is_err());
}
