//! A listener for probes alone, with a thread and descriptors of its own: whatever the others are busy with, and
//! however many are connected, whoever asks here is told how the server is doing. What is told is what [`ops`] says.

use super::AppState;
use crate::{
    api::Problem,
    http::{handlers::operations, middleware::raw_response},
};
use std::{
    collections::VecDeque,
    fs::File,
    io,
    net::TcpListener as Listener,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::AbortHandle,
};

/// How many may ask at once, and for how many there are descriptors that nobody else can take.
pub const PROBES: usize = 16;
/// The longest head that is read.
const HEAD: usize = 8 * 1024;
/// How long one may take, all in all.
const PATIENCE: Duration = Duration::from_secs(1);

/// The thread that answers. Dropped, it ends.
#[derive(Debug)]
pub struct Probes(Option<oneshot::Sender<()>>, Option<JoinHandle<()>>);

impl Drop for Probes {
    fn drop(&mut self) {
        drop(self.0.take());
        if let Some(thread) = self.1.take() {
            let _ = thread.join();
        }
    }
}

/// Descriptors that are held so that nobody else has them, and given up one by one.
#[derive(Debug, Default)]
struct Reserve(Mutex<Vec<File>>);

impl Reserve {
    fn fill(&self) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while held.len() < PROBES {
            match File::open("/dev/null") {
                Ok(file) => held.push(file),
                Err(_) => return,
            }
        }
    }

    fn give_up(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().is_some()
    }
}

/// Answers probes on `listener`.
///
/// # Errors
/// There is no thread, or no descriptor, to be had.
pub(super) fn serve(listener: Listener, front: Arc<AppState>) -> io::Result<Probes> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let reserve = Arc::new(Reserve::default());
    reserve.fill();
    let run = move || {
        runtime.block_on(async move {
            tokio::select! {
                _ = stopped => {}
                ended = accept(listener, front, reserve) => {
                    if let Err(why) = ended {
                        tracing::error!(%why, "probes are not answered any more");
                    }
                }
            }
        });
    };
    let thread = std::thread::Builder::new().name("probes".into()).spawn(run)?;
    Ok(Probes(Some(stop), Some(thread)))
}

/// A descriptor of those that are held back is in use until this is dropped.
struct Place(Arc<Reserve>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fill();
    }
}

async fn accept(listener: Listener, front: Arc<AppState>, reserve: Arc<Reserve>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut asking: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = listener.accept().await;
        asking.retain(|one| !one.is_finished());
        // Whoever has something to ask asks at once: the first of those who have not makes room for others.
        let is_full = asking.len() >= PROBES;
        match (&accepted, is_full) {
            (Ok(_), false) => {}
            (Ok(_), true) => drop(asking.pop_front().inspect(AbortHandle::abort)),
            // With every descriptor taken, one of those that were held back is given up for it.
            (Err(_), _) if reserve.give_up() => {}
            (Err(why), _) => {
                tracing::debug!(%why, "a probe waits");
                drop(asking.pop_front().inspect(AbortHandle::abort));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let Ok((stream, _)) = accepted else { continue };
        let (front, place) = (Arc::clone(&front), Place(Arc::clone(&reserve)));
        let answered = tokio::spawn(async move {
            let _place = place;
            let _ = tokio::time::timeout(PATIENCE, answer(stream, &front)).await;
        });
        asking.push_back(answered.abort_handle());
        // It is heard, and who was to go is gone, before another one is let in.
        tokio::task::yield_now().await;
    }
}

/// One request, and its answer.
async fn answer(mut stream: TcpStream, front: &AppState) -> io::Result<()> {
    let (mut head, mut part) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part).await?;
        if read == 0 || head.len() > HEAD {
            return Ok(());
        }
        head.extend_from_slice(part.get(..read).unwrap_or_default());
    }
    stream.write_all(&told(&head, front)).await?;
    stream.shutdown().await
}

fn told(head: &[u8], front: &AppState) -> Vec<u8> {
    let line =
        head.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !matches!(method, "GET" | "HEAD") {
        return raw_response::words(Problem::method("GET, HEAD"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(told) = operations::tell(front, path, query) else {
        return raw_response::words(Problem::not_found());
    };
    let operations::Told { status, media, body } = told;
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\ncontent-type: {media}\r\ncache-control: no-cache\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    if method == "HEAD" { head.into_bytes() } else { [head, body].concat().into_bytes() }
}
