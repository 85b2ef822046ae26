//! The metrics.

use super::table::{code_text, write_table};
use crate::http::{BUILD, METRICS, REQUEST_DURATION};

/// Name, type, labels and meaning of every metric.
pub fn list_metrics() -> String {
    let all = [&REQUEST_DURATION, &BUILD].into_iter().chain(METRICS);
    let rows = all.map(|metric| {
        let labels: Vec<_> = metric.labels.iter().map(|label| code_text(label)).collect();
        let kind = metric.kind.name().to_owned();
        [code_text(&metric.full_name()), kind, labels.join(", "), metric.help.to_owned()]
    });
    write_table(["metric", "type", "labels", "meaning"], rows)
}
