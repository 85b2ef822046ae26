//! `/metrics`, in the text format of OpenMetrics.

use crate::http::{
    call::ProbeReply,
    metrics::{
        snapshot::Snapshot,
        table::{BUILD, METRICS, REQUEST_DURATION},
    },
    state::AppState,
};
use actix_web::http::StatusCode;
use prometheus_client::{encoding::text::encode, metrics::info::Info, registry::Registry};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads every metric.
pub fn scrape(state: &AppState) -> ProbeReply {
    let mut registry = Registry::default();
    state.requests.register(&mut registry, REQUEST_DURATION.name, REQUEST_DURATION.help);
    let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register(BUILD.name, BUILD.help, version);
    let now = Snapshot::take(state);
    METRICS.iter().for_each(|metric| metric.register(&mut registry, &now));
    let mut body = String::new();
    let status = match encode(&mut body, &registry) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    ProbeReply { status, media_type: OPEN_METRICS, body }
}
