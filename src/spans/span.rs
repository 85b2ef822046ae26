//! One span, and its place in a trace as W3C's `traceparent` writes it.

use super::collector::{self, Tracing};
use opentelemetry::{
    Context, KeyValue, Value,
    trace::{
        Span as _, SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
        Tracer,
    },
};
use std::fmt;

pub use opentelemetry::trace::SpanKind;

/// What is going on, from its beginning until it is dropped. Without a collector, or where its trace is not sampled and has no
/// parent, it is nothing.
#[derive(Default)]
pub struct Span(Option<Box<opentelemetry_sdk::trace::Span>>);

impl Span {
    /// A span of a request from outside: below the span that `traceparent` names, or the first of a trace.
    pub fn of_request(
        kind: SpanKind,
        traceparent: Option<&str>,
        name: impl FnOnce() -> String,
    ) -> Self {
        let Some(tracing) = collector::tracing() else { return Self(None) };
        Self::begin(tracing, kind, traceparent.and_then(parse_parent), name())
    }

    /// A span below the one that `traceparent` names. What belongs to no trace gets none.
    pub fn below(traceparent: Option<&str>, kind: SpanKind, name: impl FnOnce() -> String) -> Self {
        let Some(tracing) = collector::tracing() else { return Self(None) };
        let Some(parent) = traceparent.and_then(parse_parent) else { return Self(None) };
        Self::begin(tracing, kind, Some(parent), name())
    }

    fn begin(tracing: &Tracing, kind: SpanKind, parent: Option<SpanContext>, name: String) -> Self {
        let context = Context::new();
        let context = match parent {
            Some(parent) => context.with_remote_span_context(parent),
            None => context,
        };
        let builder = tracing.tracer.span_builder(name).with_kind(kind);
        Self(Some(Box::new(builder.start_with_context(&tracing.tracer, &context))))
    }

    /// How what follows from it names it as its parent: a `traceparent`.
    pub fn traceparent(&self) -> Option<String> {
        let context = self.0.as_ref()?.span_context();
        let sampled = u8::from(context.is_sampled());
        Some(format!("00-{}-{}-{sampled:02x}", context.trace_id(), context.span_id()))
    }

    /// Says more about it.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// It did not succeed, and why.
    pub fn fail(&mut self, why: impl fmt::Display) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(why.to_string()));
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({:?})", self.traceparent())
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(span) = &mut self.0 {
            if span.is_recording() {
                collector::count_ended();
            }
            span.end();
        }
    }
}

/// Reads a `traceparent` (W3C Trace Context, 3.2): a later version may have more after the flags.
fn parse_parent(text: &str) -> Option<SpanContext> {
    let is_hex = |part: &str, length: usize| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        part.len() == length && part.bytes().all(is_digit)
    };
    let mut parts = text.split('-');
    let version = parts.next().filter(|version| is_hex(version, 2) && *version != "ff")?;
    let trace = parts.next().filter(|trace| is_hex(trace, 32))?;
    let span = parts.next().filter(|span| is_hex(span, 16))?;
    let flags = parts.next().filter(|flags| is_hex(flags, 2))?;
    if version == "00" && parts.next().is_some() {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(flags) & TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_the_standard_has_it() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = parse_parent(parent).unwrap();
        assert_eq!(read.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(read.span_id().to_string(), "b7ad6b7169203331");
        assert!(read.is_sampled());
        assert!(!parse_parent(&format!("{}02", &parent[..53])).unwrap().is_sampled());
        assert!(parse_parent(&format!("01{}-more", &parent[2..])).is_some(), "a later version");
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
        ] {
            assert!(parse_parent(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn without_a_collector_there_are_no_spans() {
        let mut span = Span::of_request(SpanKind::Server, None, || unreachable!("it has no name"));
        span.set("key", "value");
        span.fail("it did not work");
        assert_eq!(span.traceparent(), None);
    }
}
