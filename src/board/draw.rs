//! The drawing: a block for each context, who commands on the left, what follows on the right.

use super::{
    explore::{FoundAsk, FoundUndo},
    walk::{BoardContext, Policy, Wall},
};
use crate::domain::{Role, Subdomain};
use std::fmt::Write;

const LEGEND: &str = "─▶ command   ──▶ event   ══▶ ask, waits for the answer   ┄┄▶ policy or view, whenever it is heard";

/// Draws `wall` as the board of `system`.
pub(super) fn draw_board(system: &str, wall: &Wall) -> String {
    let mut drawing = format!("{system}\n{LEGEND}\n");
    for context in &wall.contexts {
        let _ = write!(drawing, "\n{} ", context.name.short());
        let subdomain = match context.subdomain {
            Subdomain::Core => "core",
            Subdomain::Supporting => "supporting",
            Subdomain::Generic => "generic",
        };
        let kind = if context.is_view { ", view" } else { "" };
        let _ = writeln!(drawing, "· /{system}/{} ({subdomain}{kind})", context.name.collection);
        let rows = if context.is_view {
            listening_cells(context, wall)
        } else {
            command_cells(context, wall)
        };
        drawing.push_str(&align_rows(&rows));
        let consequences = consequence_cells(context, wall);
        if !consequences.is_empty() {
            drawing.push('\n');
            drawing.push_str(&align_rows(&consequences));
        }
    }
    drawing
}

/// Rows of cells, so that the cells are aligned.
type Cells = Vec<Vec<String>>;

/// Every command: who brings it about, and which events follow.
fn command_cells(context: &BoardContext, wall: &Wall) -> Cells {
    let mut rows = Vec::new();
    for (command, events) in &context.arrows {
        let then = if events.is_empty() {
            String::new()
        } else {
            format!("──▶ {}", events.join(" | "))
        };
        let mut reasons = reason_cells(context, command, wall);
        if reasons.is_empty() {
            reasons.push(("no one".to_owned(), "─▶", ""));
        }
        for (who, arrow, mark) in reasons {
            rows.push(vec![
                who,
                format!("{arrow} {command}{mark}"),
                format!("─▶ {}", context.name.short()),
                then.clone(),
            ]);
        }
    }
    rows
}

/// The mark of a policy that takes back a question: from an event that gives the question up.
fn undo_mark(policy: &Policy, wall: &Wall) -> &'static str {
    let asks = wall.contexts.iter().filter(|asker| asker.name == policy.source);
    let undone = asks.flat_map(|asker| &asker.asks).any(|ask| is_undo(ask, policy));
    if undone { " (undo)" } else { "" }
}

/// Whether `policy` takes back `ask`, which the source of the policy puts.
pub(super) fn is_undo(ask: &FoundAsk, policy: &Policy) -> bool {
    let gives_up = ask.no.contains(&policy.event) || ask.unanswered.contains(&policy.event);
    let by = matches!(&ask.undo, FoundUndo::By(command, _) if *command == policy.command);
    gives_up && by && ask.callee == policy.target.context
}

/// Who or what brings `command` about: routes, questions, policies, answers, the time.
fn reason_cells(
    context: &BoardContext,
    command: &str,
    wall: &Wall,
) -> Vec<(String, &'static str, &'static str)> {
    let mut reasons = Vec::new();
    for route in context.routes.iter().filter(|route| route.command == command) {
        let who = match route.who {
            Role::Customer => "Customer",
            Role::Admin => "Admin",
            Role::Both => "Customer or Admin",
        };
        reasons.push((format!("{who}: {}", route.request), " ─▶", ""));
    }
    for asker in &wall.contexts {
        let asks = asker
            .asks
            .iter()
            .filter(|ask| ask.callee == context.name.context && ask.command == command);
        let who = |ask: &FoundAsk| format!("{}: {}", asker.name.short(), ask.after);
        reasons.extend(asks.map(|ask| (who(ask), "══▶", "")));
    }
    let policies = wall
        .policies
        .iter()
        .filter(|policy| policy.target == context.name && policy.command == command);
    let reaction = |policy: &Policy| format!("{}: {}", policy.source.short(), policy.event);
    reasons.extend(policies.map(|policy| (reaction(policy), "┄┄▶", undo_mark(policy, wall))));
    for ask in context.asks.iter().filter(|ask| ask.settle == command) {
        let callee = ask.callee.rsplit('.').next().unwrap_or(ask.callee);
        let answer = (format!("answer of {callee}"), " ─▶", "");
        if !reasons.contains(&answer) {
            reasons.push(answer);
        }
    }
    if context.report.as_deref() == Some(command) {
        reasons.push(("gateway of text messages".to_owned(), " ─▶", ""));
    }
    if context.timers.iter().any(|timer| timer == command) {
        reasons.push(("the time has come".to_owned(), " ─▶", ""));
    }
    reasons
}

/// What follows elsewhere from each event.
fn consequence_cells(context: &BoardContext, wall: &Wall) -> Cells {
    let mut events: Vec<&String> = Vec::new();
    for event in context.arrows.iter().flat_map(|(_, events)| events) {
        if !events.contains(&event) {
            events.push(event);
        }
    }
    let mut rows = Vec::new();
    for event in events {
        for ask in context.asks.iter().filter(|ask| ask.after == *event) {
            let callee = ask.callee.rsplit('.').next().unwrap_or(ask.callee);
            rows.push(vec![event.clone(), format!("══▶ {callee}: {}", ask.command)]);
            let outcome = |events: &[String]| {
                if events.is_empty() { "nothing".into() } else { events.join(", ") }
            };
            rows.push(vec![String::new(), format!("    yes ──▶ {}", outcome(&ask.yes))]);
            let mut no = vec![("no, or no answer", &ask.no)];
            if ask.no != ask.unanswered {
                no = vec![("no", &ask.no), ("no answer", &ask.unanswered)];
            }
            rows.extend(no.iter().map(|(no, events)| {
                vec![String::new(), format!("    {no} ──▶ {}", outcome(events))]
            }));
        }
        for policy in wall
            .policies
            .iter()
            .filter(|policy| policy.source == context.name && policy.event == *event)
        {
            let mark = undo_mark(policy, wall);
            rows.push(vec![
                event.clone(),
                format!("┄┄▶ {}: {}{mark}", policy.target.short(), policy.command),
            ]);
        }
        for fold in
            wall.folds.iter().filter(|fold| fold.source == context.name && fold.event == *event)
        {
            rows.push(vec![event.clone(), format!("┄┄▶ {}", fold.view.short())]);
        }
    }
    rows
}

/// The events that a view listens to.
fn listening_cells(context: &BoardContext, wall: &Wall) -> Cells {
    let folds = wall.folds.iter().filter(|fold| fold.view == context.name);
    folds
        .map(|fold| {
            vec![
                format!("{}: {}", fold.source.short(), fold.event),
                format!("┄┄▶ {}", context.name.short()),
            ]
        })
        .collect()
}

/// Every column as wide as its widest cell; no space at the ends of lines.
fn align_rows(rows: &Cells) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "  {}", line.trim_end());
    }
    text
}
