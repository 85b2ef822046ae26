//! What a metric is, and the values that it has now.

use super::snapshot::Snapshot;
use crate::durations::DurationCounts;
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::MetricType,
    registry::Registry,
};
use std::fmt;

/// A metric, as it is declared.
pub struct Metric {
    /// Without the suffix `_total` or `_info`.
    pub name: &'static str,
    pub kind: MetricKind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
    /// Adds the values of now.
    pub read: fn(&Snapshot, &mut Samples),
}

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Rises and falls.
    Gauge,
    /// Only rises; its name ends with `_total`.
    Counter,
    /// Counts by size.
    Histogram,
    /// Is always 1, with its information in labels; its name ends with `_info`.
    Info,
}

impl MetricKind {
    /// Its name in OpenMetrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

impl Metric {
    /// The name under which it is scraped.
    pub fn full_name(&self) -> String {
        let suffix = match self.kind {
            MetricKind::Counter => "_total",
            MetricKind::Info => "_info",
            MetricKind::Gauge | MetricKind::Histogram => "",
        };
        format!("{}{suffix}", self.name)
    }

    /// Adds it to `registry` with its values of now; without values it is left out.
    pub fn register_in(&self, registry: &mut Registry, now: &Snapshot) {
        let mut samples = Samples(Vec::new());
        (self.read)(now, &mut samples);
        if !samples.0.is_empty() {
            let values = Values { kind: self.kind, labels: self.labels, samples: samples.0 };
            registry.register(self.name, self.help, values);
        }
    }
}

type Read = fn(&Snapshot, &mut Samples);

/// A metric that rises and falls.
pub const fn new_gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    read: Read,
) -> Metric {
    Metric { name, kind: MetricKind::Gauge, labels, help, read }
}

/// A metric that only rises.
pub const fn new_counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    read: Read,
) -> Metric {
    Metric { name, kind: MetricKind::Counter, labels, help, read }
}

/// A metric that counts by size.
pub const fn new_histogram(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    read: Read,
) -> Metric {
    Metric { name, kind: MetricKind::Histogram, labels, help, read }
}

/// The values of a metric, each with the values of its labels.
pub struct Samples(Vec<Sample>);

type Sample = (Vec<&'static str>, SampleValue);

impl Samples {
    /// Adds a whole number.
    pub fn add_sample(&mut self, labels: &[&'static str], value: u64) {
        self.0.push((labels.to_vec(), SampleValue::Whole(value)));
    }

    /// Adds a number of seconds.
    pub fn add_seconds(&mut self, labels: &[&'static str], value: f64) {
        self.0.push((labels.to_vec(), SampleValue::Seconds(value)));
    }

    /// Adds durations.
    pub fn add_durations(&mut self, labels: &[&'static str], counts: DurationCounts) {
        self.0.push((labels.to_vec(), SampleValue::Durations(counts)));
    }
}

#[derive(Debug)]
enum SampleValue {
    Whole(u64),
    Seconds(f64),
    Durations(DurationCounts),
}

/// A metric with its values, as the registry takes it.
#[derive(Debug)]
struct Values {
    kind: MetricKind,
    labels: &'static [&'static str],
    samples: Vec<Sample>,
}

type LabelPairs<'a> = Vec<(&'a str, &'a str)>;

impl EncodeMetric for Values {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (values, value) in &self.samples {
            let labels: LabelPairs<'_> =
                self.labels.iter().copied().zip(values.iter().copied()).collect();
            if labels.is_empty() {
                value.encode_as(self.kind, &mut encoder)?;
            } else {
                value.encode_as(self.kind, &mut encoder.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        match self.kind {
            MetricKind::Gauge => MetricType::Gauge,
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Histogram => MetricType::Histogram,
            MetricKind::Info => MetricType::Info,
        }
    }
}

impl SampleValue {
    fn encode_as(&self, kind: MetricKind, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match (self, kind) {
            (Self::Whole(value), MetricKind::Counter) => {
                encoder.encode_counter::<LabelPairs<'_>, _, u64>(value, None)
            }
            (Self::Seconds(value), MetricKind::Counter) => {
                encoder.encode_counter::<LabelPairs<'_>, _, u64>(value, None)
            }
            (Self::Whole(value), _) => encoder.encode_gauge(value),
            (Self::Seconds(value), _) => encoder.encode_gauge(value),
            (Self::Durations(counts), _) => encoder.encode_histogram::<LabelPairs<'_>>(
                counts.seconds(),
                counts.count(),
                &counts.buckets(),
                None,
            ),
        }
    }
}
