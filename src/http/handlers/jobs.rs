//! Jobs that redrive or drop all that is parked and that a filter wants, on this node and the others.

use crate::{
    actors::Fault,
    api::{self, Problem},
    domain::{Timestamp, lenient},
    http::{
        call::{Call, Reply},
        handlers::{
            body,
            masked::{customerless_response, mask, mask_customers},
            saga_list::{self, SagaListQuery},
        },
        middleware::caller,
        nodes::{NodeRequest, OtherNode},
        response::json_response,
        state::AppState,
    },
    sagas::{Job, JobAction, JobOrder, JobState, Jobs, SagaFilter, SagaRow, SagaState},
};
use actix_web::{HttpResponse, http::header::LOCATION};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// So many rows are counted for a preview.
const COUNTED: usize = 10_000;
/// So many of them are shown.
const SAMPLE: usize = 20;

/// What is to be redriven or dropped.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobBody {
    system: Option<String>,
    context: Option<String>,
    customer: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    #[serde(default)]
    dry_run: bool,
}

/// The jobs of a node, as it reports them.
#[derive(Debug, Serialize, Deserialize)]
pub struct NodeJobs {
    pub jobs: Vec<Job>,
}

fn unknown_job() -> Problem {
    let en = "no job has this id; `GET /admin/jobs` lists those that there are";
    let ko = "이 id의 작업이 없습니다. `GET /admin/jobs`가 작업을 보여 줍니다";
    Problem::new("not-found", en, ko)
}

/// The jobs of this node.
///
/// # Errors
/// The problem of a node that has none.
pub fn jobs_of(state: &AppState) -> Result<&Arc<Jobs>, Problem> {
    state.settings.jobs.as_ref().ok_or_else(Problem::not_found)
}

/// A job as it is shown: what its nodes have done together, and what each has.
fn show_job(parts: &[(String, Job)]) -> Option<Value> {
    let (_, first) = parts.first()?;
    let sum = |of: fn(&Job) -> u64| parts.iter().map(|(_, job)| of(job)).sum::<u64>();
    let state = parts.iter().map(|(_, job)| job.state).max()?;
    let ended = parts.iter().map(|(_, job)| job.ended).max().flatten();
    let nodes: Vec<_> = parts
        .iter()
        .map(|(node, job)| {
            json!({
                "node": node, "state": job.state, "touched": job.touched, "parkedAgain": job.parked_again,
                "failed": job.failed, "error": job.error,
            })
        })
        .collect();
    let JobOrder { id, action, filter, by } = &first.order;
    let errors = || parts.iter().find_map(|(_, job)| job.error.clone());
    Some(json!({
        "id": id, "action": action, "filter": filter, "by": by, "state": state, "begun": first.begun,
        "ended": ended.filter(|_| state != JobState::Running), "touched": sum(|job| job.touched),
        "parkedAgain": sum(|job| job.parked_again), "failed": sum(|job| job.failed), "error": errors(), "nodes": nodes,
    }))
}

/// The jobs of all nodes, those of one id together, the latest first.
async fn gather_jobs(state: &AppState) -> Result<Vec<Value>, Problem> {
    let own = jobs_of(state)?.list();
    let name = state.settings.node_name.clone();
    let mut parts: Vec<(String, Job)> = own.into_iter().map(|job| (name.clone(), job)).collect();
    let request = |_, _: &OtherNode| Some(NodeRequest::get("/internal/jobs"));
    for answer in state.nodes.ask_nodes::<NodeJobs>(request).await {
        let Ok(report) = answer.answer else { continue };
        let node = report.node;
        parts.extend(report.content.jobs.into_iter().map(|job| (node.clone(), job)));
    }
    let mut by_id = BTreeMap::<String, Vec<(String, Job)>>::new();
    for part in parts {
        by_id.entry(part.1.order.id.clone()).or_default().push(part);
    }
    let mut jobs: Vec<_> = by_id.into_values().collect();
    jobs.sort_by_key(|parts| std::cmp::Reverse(parts.first().map(|(_, job)| job.begun)));
    Ok(jobs.iter().filter_map(|parts| show_job(parts)).collect())
}

async fn find_job(state: &AppState, id: &str) -> Result<Value, Problem> {
    let jobs = gather_jobs(state).await?;
    let mut jobs = jobs.into_iter();
    jobs.find(|job| job.get("id").and_then(Value::as_str) == Some(id)).ok_or_else(unknown_job)
}

/// `GET /admin/jobs`
pub async fn list_jobs(call: Call<'_>) -> Reply {
    let jobs = gather_jobs(call.state).await?;
    Ok(customerless_response(&call, json!({ "jobs": jobs })))
}

/// `GET /admin/jobs/{id}`
pub async fn show(call: Call<'_>) -> Reply {
    let job = find_job(call.state, call.path_parameter("id")).await?;
    Ok(customerless_response(&call, job))
}

/// `POST /admin/jobs/{id}/cancel`
pub async fn cancel_job(call: Call<'_>) -> Reply {
    let state = call.state;
    let id = call.path_parameter("id");
    find_job(state, id).await?;
    let path = format!("/internal/jobs/{id}/cancel");
    let request = |_, _: &OtherNode| {
        Some(NodeRequest { method: Method::POST, ..NodeRequest::get(path.clone()) })
    };
    let elsewhere = state.nodes.ask_nodes::<Value>(request);
    jobs_of(state)?.cancel(id).await.map_err(Fault::from)?;
    elsewhere.await;
    let job = find_job(state, id).await?;
    Ok(customerless_response(&call, job))
}

/// `POST /admin/parked/redrive`
pub async fn redrive_all(call: Call<'_>) -> Reply {
    begin_job(call, JobAction::Redrive).await
}

/// `POST /admin/parked/drop`
pub async fn drop_all(call: Call<'_>) -> Reply {
    begin_job(call, JobAction::Drop).await
}

async fn begin_job(call: Call<'_>, action: JobAction) -> Reply {
    let Call { request, payload, state, .. } = call;
    api::check_content(request, &["application/json"], "accept-post")?;
    let bytes = body::read_body(request, payload, &state.settings).await?;
    let value = api::parse_json(&bytes, state.settings.json_depth)?;
    let JobBody { system, context, customer, from, to, dry_run } =
        lenient::read_value(value).map_err(Problem::bad_body)?;
    let filter = SagaFilter { system, context, state: None, customer, from, to };
    saga_list::check_filter(state, &filter)?;
    let caller = caller::find_caller(request, state);
    if dry_run {
        let mut shown = preview(state, &filter).await?;
        mask_customers(caller.as_deref(), &mut shown);
        mask(state, caller.as_deref(), None, &mut shown);
        return Ok(json_response(&shown));
    }
    let jobs = jobs_of(state)?;
    let running = jobs.find_running(action, &filter);
    let by = caller.as_ref().map_or_else(String::new, |caller| caller.subject.clone());
    let id = running.map_or_else(|| jobs.new_id(), |job| job.order.id);
    let order = JobOrder { id: id.clone(), action, filter, by };
    let body = json!(order);
    let begin = |_, _: &OtherNode| {
        let body = Some(body.clone());
        Some(NodeRequest { method: Method::POST, body, ..NodeRequest::get("/internal/jobs") })
    };
    let elsewhere = state.nodes.ask_nodes::<Value>(begin);
    jobs.begin(order).await.map_err(Fault::from)?;
    elsewhere.await;
    let mut shown = find_job(state, &id).await?;
    mask_customers(caller.as_deref(), &mut shown);
    let location = format!("{}/admin/jobs/{id}", state.base_url(request));
    let mut response = HttpResponse::Accepted();
    response.insert_header((LOCATION, location)).content_type("application/json");
    Ok(response.body(shown.to_string()))
}

/// What a job would touch: how many, and some of them.
async fn preview(state: &AppState, filter: &SagaFilter) -> Result<Value, Problem> {
    let filter = SagaFilter { state: Some(SagaState::Stuck), ..filter.clone() };
    let mut wanted = SagaListQuery::of_filter(filter);
    let mut parked: Vec<SagaRow> = Vec::new();
    let mut asked;
    loop {
        let found = saga_list::gather_rows(state, &wanted).await?;
        asked = found.asked;
        parked.extend(found.page.rows.into_iter().filter(|row| row.id.is_some()));
        match found.page.next {
            Some(next) if parked.len() < COUNTED => wanted.go_on_from(&next)?,
            next => {
                let count = parked.len();
                parked.truncate(SAMPLE);
                let nodes = state.nodes.show_nodes(asked);
                let at_least = next.is_some();
                return Ok(
                    json!({ "count": count, "atLeast": at_least, "sample": parked, "nodes": nodes }),
                );
            }
        }
    }
}
