//! The two text formats of metrics. They differ in a few lines for each metric.

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// Prometheus' own, version 0.0.4: what every tool reads, and what people read.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl MetricsFormat {
    /// The format that a client with this `Accept` prefers.
    pub fn preferred_by(accept: &str) -> Self {
        let mut prometheus = 0.0_f32;
        let mut open_metrics = 0.0_f32;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            let quality = quality.unwrap_or(1.0);
            match name {
                "application/openmetrics-text" => open_metrics = open_metrics.max(quality),
                "text/plain" | "text/*" | "*/*" => prometheus = prometheus.max(quality),
                _ => {}
            }
        }
        // A client that names neither gets what every tool reads.
        if open_metrics > 0.0 && open_metrics >= prometheus {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A text in OpenMetrics, as it is in Prometheus' own format: a metric is described under the name of its samples, an
/// info is a gauge, and there is no mark at the end.
pub fn to_prometheus(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1024);
    let mut help: Option<&str> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(_, help)| help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                kind => ("", kind),
            };
            if let Some(help) = help.take() {
                push_line(&mut out, &["# HELP ", name, suffix, " ", help]);
            }
            push_line(&mut out, &["# TYPE ", name, suffix, " ", kind]);
        } else if !line.starts_with('#') {
            push_line(&mut out, &[line]);
        }
    }
    out
}

fn push_line(out: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| out.push_str(part));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_the_client_prefers() {
        let scraper = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            ("", MetricsFormat::Prometheus),
            ("*/*", MetricsFormat::Prometheus),
            ("text/plain", MetricsFormat::Prometheus),
            ("text/html,application/xhtml+xml,*/*;q=0.8", MetricsFormat::Prometheus),
            ("application/json", MetricsFormat::Prometheus),
            ("application/openmetrics-text;q=0", MetricsFormat::Prometheus),
            ("application/openmetrics-text; version=1.0.0", MetricsFormat::OpenMetrics),
            (scraper, MetricsFormat::OpenMetrics),
        ] {
            assert_eq!(MetricsFormat::preferred_by(accept), format, "{accept}");
        }
    }

    #[test]
    fn a_metric_is_described_under_the_name_of_its_samples() {
        let text = "# HELP a Help of a.\n# TYPE a counter\na_total 1\n# HELP b Help.\n# TYPE b info\nb_info{v=\"1\"} 1\n\
                    # HELP c_seconds Help.\n# TYPE c_seconds histogram\n# UNIT c_seconds seconds\nc_seconds_sum 1.0\n# EOF\n";
        let expected = "# HELP a_total Help of a.\n# TYPE a_total counter\na_total 1\n# HELP b_info Help.\n\
                        # TYPE b_info gauge\nb_info{v=\"1\"} 1\n# HELP c_seconds Help.\n# TYPE c_seconds histogram\n\
                        c_seconds_sum 1.0\n";
        assert_eq!(to_prometheus(text), expected);
    }
}
