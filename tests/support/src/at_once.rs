//! Several clients that act at the same moment.

use super::{Client, Server};
use std::{sync::Barrier, thread};

/// Lets `clients` act at the same moment, each over a connection of its own. They are numbered from 1.
pub fn at_once<T: Send>(
    server: &Server,
    clients: u64,
    act: impl Fn(&Client, u64) -> T + Sync,
) -> Vec<T> {
    let gate = Barrier::new(usize::try_from(clients).unwrap());
    thread::scope(|scope| {
        let threads: Vec<_> = (1..=clients)
            .map(|n| {
                let client = server.apart();
                let gate = &gate;
                let act = &act;
                scope.spawn(move || {
                    gate.wait();
                    act(&client, n)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
