//! A client of one server; cheap to clone, for many threads.

use super::{Answer, eventually, listener::Listener, tls};
use reqwest::{
    Certificate, Method,
    blocking::{Client as Http, RequestBuilder},
};
use serde_json::{Value, json};
use std::time::Duration;

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    http: Http,
    url: String,
}

impl Client {
    pub fn new(url: String) -> Self {
        let authority = Certificate::from_pem(tls::authority().as_bytes()).unwrap();
        let http = Http::builder().timeout(Duration::from_secs(60)).no_proxy();
        let http = http.tls_certs_only([authority]).tls_info(true);
        Self { http: http.build().unwrap(), url }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        self.url.split_once("://").map_or(&self.url, |(_, address)| address)
    }

    /// The same server over connections of its own.
    pub fn apart(&self) -> Self {
        Self::new(self.url.clone())
    }

    /// Any request; the server may be gone.
    pub fn attempt(
        &self,
        method: &str,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> reqwest::Result<Answer> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        Answer::read(shape(self.http.request(method, format!("{}{path}", self.url))).send()?)
    }

    /// A stream of what is under `path`, or the answer that is none.
    pub fn listen(
        &self,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Listener, Box<Answer>> {
        let request = self.http.get(format!("{}{path}", self.url));
        let response = shape(request.header("accept", "text/event-stream")).send();
        Listener::read(response.unwrap_or_else(|error| panic!("{path}: {error:?}")))
    }

    /// Any request.
    #[track_caller]
    pub fn call(
        &self,
        method: &str,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        self.attempt(method, path, shape)
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    pub fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        self.attempt("GET", path, |request| request)
    }
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, |request| request)
    }
    #[track_caller]
    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, |request| request.json(&body))
    }
    #[track_caller]
    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, |request| request.json(&body))
    }
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, |request| request)
    }

    /// A POST under an idempotency key; the server may be gone.
    pub fn try_post_once(&self, path: &str, key: &str, body: &Value) -> reqwest::Result<Answer> {
        self.attempt("POST", path, |request| {
            request.header("Idempotency-Key", format!("\"{key}\"")).json(body)
        })
    }
    /// A PATCH under an idempotency key; the server may be gone.
    pub fn try_patch_once(&self, path: &str, key: &str, body: &Value) -> reqwest::Result<Answer> {
        self.attempt("PATCH", path, |request| {
            request.header("Idempotency-Key", format!("\"{key}\"")).json(body)
        })
    }

    /// Registers a book that may be rented; returns its number.
    #[track_caller]
    pub fn register_book(&self, title: &str) -> u64 {
        self.post("/books", json!({"title": title, "status": true})).is(201).id()
    }

    /// Rents a book as HTTPie would; the answer may be `Rent` or `Fail`.
    #[track_caller]
    pub fn rent(&self, book: u64, user: u64) -> Answer {
        let body = json!({"bookId": book.to_string(), "userId": user.to_string(), "address": format!("address{user}")});
        self.post("/rents", body).is(201)
    }

    /// Rents a new book for each of `count` users, one after the other, each until its delivery has started.
    #[track_caller]
    pub fn rent_new_books(&self, count: u64) {
        for user in 1..=count {
            let rent = self.rent(self.register_book("title01"), user).id();
            self.shows(&format!("/deliveries/{rent}"), json!({"status": "Delivery Started"}));
        }
    }

    #[track_caller]
    pub fn cancel(&self, rent: u64) -> Answer {
        self.patch(&format!("/rents/{rent}"), json!({"status": "Cancel"}))
    }

    /// Waits until the thing under `path` has these fields.
    #[track_caller]
    pub fn shows(&self, path: &str, fields: Value) -> Answer {
        let wanted = fields.as_object().unwrap();
        eventually(&format!("{path} shows {fields}"), || {
            let answer = self.get(path);
            let fits = answer.status == 200
                && wanted.iter().all(|(field, value)| answer.body[field] == *value);
            fits.then_some(answer)
        })
    }

    /// Everything in a collection, page by page.
    #[track_caller]
    pub fn all(&self, collection: &str) -> Vec<Value> {
        let mut all = Vec::new();
        for page in 0.. {
            let answer = self.get(&format!("/{collection}?size=100&page={page}")).is(200);
            all.extend_from_slice(answer.items(collection));
            if page + 1 >= answer["page"]["totalPages"].as_u64().unwrap() {
                break;
            }
        }
        all
    }

    /// How many there are in a collection.
    #[track_caller]
    pub fn total(&self, collection: &str) -> u64 {
        self.get(&format!("/{collection}")).is(200)["page"]["totalElements"].as_u64().unwrap()
    }

    /// Stops a context, as an administrator would.
    #[track_caller]
    pub fn stop(&self, context: &str) {
        self.call("POST", &format!("/admin/contexts/{context}/stop"), |request| request).is(200);
    }
    /// Starts a context again.
    #[track_caller]
    pub fn start_again(&self, context: &str) {
        self.call("POST", &format!("/admin/contexts/{context}/start"), |request| request).is(200);
    }
    /// Holds back a context's answers for a time between these milliseconds.
    #[track_caller]
    pub fn delay(&self, context: &str, from: u64, to: u64) {
        let fault = json!({"delayMs": [from, to], "failureRate": 0.0});
        let answer = self.call("PUT", &format!("/admin/contexts/{context}/fault"), |request| {
            request.json(&fault)
        });
        assert!(matches!(answer.status, 200 | 204), "{}", answer.text);
    }
    /// Clears the fault again.
    #[track_caller]
    pub fn heal(&self, context: &str) {
        let answer = self.delete(&format!("/admin/contexts/{context}/fault"));
        assert!(matches!(answer.status, 200 | 204), "{}", answer.text);
    }

    /// What happened in the saga of a rent: entries with `context`, `what` and `data`, in sequence.
    #[track_caller]
    pub fn saga(&self, number: u64) -> Vec<Value> {
        let answer = self.get(&format!("/admin/sagas/bookrent/{number}")).is(200);
        let entries = match &answer.body {
            Value::Object(fields) => {
                fields.values().find(|value| value.is_array()).cloned().unwrap_or_default()
            }
            other => other.clone(),
        };
        entries.as_array().unwrap_or_else(|| panic!("no list in {}", answer.text)).clone()
    }

    /// How often `what` happened in the saga of a rent.
    #[track_caller]
    pub fn happened(&self, number: u64, what: &str) -> usize {
        self.saga(number).iter().filter(|entry| entry["what"] == what).count()
    }

    /// The sum of a metric over its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").is(200).text;
        let of_name =
            |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        text.lines()
            .filter(of_name)
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }
}
