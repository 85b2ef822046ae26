//! The fault lab, as a process: its report adds up, and it leaves no files.
use holdfast::systems;
use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};
use support::{holdfast, run};
use tempfile::TempDir;

/// A lab whose scratch directories are under `scratch`.
fn lab(scratch: &TempDir, arguments: &[&str]) -> Command {
    let mut command = holdfast();
    command.arg("lab").args(arguments).env("TMPDIR", scratch.path()).env("RUST_LOG", "warn");
    command
}

/// A report's values by their names, and its promises with whether they are kept.
struct Report(HashMap<String, f64>, Vec<(bool, String)>);

impl Report {
    fn read(text: &str) -> Self {
        let mut report = Self(HashMap::new(), Vec::new());
        for line in text.lines().skip(2) {
            if let Some((verdict, what)) =
                line.strip_prefix('[').and_then(|line| line.split_once(']'))
            {
                report.1.push((verdict == "ok", what.trim().to_owned()));
            } else if let Some((name, rest)) = line.split_once(':') {
                let value = rest.split_whitespace().next().unwrap().parse().unwrap();
                report.0.insert(name.trim().to_owned(), value);
            }
        }
        report
    }
    fn of(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
    }
}

/// Tries `system` for a short time, each of its loads with one try and with two; lists are read once.
fn tried(system: &str, runs: usize) {
    let scratch = TempDir::new().unwrap();
    let output = run(&mut lab(&scratch, &[system, "--users", "2", "--seconds", "2"]));
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let parts: Vec<_> = text.split("\n\n").filter(|part| !part.is_empty()).collect();
    assert_eq!(parts.len(), runs, "{text}{said}");
    let mut broken = 0;
    for part in parts {
        let report = Report::read(part);
        let of = |name| report.of(name);
        assert_eq!(of("Transactions"), of("Successful transactions"), "{text}");
        assert!(of("Elapsed time") >= 2.0 && of("Concurrency") <= 2.01, "{text}");
        assert!(of("Shortest transaction") <= of("Response time"), "{text}");
        assert!(of("Response time") <= of("Longest transaction"), "{text}");
        // How many are established in time is up to the machine; that all were answered and none is half done is not.
        let mut words = vec!["everything was answered"];
        if !part.starts_with(&format!("{system}: GET ")) {
            let refused = ["refused (Fail)", "refused (409)"].map(|name| report.0.get(name));
            let refused: f64 = refused.into_iter().flatten().sum();
            let begun = of("Orders begun");
            assert_eq!(begun, of("established") + refused + of("retry later"), "{text}");
            assert!(begun >= 2.0, "{text}");
            words.extend(["every confirmed order is established", "no order is half done"]);
            let is_contested = report.0.contains_key("refused (409)");
            let is_judged = report.1.iter().any(|(_, what)| what.contains("99 %"));
            assert_eq!(is_judged, part.contains("2 tries") && !is_contested, "{text}");
        }
        for word in words {
            assert!(
                report.1.iter().any(|(kept, what)| *kept && what.starts_with(word)),
                "{word}: {text}{said}"
            );
        }
        broken += report.1.iter().filter(|(kept, _)| !kept).count();
    }
    assert_eq!(output.status.code(), Some(i32::from(broken > 0)), "{text}{said}");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "something is left");
}

#[test]
fn bookrent_is_tried_and_the_report_adds_up() {
    tried("bookrent", 2);
}

#[test]
fn purifiers_are_tried_and_the_report_adds_up() {
    tried("purifier", 2);
}

#[test]
fn the_library_is_tried_and_the_report_adds_up() {
    tried("ebook", 2);
}

#[test]
fn movie_booking_is_tried_and_the_report_adds_up() {
    tried("movie", 2);
}

#[test]
fn one_ticket_for_many_is_tried_and_the_report_adds_up() {
    tried("ticketing", 4);
}

#[test]
fn bikes_are_read_and_rented_and_the_report_adds_up() {
    tried("gbike", 3);
}

#[test]
fn a_lab_that_gets_a_signal_cleans_up_and_reports_that_it_is_not_done() {
    let scratch = TempDir::new().unwrap();
    let mut command = lab(&scratch, &["bookrent", "--seconds", "3600", "--tries", "1"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("of 3600 s")), "it says how far it is");
    assert!(
        Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", child.id())])
            .status()
            .unwrap()
            .success()
    );
    let rest: Vec<_> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("stopped before the end")), "{rest:?}");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "something is left");
}

#[test]
fn every_system_has_a_lab_and_another_name_is_refused_with_theirs() {
    let scratch = TempDir::new().unwrap();
    for arguments in
        [&["payment"][..], &["bookrent", "--tries", "3"], &["bookrent", "--users", "0"]]
    {
        let output = run(&mut lab(&scratch, arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let output = run(&mut lab(&scratch, &["payment"]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(systems::NAMES.iter().all(|system| said.contains(system)), "{said}");
}
