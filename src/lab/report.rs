//! The report: figures in the form in which the originals' were given, and beside them.

use crate::lab::{
    findings::{Findings, Promise},
    scene::{Orders, Scene},
};
use std::fmt::Write;

/// What is tried, in two lines.
pub fn write_heading(
    scene: &Scene,
    (users, seconds, tries): (u64, u64, u32),
    timeout_ms: u64,
) -> String {
    let Scene { system, path, .. } = scene;
    let Some(Orders { order, asked, delay_ms: (from, to), .. }) = scene.orders() else {
        return format!("{system}: GET {path}\n{users} users, {seconds} s\n");
    };
    let tries = if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
    format!(
        "{system}: POST {path} {}\n{users} users, {seconds} s; {asked} answers within {from} to {to} ms, and is given \
         {tries} of {timeout_ms} ms\n",
        order(1)
    )
}

/// All that one run came to.
pub fn write_report(scene: &Scene, found: &Findings) -> String {
    let figures = &found.figures;
    let answered = (figures.successful + figures.failed).max(1) as f64;
    let elapsed = figures.elapsed.as_secs_f64().max(f64::EPSILON);
    let megabytes = figures.bytes as f64 / f64::from(1 << 20);
    let waited = figures.waited.as_secs_f64();
    let hundred = 100.0 * figures.successful as f64;
    let lines = [
        ("Transactions", whole_number(figures.successful), "hits", None),
        ("Availability", two_decimals(hundred / answered), "%", scene.availability),
        ("Elapsed time", two_decimals(elapsed), "secs", None),
        ("Data transferred", two_decimals(megabytes), "MB", None),
        ("Response time", two_decimals(waited / answered), "secs", None),
        (
            "Transaction rate",
            two_decimals(figures.successful as f64 / elapsed),
            "trans/sec",
            scene.rate,
        ),
        ("Throughput", two_decimals(megabytes / elapsed), "MB/sec", None),
        ("Concurrency", two_decimals(waited / elapsed), "", None),
        ("Successful transactions", whole_number(figures.successful), "", None),
        ("Failed transactions", whole_number(figures.failed), "", None),
        ("Longest transaction", two_decimals(figures.longest.as_secs_f64()), "", None),
        (
            "Shortest transaction",
            two_decimals(figures.shortest.unwrap_or_default().as_secs_f64()),
            "",
            None,
        ),
    ];
    let mut text = String::new();
    for (name, value, unit, original) in lines {
        let original = original.map(|value| format!("{unit:<12}the original: {value:.2} {unit}"));
        let line = format!(
            "{:<26}{value:>10} {}",
            format!("{name}:"),
            original.unwrap_or_else(|| unit.into())
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if let Some(orders) = scene.orders() {
        outcome_of_orders(&mut text, orders, found);
    }
    for Promise { kept, what } in &found.promises {
        let _ = writeln!(text, "{} {what}", if *kept { "[ok]    " } else { "[BROKEN]" });
    }
    text
}

/// What became of the orders.
fn outcome_of_orders(text: &mut String, orders: &Orders, found: &Findings) {
    let figures = &found.figures;
    let share = |count: u64| match found.begun {
        0 => String::new(),
        begun => format!("{:>8.2} %", 100.0 * count as f64 / begun as f64),
    };
    let not_asked =
        (figures.established + figures.refused + figures.retry_later).saturating_sub(found.begun);
    let unestablished = figures.retry_later.saturating_sub(not_asked);
    let mut line = |name: &str, count: u64, more: &str| {
        let line = format!("{:<26}{count:>10} {more}", format!("{name}:"));
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line("Orders begun", found.begun, "");
    line("  established", figures.established, &share(figures.established));
    if orders.shows_failures {
        line("  refused (Fail)", figures.refused, &share(figures.refused));
    }
    if orders.contested {
        line("  refused (409)", figures.refused, &share(figures.refused));
    }
    line("  retry later", unestablished, &share(unestablished));
    line("Not even begun", not_asked, "retry later, with nothing recorded");
    line("Breaker opened", found.opened, "times");
}

fn two_decimals(value: f64) -> String {
    format!("{value:.2}")
}
fn whole_number(value: u64) -> String {
    value.to_string()
}
