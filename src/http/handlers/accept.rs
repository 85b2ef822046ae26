//! What a client prefers to be answered with.

/// Whether the client names HTML, as browsers do, and does not prefer JSON.
pub fn prefers_html(accept: &str) -> bool {
    let quality = |wanted: &[&str]| {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?;
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            let is_wanted = wanted.iter().any(|wanted| name.eq_ignore_ascii_case(wanted));
            is_wanted.then(|| quality.unwrap_or(1.0))
        });
        ranges.fold(0.0_f32, f32::max)
    };
    let html = quality(&["text/html", "application/xhtml+xml"]);
    html > 0.0 && html >= quality(&["application/json", "application/problem+json"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_for_those_who_name_it_and_do_not_prefer_json() {
        let chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for accept in
            [chromium, "text/html", "TEXT/HTML;q=0.5", "application/json;q=0.5, text/html"]
        {
            assert!(prefers_html(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json, */*;q=0.5",
            "text/html;q=0",
            "text/html;q=0.5, application/json",
        ] {
            assert!(!prefers_html(accept), "{accept}");
        }
    }
}
