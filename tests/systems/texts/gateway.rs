//! A gateway of text messages: an HTTP server that verifies what it receives, and answers each telephone as the test has it.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, http::StatusCode, rt::System, web};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};
use support::{Server, eventually};
use tokio::sync::watch;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What is answered to a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reply {
    Status(u16),
    /// Nothing, until the telephone gets another answer.
    Silence,
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub id: String,
    pub to: String,
    pub text: String,
}

/// All that the gateway knows.
struct State {
    replies: watch::Sender<HashMap<String, Reply>>,
    /// What was taken, in order.
    taken: Mutex<Vec<Received>>,
    /// How many messages came, taken or not.
    tries: Mutex<HashMap<String, usize>>,
}

pub struct Gateway {
    address: String,
    state: Arc<State>,
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The message, if its signature is ours.
fn verified(request: &HttpRequest, body: &[u8]) -> Option<Received> {
    let id = header(request, "webhook-id");
    let time = header(request, "webhook-timestamp");
    let signature = header(request, "webhook-signature").strip_prefix("v1,")?;
    let signature = BASE64_STANDARD.decode(signature).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&BASE64_STANDARD.decode(SECRET).ok()?).ok()?;
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(body);
    mac.verify_slice(&signature).ok()?;
    let body: Value = serde_json::from_slice(body).ok()?;
    let word = |field: &str| Some(body["data"][field].as_str()?.to_owned());
    // An alert is to no telephone: it is known by its type.
    let to = word("to").or_else(|| Some(body["type"].as_str()?.to_owned()))?;
    let text = word("text").unwrap_or_else(|| body["data"].to_string());
    Some(Received { id: id.to_owned(), to, text })
}

async fn receive(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let Some(message) = verified(&request, &body) else {
        return HttpResponse::Unauthorized().finish();
    };
    *state.tries.lock().unwrap().entry(message.to.clone()).or_default() += 1;
    let mut replies = state.replies.subscribe();
    let of = |replies: &HashMap<String, Reply>| {
        replies.get(&message.to).copied().unwrap_or(Reply::Status(200))
    };
    let replies = replies.wait_for(|replies| of(replies) != Reply::Silence).await.unwrap();
    let Reply::Status(status) = of(&replies) else { unreachable!("it has waited") };
    drop(replies);
    if status == 200 {
        state.taken.lock().unwrap().push(message);
    }
    HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish()
}

impl Gateway {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State {
            replies: watch::Sender::new(HashMap::new()),
            taken: Mutex::default(),
            tries: Mutex::default(),
        });
        let data = web::Data::from(state.clone());
        thread::spawn(move || {
            let app =
                move || App::new().app_data(data.clone()).route("/sms", web::post().to(receive));
            let server = HttpServer::new(app).workers(1).disable_signals().listen(listener);
            System::new().block_on(server.unwrap().run())
        });
        Self { address, state }
    }

    /// A server of `system` whose text messages come here.
    pub fn server(&self, system: &str) -> Server {
        self.server_with(system, "")
    }

    /// The same, with further settings of `[messages]`.
    pub fn server_with(&self, system: &str, further: &str) -> Server {
        let toml = format!(
            "[messages]\ngateway = \"webhook\"\nurl = \"http://{}/sms\"\nsecret = \"whsec_{SECRET}\"\n\
             timeout_ms = 600000\n{further}\n",
            self.address
        );
        Server::of(system, &toml, &[])
    }

    /// Settings by which this receives alerts.
    pub fn alerts(&self) -> String {
        let address = &self.address;
        format!(
            "[alerts]\nurl = \"http://{address}/sms\"\nsecret = \"whsec_{SECRET}\"\nevery_ms = 20\n"
        )
    }

    /// What is answered to messages to this telephone from now on.
    pub fn answers(&self, telephone: &str, reply: Reply) {
        self.state.replies.send_modify(|replies| {
            replies.insert(telephone.into(), reply);
        });
    }

    /// What was taken for this telephone, in order.
    pub fn taken(&self, telephone: &str) -> Vec<Received> {
        let taken = self.state.taken.lock().unwrap();
        taken.iter().filter(|message| message.to == telephone).cloned().collect()
    }

    /// How often something was sent to this telephone.
    pub fn tries(&self, telephone: &str) -> usize {
        self.state.tries.lock().unwrap().get(telephone).copied().unwrap_or_default()
    }

    #[track_caller]
    pub fn takes(&self, telephone: &str, count: usize) -> Vec<Received> {
        eventually(&format!("{count} messages to {telephone} are taken"), || {
            Some(self.taken(telephone)).filter(|taken| taken.len() >= count)
        })
    }
}
