//! `GET /admin/audit`: who did what on this node, page by page.

use crate::{
    actors::Fault,
    api::Problem,
    audit::AuditLine,
    http::{
        call::{Call, Reply},
        handlers::{masked::masked_response, query},
    },
};
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

#[derive(Deserialize)]
struct AuditQuery {
    limit: Option<String>,
    after: Option<String>,
}

fn bad_query() -> Problem {
    Problem::new(
        "bad-request",
        "`limit` is a number from 1, and `after` the number of a line",
        "`limit`은 1 이상의 숫자, `after`는 감사 기록의 번호여야 합니다",
    )
}

fn show_line(line: &AuditLine) -> Value {
    let number = line.number;
    match &line.entry {
        Ok(entry) => {
            let mut shown = json!({ "number": number });
            if let (Some(fields), Value::Object(entry)) = (shown.as_object_mut(), json!(entry)) {
                fields.extend(entry);
            }
            shown
        }
        Err(what) => json!({ "number": number, "damaged": what }),
    }
}

/// One page, in the order in which things were done. Operators get it without the customers whose things they were.
pub async fn list_audit(call: Call<'_>) -> Reply {
    let state = call.state;
    let given = web::Query::<AuditQuery>::from_query(call.request.query_string());
    let AuditQuery { limit, after } = given.map_err(|_| bad_query())?.into_inner();
    let limit = query::parse_limit(limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT, bad_query)?;
    let after = after.map(|after| after.parse::<u64>().map_err(|_| bad_query())).transpose()?;
    let log = state.settings.audit.clone().ok_or_else(Problem::not_found)?;
    let read = state.list_reads.run(move || log.list(after.unwrap_or(0), limit + 1));
    let mut lines = read.await?.map_err(Fault::from)?;
    let has_more = lines.len() > limit;
    lines.truncate(limit);
    let next = lines.last().filter(|_| has_more).map(|last| {
        let prefix = state.path_prefix(call.request);
        format!("{prefix}/admin/audit?after={}&limit={limit}", last.number)
    });
    let mut page = json!({ "audit": lines.iter().map(show_line).collect::<Vec<_>>() });
    if let (Some(next), Some(fields)) = (next, page.as_object_mut()) {
        fields.insert("next".into(), next.into());
    }
    Ok(masked_response(&call, None, page))
}
