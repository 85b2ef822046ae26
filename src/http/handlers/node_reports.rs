//! What other nodes gather from this one: the condition of its contexts, its part of a saga, what is parked here.

use super::{admin, jobs, node_list, parked, saga_list, saga_parts, sagas};
use crate::{
    actors::{Fault, ParkedId},
    api::{self, Problem},
    domain::lenient,
    http::{
        call::{Call, Reply},
        handlers::body,
        nodes::NodeReport,
        response::json_response,
        state::AppState,
    },
    sagas::JobOrder,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

#[derive(Deserialize)]
struct ClockAdvance {
    advance: String,
}

#[derive(Deserialize)]
struct ParkedEvents {
    events: Vec<ParkedId>,
}

fn report_content(state: &AppState, content: Value) -> Reply {
    let node = state.settings.node_name.clone();
    Ok(json_response(&json!(NodeReport { node, content })))
}

/// The contents of another node's request.
fn read_request<T: DeserializeOwned>(state: &AppState, body: &[u8]) -> Result<T, Problem> {
    let value = api::parse_json(body, state.settings.json_depth)?;
    lenient::read_value(value).map_err(Problem::bad_body)
}

/// `GET /internal/contexts`
pub async fn report_contexts(call: Call<'_>) -> Reply {
    let contexts = call.state.node.contexts().iter();
    let contexts: Vec<_> = contexts.map(|context| context.health()).collect();
    report_content(call.state, json!({ "contexts": contexts }))
}

/// `GET /internal/sagas/{context}/{number}`
pub async fn report_saga(call: Call<'_>) -> Reply {
    let number = call.path_parameter("number").parse().map_err(|_| Problem::not_found())?;
    let saga =
        sagas::read_query(call.path_parameter("context"), number, call.request.query_string())?;
    let parts = saga_parts::of_this_node(call.state, &saga).await?;
    report_content(call.state, json!({ "parts": parts }))
}

/// `GET /internal/node`
pub async fn describe_node(call: Call<'_>) -> Reply {
    report_content(call.state, json!(node_list::describe_this_node(call.state)))
}

/// `GET /internal/owed`: the rows of the list of sagas that are this node's.
pub async fn report_owed(call: Call<'_>) -> Reply {
    let wanted = saga_list::parse_query(call.state, call.request.query_string())?;
    report_content(call.state, json!(saga_list::of_this_node(call.state, &wanted).await?))
}

/// `GET /internal/jobs`
pub async fn report_jobs(call: Call<'_>) -> Reply {
    let jobs = jobs::jobs_of(call.state)?.list();
    report_content(call.state, json!({ "jobs": jobs }))
}

/// `POST /internal/jobs`: this node does its part of a job.
pub async fn begin_job(call: Call<'_>) -> Reply {
    let Call { request, payload, state, .. } = call;
    let body = body::read_body(request, payload, &state.settings).await?;
    let order: JobOrder = read_request(state, &body)?;
    let job = jobs::jobs_of(state)?.begin(order).await.map_err(Fault::from)?;
    report_content(state, json!({ "jobs": [job] }))
}

/// `POST /internal/jobs/{id}/cancel`
pub async fn cancel_job(call: Call<'_>) -> Reply {
    let canceled = jobs::jobs_of(call.state)?.cancel(call.path_parameter("id")).await;
    let jobs: Vec<_> = canceled.map_err(Fault::from)?.into_iter().collect();
    report_content(call.state, json!({ "jobs": jobs }))
}

/// `GET /internal/parked`
pub async fn report_parked(call: Call<'_>) -> Reply {
    report_content(call.state, parked::list_parked(call.state, call.request.query_string()).await?)
}

/// `POST /internal/parked`: those of the given events that are parked here.
pub async fn parked_among(call: Call<'_>) -> Reply {
    let Call { request, payload, state, .. } = call;
    let body =
        body::read_up_to(request, payload, &state.settings, state.settings.answer_limit).await?;
    let given: ParkedEvents = read_request(state, &body)?;
    let parked = saga_parts::parked_here(state, given.events).await?;
    report_content(state, json!({ "parked": parked }))
}

/// `POST /internal/clock`: moves business time forward, in development only.
pub async fn advance_clock(call: Call<'_>) -> Reply {
    let Call { request, payload, state, .. } = call;
    state.check_development()?;
    let body = body::read_body(request, payload, &state.settings).await?;
    let given: ClockAdvance = read_request(state, &body)?;
    admin::advance_own_clock(state, &given.advance).await?;
    report_content(state, json!({ "now": state.node.now() }))
}
