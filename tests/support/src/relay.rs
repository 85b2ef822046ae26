//! A port that passes everything on to another one, until it is closed.

use std::{
    io::{Read, Write, copy},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
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
    held: Arc<Gate>,
}

/// Whether answers are held back.
#[derive(Default)]
struct Gate {
    is_closed: Mutex<bool>,
    opens: Condvar,
}

impl Gate {
    fn wait(&self) {
        let closed = self.is_closed.lock().unwrap();
        drop(self.opens.wait_while(closed, |closed| *closed).unwrap());
    }
}

impl Relay {
    /// Listens at `address` and passes on to `to`.
    pub fn at(address: &str, to: String) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let closed = Arc::new(AtomicBool::new(false));
        let taken = Arc::new(AtomicUsize::new(0));
        let open = Arc::new(Mutex::new(Vec::new()));
        let held = Arc::new(Gate::default());
        let relay = Self { address, closed, taken, open, held };
        let closed = relay.closed.clone();
        let taken = relay.taken.clone();
        let open = relay.open.clone();
        let held = relay.held.clone();
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
                pass_back(server, client, held.clone());
            }
        });
        relay
    }

    /// Holds back what the other side answers (`true`), or lets it through.
    pub fn hold_answers(&self, held: bool) {
        *self.held.is_closed.lock().unwrap() = held;
        self.held.opens.notify_all();
    }

    /// Ends the connections that are open. It goes on to take others.
    pub fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
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

/// Passes answers on, when they are not held back.
fn pass_back(mut from: TcpStream, mut to: TcpStream, held: Arc<Gate>) {
    thread::spawn(move || {
        let mut bytes = [0; 16 << 10];
        while let Ok(count) = from.read(&mut bytes) {
            held.wait();
            if count == 0 || to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
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
