//! What passes between two processes, and what does not.

use super::*;
use std::{io::Write, os::unix::net::UnixStream, sync::mpsc, time::Duration};
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
        successor.complete(&connections, || false).await.unwrap();
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
        successor.complete(&[], || false).await
    });
    next.join().unwrap();
    assert!(ended.is_err());
}

/// Says what the next process says until it is ready, and no more.
fn become_ready(dir: &Path) -> UnixStream {
    let mut next = with_socket_path(dir, |path| UnixStream::connect(path)).unwrap();
    next.write_all(format!("{GREETING}\n{READY}\n").as_bytes()).unwrap();
    next
}

#[test]
fn a_next_process_that_falls_silent_is_given_up_unless_it_has_the_store() {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sockets = [("main".to_owned(), socket())];
    let soon = Duration::from_millis(1);
    runtime.block_on(async {
        let offered = HandOver::offer(dir.path()).unwrap();
        let _silent = become_ready(dir.path());
        let mut successor = offered.wait_for_successor(&sockets).await;
        let given_up = successor.complete_within(soon, &[], || false).await.unwrap_err();
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);

        // It speaks once it has been looked at several times.
        let mut slow = become_ready(dir.path());
        let mut successor = offered.wait_for_successor(&sockets).await;
        let (looked, looks) = mpsc::channel();
        let speaking = std::thread::spawn(move || {
            (0..3).for_each(|_| looks.recv().unwrap());
            slow.write_all(format!("{SERVING}\n").as_bytes()).unwrap();
            slow
        });
        let has_store = || {
            // After the third look no one listens.
            let _ = looked.send(());
            true
        };
        successor.complete_within(soon, &[], has_store).await.unwrap();
        drop(speaking.join().unwrap());
    });
}

#[test]
fn a_line_without_an_end_is_neither_kept_nor_shown_whole() {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sockets = [("main".to_owned(), socket())];
    runtime.block_on(async {
        let offered = HandOver::offer(dir.path()).unwrap();
        let path = dir.path().to_owned();
        let flooding = std::thread::spawn(move || {
            let mut flood = with_socket_path(&path, |path| UnixStream::connect(path)).unwrap();
            let refused = flood.write_all(&vec![b'x'; 64 << 20]);
            assert!(refused.is_err(), "all of it was read");
            let mut next = become_ready(&path);
            next.write_all(&[b'y'; 1000]).unwrap();
            next
        });
        let mut successor = offered.wait_for_successor(&sockets).await;
        let why = successor.complete(&[], || false).await.unwrap_err().to_string();
        assert_eq!(why, format!("it says `{}`", "y".repeat(64)));
        drop(flooding.join().unwrap());
    });
}
