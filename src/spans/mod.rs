//! Spans for a collector of OpenTelemetry: what one request sets going, with its causes and how long each part took. Off unless
//! a collector is configured; then a span costs one look at a static.

mod collector;
mod span;

pub use collector::{CollectorSettings, SpanCounts, Spans, span_counts};
pub use span::{Span, SpanKind};
