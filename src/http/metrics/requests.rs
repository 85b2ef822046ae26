//! The duration of requests, counted as they are answered.

use actix_web::http::Method;
use prometheus_client::{
    encoding::{EncodeLabelSet, LabelSetEncoder},
    metrics::{family::Family, histogram::Histogram},
    registry::Registry,
};
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// The upper bounds of the buckets, in seconds: those of OpenTelemetry's `http.server.request.duration`.
const BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The labels of a request. The route is a template, so there are few of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    http_request_method: &'static str,
    http_route: Arc<str>,
    http_response_status_code: u16,
    url_scheme: &'static str,
    #[prometheus(flatten)]
    error: ErrorType,
}

/// Why the server failed a request. A mistake of the client is no failure, and has no such label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ErrorType(Option<Cow<'static, str>>);

impl EncodeLabelSet for ErrorType {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        match &self.0 {
            Some(code) => [("error_type", code.as_ref())].encode(encoder),
            None => Ok(()),
        }
    }
}

/// Counts answered requests.
#[derive(Debug)]
pub struct RequestMetrics(Family<Labels, Histogram>);

impl Default for RequestMetrics {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(BUCKETS)))
    }
}

impl RequestMetrics {
    /// Counts a request to `route`; `code` is that of the problem it was answered with.
    pub fn count_answer(
        &self,
        method: &Method,
        route: &Arc<str>,
        status: u16,
        code: Option<Cow<'static, str>>,
        took: Duration,
    ) {
        let known = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"];
        let method = known.into_iter().find(|name| *name == method.as_str()).unwrap_or("_OTHER");
        let error = (status >= 500).then(|| code.unwrap_or_else(|| status.to_string().into()));
        let labels = Labels {
            http_request_method: method,
            http_route: route.clone(),
            http_response_status_code: status,
            url_scheme: "http",
            error: ErrorType(error),
        };
        self.0.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Adds the histogram to `registry`.
    pub fn register_in(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register(name, help, self.0.clone());
    }
}
