//! A port that passes everything on to another one, until it is closed.

use std::{
    io::copy,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

/// Passes connections on. Dropped, it ends them and takes no more.
pub struct Relay {
    address: String,
    closed: Arc<AtomicBool>,
    taken: Arc<AtomicUsize>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// Listens at `address` and passes on to `to`.
    pub fn at(address: &str, to: String) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let closed = Arc::new(AtomicBool::new(false));
        let taken = Arc::new(AtomicUsize::new(0));
        let open = Arc::new(Mutex::new(Vec::new()));
        let relay = Self { address, closed, taken, open };
        let closed = relay.closed.clone();
        let taken = relay.taken.clone();
        let open = relay.open.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if closed.load(SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect(&to) else { continue };
                taken.fetch_add(1, SeqCst);
                let both = [client.try_clone().unwrap(), server.try_clone().unwrap()];
                open.lock().unwrap().extend(both);
                pass(client.try_clone().unwrap(), server.try_clone().unwrap());
                pass(server, client);
            }
        });
        relay
    }

    /// How many connections it has taken.
    pub fn taken(&self) -> usize {
        self.taken.load(SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.closed.store(true, SeqCst);
        // The listener looks once more, and closes.
        let _ = TcpStream::connect(&self.address);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
