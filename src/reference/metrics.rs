//! The metrics.

use super::table::{code, table};
use crate::http::{BUILD, METRICS, REQUEST_DURATION};

/// Name, type, labels and meaning of every metric.
pub fn metrics() -> String {
    let all = [&REQUEST_DURATION, &BUILD].into_iter().chain(METRICS);
    let rows = all.map(|metric| {
        let labels: Vec<_> = metric.labels.iter().map(|label| code(label)).collect();
        let kind = metric.kind.name().to_owned();
        [code(&metric.full_name()), kind, labels.join(", "), metric.help.to_owned()]
    });
    table(["metric", "type", "labels", "meaning"], rows)
}
