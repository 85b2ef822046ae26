//! What a metric is, and the values that it has now.

use super::snapshot::Snapshot;
use prometheus_client::{
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::Registry,
};

/// A metric, as it is declared.
pub struct Metric {
    /// Without the suffix `_total` or `_info`.
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
    /// Adds the values of now.
    pub read: fn(&Snapshot, &mut Samples),
}

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rises and falls.
    Gauge,
    /// Only rises; its name ends with `_total`.
    Counter,
    /// Counts by size.
    Histogram,
    /// Is always 1, and says something in its labels; its name ends with `_info`.
    Info,
}

impl Kind {
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
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        format!("{}{suffix}", self.name)
    }

    /// Adds it to `registry` with its values of now; without values it is left out.
    pub fn register(&self, registry: &mut Registry, now: &Snapshot) {
        let mut samples = Samples(Vec::new());
        (self.read)(now, &mut samples);
        if self.labels.is_empty() {
            let value = samples.0.into_iter().next().map(|(_, value)| value);
            return value.into_iter().for_each(|value| self.register_value(registry, value));
        }
        let labelled = samples.0.into_iter().map(|(values, value)| {
            let labels = self.labels.iter().copied().zip(values);
            (labels.collect::<Vec<(&str, &str)>>(), value)
        });
        if self.kind == Kind::Counter {
            let family = Family::<Vec<(&str, &str)>, Counter>::default();
            for (labels, value) in labelled {
                family.get_or_create(&labels).inc_by(value);
            }
            registry.register(self.name, self.help, family);
        } else {
            let family = Family::<Vec<(&str, &str)>, Gauge>::default();
            for (labels, value) in labelled {
                family.get_or_create(&labels).set(gauge(value));
            }
            registry.register(self.name, self.help, family);
        }
    }

    /// Adds the only value of a metric without labels.
    fn register_value(&self, registry: &mut Registry, value: u64) {
        if self.kind == Kind::Counter {
            registry.register(self.name, self.help, ConstCounter::new(value));
        } else {
            registry.register(self.name, self.help, ConstGauge::new(gauge(value)));
        }
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The values of a metric, each with the values of its labels.
pub struct Samples(Vec<(Vec<&'static str>, u64)>);

impl Samples {
    /// Adds a value.
    pub fn add(&mut self, labels: &[&'static str], value: u64) {
        self.0.push((labels.to_vec(), value));
    }
}
