//! `/metrics`, in the text format of Prometheus or that of OpenMetrics.

use crate::http::{
    call::ProbeReply,
    metrics::{
        format::{self, MetricsFormat},
        snapshot::Snapshot,
        table::{BUILD, METRICS, REQUEST_DURATION},
    },
    state::AppState,
};
use actix_web::http::StatusCode;
use prometheus_client::{encoding::text::encode, metrics::info::Info, registry::Registry};

/// Reads every metric, in the format that `accept` prefers.
pub fn write_metrics(state: &AppState, accept: &str) -> ProbeReply {
    let mut registry = Registry::default();
    state.requests.register_in(&mut registry, REQUEST_DURATION.name, REQUEST_DURATION.help);
    let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register(BUILD.name, BUILD.help, version);
    let now = Snapshot::take_snapshot(state);
    METRICS.iter().for_each(|metric| metric.register_in(&mut registry, &now));
    let mut body = String::new();
    let status = match encode(&mut body, &registry) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let format = MetricsFormat::preferred_by(accept);
    if format == MetricsFormat::Prometheus {
        body = format::to_prometheus(&body);
    }
    ProbeReply { status, media_type: format.media_type(), body }
}
