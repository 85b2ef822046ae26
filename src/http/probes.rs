//! A listener for probes alone, with a thread and descriptors of its own, so that it answers however busy and however full
//! the main listener is. It answers the probes of the route table.

use crate::{
    api::{self, Problem},
    http::{
        call::{ProbeReply, ProbeRequest},
        middleware::{caller, raw_response},
        route::Handler,
        routes,
        state::{AppState, Port},
    },
    identity::Audience,
    sync,
};
use std::{
    collections::VecDeque,
    fs::File,
    io,
    net::TcpListener as Listener,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::AbortHandle,
};

/// How many probes are answered at once, each with a reserved descriptor.
pub const MAX_PROBES: usize = 16;
/// The longest head that is read.
const MAX_HEAD: usize = 8 * 1024;
/// How long a probe may take in all.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The thread that answers probes; it ends when this is dropped.
#[derive(Debug)]
pub struct ProbeThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for ProbeThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Descriptors that are held open so that nothing else can take them.
#[derive(Debug, Default)]
struct ReservedDescriptors(Mutex<Vec<File>>);

impl ReservedDescriptors {
    fn fill_reserve(&self) {
        let mut held = sync::lock(&self.0);
        while held.len() < MAX_PROBES {
            match File::open("/dev/null") {
                Ok(file) => held.push(file),
                Err(_) => return,
            }
        }
    }

    fn release_one(&self) -> bool {
        sync::lock(&self.0).pop().is_some()
    }
}

/// Answers probes on `listener`.
///
/// # Errors
/// The thread or its runtime cannot be started.
pub fn serve_probes(listener: Listener, state: Arc<AppState>) -> io::Result<ProbeThread> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let reserve = Arc::new(ReservedDescriptors::default());
    reserve.fill_reserve();
    let run = move || {
        runtime.block_on(async move {
            tokio::select! {
                _ = stopped => {}
                ended = accept_connections(listener, state, reserve) => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "probe listener failed");
                    }
                }
            }
        });
    };
    let thread = std::thread::Builder::new().name("probes".into()).spawn(run)?;
    Ok(ProbeThread { stop: Some(stop), thread: Some(thread) })
}

/// A released descriptor; dropped, it is reserved again.
struct Released(Arc<ReservedDescriptors>);

impl Drop for Released {
    fn drop(&mut self) {
        self.0.fill_reserve();
    }
}

async fn accept_connections(
    listener: Listener,
    state: Arc<AppState>,
    reserve: Arc<ReservedDescriptors>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut tasks: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = listener.accept().await;
        tasks.retain(|task| !task.is_finished());
        // A probe sends its request at once, so the oldest connection without one is dropped for a new one.
        let is_full = tasks.len() >= MAX_PROBES;
        match (&accepted, is_full) {
            (Ok(_), false) => {}
            (Ok(_), true) => drop(tasks.pop_front().inspect(AbortHandle::abort)),
            // All descriptors are taken: a reserved one is released for this probe.
            (Err(_), _) if reserve.release_one() => {}
            (Err(error), _) => {
                tracing::debug!(%error, "failed to accept probe");
                drop(tasks.pop_front().inspect(AbortHandle::abort));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let Ok((stream, _)) = accepted else { continue };
        let state = Arc::clone(&state);
        let released = Released(Arc::clone(&reserve));
        let task = tokio::spawn(async move {
            let _released = released;
            let _ = tokio::time::timeout(TIMEOUT, answer_probe(stream, &state)).await;
        });
        tasks.push_back(task.abort_handle());
        // Lets the new task read, and the dropped one end, before the next probe is accepted.
        tokio::task::yield_now().await;
    }
}

/// Reads one request and answers it.
async fn answer_probe(mut stream: TcpStream, state: &AppState) -> io::Result<()> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part).await?;
        if read == 0 || head.len() > MAX_HEAD {
            return Ok(());
        }
        head.extend_from_slice(part.get(..read).unwrap_or_default());
    }
    stream.write_all(&write_response(&head, state)).await?;
    stream.shutdown().await
}

fn write_response(head: &[u8], state: &AppState) -> Vec<u8> {
    let line =
        head.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.unwrap_or_default().split(' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let types = &state.settings.problem_types;
    if !matches!(method, "GET" | "HEAD") {
        return raw_response::to_bytes(Problem::method_not_allowed("GET, HEAD"), types);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let route = routes::find_route(path).and_then(|(_, mut routes)| routes.next());
    let Some((route, Handler::Probe(report))) = route.map(|route| (route, &route.handler)) else {
        return raw_response::to_bytes(Problem::not_found(), types);
    };
    let audience = route.audience_of(query);
    if !state.serves(audience, Port::Main) {
        return raw_response::to_bytes(Problem::not_found(), types);
    }
    let caller = caller::developer(state);
    if api::check_audience(audience, caller.as_deref()).is_err() {
        return raw_response::to_bytes(needs_another_port(), types);
    }
    let has_details = state.serves(Audience::Metrics, Port::Main);
    let caller = caller.as_deref().filter(|_| has_details);
    let accept = find_header(head, "accept").unwrap_or_default();
    let request = ProbeRequest { query, accept, caller };
    let ProbeReply { status, media_type, body } = report(state, &request);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\ncontent-type: {media_type}\r\ncache-control: no-cache\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    if method == "HEAD" { head.into_bytes() } else { [head, body].concat().into_bytes() }
}

/// Credentials are judged on the other ports alone: what needs them is not here.
fn needs_another_port() -> Problem {
    Problem::new(
        "not-found",
        "this port takes no credentials and answers probes alone: metrics and details are on `http.listen`, or on `ops.listen` \
         where that is set, for the key or token of an operator",
        "이 포트는 인증 정보를 받지 않고 프로브에만 응답합니다. 메트릭과 상세 정보는 운영자의 키나 토큰으로 `http.listen`(또는 설정된 `ops.listen`)에서 볼 수 있습니다",
    )
}

/// The header `name` of a request, if it is there and is text.
fn find_header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n").skip(1);
    lines.find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
