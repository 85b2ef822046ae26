//! Administration: contexts, faults, sagas, parked events, views, the clock.

use crate::{
    actors::{AdvanceError, Context, Fault, Injected},
    api::{self, Problem},
    domain::lenient::{self, BadBody},
    http::{
        call::{Call, Reply},
        handlers::{body, forward, masked::masked_response, parked, parked_anywhere, query, sagas},
        nodes::{NodeRequest, OtherNode},
        response::json_response,
        state::AppState,
    },
};
use actix_web::{HttpRequest, HttpResponse, web};
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FaultBody {
    delay_ms: Option<(u64, u64)>,
    failure_rate: Option<f64>,
}

#[derive(Deserialize)]
struct ClockBody {
    advance: String,
}

async fn read_body<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
) -> Result<T, Problem> {
    api::check_content(request, &["application/json"], "accept-post")?;
    let bytes = body::read_body(request, payload, &state.settings).await?;
    lenient::read_value(api::parse_json(&bytes, state.settings.json_depth)?)
        .map_err(Problem::bad_body)
}

fn invalid_member(pointer: &str, en: &'static str, ko: &'static str) -> Problem {
    Problem::bad_body(BadBody::new(pointer, en, ko))
}

/// Contexts of a node, as it reports them.
#[derive(Deserialize)]
struct ReportedContexts {
    contexts: Vec<Map<String, Value>>,
}

/// `GET /admin/contexts`: those of this node, then those of the others.
pub async fn list_contexts(call: Call<'_>) -> Reply {
    let state = call.state;
    let own = state.node.contexts().iter().map(|context| json!(context.health()));
    let own = own.filter_map(|health| health.as_object().cloned());
    let of_node = |node: &str, mut context: Map<String, Value>| {
        context.insert("node".into(), node.into());
        context
    };
    let name = &state.settings.node_name;
    let mut contexts: Vec<_> = own.map(|context| of_node(name, context)).collect();
    let request = |_, _: &OtherNode| Some(NodeRequest::get("/internal/contexts"));
    let answers = state.nodes.ask_nodes::<ReportedContexts>(request).await;
    let asked: Vec<_> = answers.iter().map(|answer| answer.place).collect();
    for report in answers.into_iter().filter_map(|answer| answer.answer.ok()) {
        let reported = report.content.contexts.into_iter();
        contexts.extend(reported.map(|context| of_node(&report.node, context)));
    }
    let mut shown = json!({ "contexts": contexts });
    if let Some(fields) = shown.as_object_mut().filter(|_| !asked.is_empty()) {
        fields.insert("nodes".into(), state.nodes.show_nodes(asked));
    }
    Ok(json_response(&shown))
}

/// The index of the context called `name` among those of other nodes.
fn index_of_remote(state: &AppState, name: &str) -> Option<usize> {
    let mut remote = state.settings.remote_contexts.iter();
    remote.position(|context| context.name.context == name)
}

/// The problem of a name that no context has, with the names that there are.
fn no_context(state: &AppState) -> Problem {
    let here = state.node.contexts().iter().map(|context| context.name().context);
    let remote = state.settings.remote_contexts.iter().map(|context| context.name.context);
    Problem::no_context(&here.chain(remote).collect::<Vec<_>>())
}

/// Does `act` to the context called `name` and answers with its health; a context of another node is operated there.
async fn operate_context<'a>(
    call: Call<'a>,
    name: &str,
    act: impl AsyncFnOnce(&Arc<dyn Context>, Call<'a>) -> Result<(), Problem>,
) -> Reply {
    if let Some(index) = index_of_remote(call.state, name) {
        return forward::to_node(call.request, call.payload, call.state, index).await;
    }
    let context = call.state.find_context(name).ok_or_else(|| no_context(call.state))?;
    act(context, call).await?;
    Ok(json_response(&json!(context.health())))
}

/// `POST /admin/contexts/{context}/stop`
pub async fn stop_context(call: Call<'_>) -> Reply {
    let name = call.path_parameter("context");
    operate_context(call, name, async |context, _| {
        context.stop().await;
        Ok(())
    })
    .await
}

/// `POST /admin/contexts/{context}/start`
pub async fn start_context(call: Call<'_>) -> Reply {
    let name = call.path_parameter("context");
    operate_context(call, name, async |context, _| {
        context.start().await;
        Ok(())
    })
    .await
}

/// `PUT /admin/contexts/{context}/fault`
pub async fn inject_fault(call: Call<'_>) -> Reply {
    let name = call.path_parameter("context");
    operate_context(call, name, async |context, call| {
        let fault: FaultBody = read_body(call.request, call.payload, call.state).await?;
        let delay_ms = fault.delay_ms.unwrap_or_default();
        let failure_rate = fault.failure_rate.unwrap_or(0.0);
        if delay_ms.0 > delay_ms.1 {
            let en = "the first number must not be larger than the second";
            return Err(invalid_member(
                "/delayMs",
                en,
                "첫 번째 숫자가 두 번째보다 클 수 없습니다",
            ));
        }
        if !(0.0..=1.0).contains(&failure_rate) {
            let en = "must be a number from 0 to 1";
            return Err(invalid_member("/failureRate", en, "0부터 1까지의 숫자여야 합니다"));
        }
        context.set_fault(Some(Injected { delay_ms, failure_rate }));
        Ok(())
    })
    .await
}

/// `DELETE /admin/contexts/{context}/fault`
pub async fn clear_fault(call: Call<'_>) -> Reply {
    let name = call.path_parameter("context");
    operate_context(call, name, async |context, _| {
        context.set_fault(None);
        Ok(())
    })
    .await
}

/// `GET /admin/sagas/{system}/{number}`
pub async fn show_saga(call: Call<'_>) -> Reply {
    let number = query::parse_thing("number", call.path_parameter("number"), Problem::no_saga)?;
    let query = call.request.query_string();
    let name = call.path_parameter("system");
    let page = sagas::show_saga(call.state, name, number, query).await?;
    Ok(page_response(call, Some(name), page))
}

/// One page, whose `next` has the path that a proxy has taken off.
fn page_response(call: Call<'_>, context: Option<&str>, mut page: Value) -> HttpResponse {
    if let Some(Value::String(next)) = page.get_mut("next") {
        next.insert_str(0, &call.state.path_prefix(call.request));
    }
    masked_response(&call, context, page)
}

/// `GET /admin/parked`
pub async fn list_parked(call: Call<'_>) -> Reply {
    let page = parked_anywhere::list_anywhere(call.state, call.request.query_string()).await?;
    Ok(page_response(call, None, page))
}

/// `POST /admin/parked/{id}/redrive`
pub async fn redrive_parked(call: Call<'_>) -> Reply {
    settle_parked(call, true).await
}

/// `POST /admin/parked/{id}/drop`
pub async fn discard_parked(call: Call<'_>) -> Reply {
    settle_parked(call, false).await
}

async fn settle_parked(call: Call<'_>, redrive: bool) -> Reply {
    let shown = call.path_parameter("id");
    let (id, context) = parked_anywhere::split_id(shown);
    if let Some(context) = context.filter(|context| call.state.find_context(context).is_none()) {
        let index = index_of_remote(call.state, context).ok_or_else(Problem::not_parked)?;
        return forward::to_node(call.request, call.payload, call.state, index).await;
    }
    if let Some(number) = id.strip_prefix(parked::DEAD_LETTER) {
        let number = number.parse().map_err(|_| Problem::not_parked())?;
        let dead_letters = call.state.settings.dead_letters.as_ref();
        let dead_letters = dead_letters.ok_or_else(Problem::not_parked)?;
        if !dead_letters.settle_letter(number, redrive).await? {
            return Err(Problem::not_parked());
        }
    } else if let Some((context, number)) = parked::read_message_id(id) {
        if !call.state.node.settle_refused(context, number, redrive).await? {
            return Err(Problem::not_parked());
        }
    } else {
        let found = parked::find_event(call.state.node.contexts(), id)?;
        let (listener, event) = found.ok_or_else(Problem::not_parked)?;
        let context = call.state.find_context(listener).ok_or_else(Problem::not_parked)?;
        context.settle_parked(event, redrive).await?;
    }
    Ok(json_response(&json!({ "id": shown })))
}

/// `POST /admin/views/{view}/rebuild`
pub async fn rebuild_view(call: Call<'_>) -> Reply {
    let view = call.path_parameter("view");
    operate_context(call, view, async |context, _| Ok(context.rebuild_view().await?)).await
}

/// `POST /admin/clock`: on this node, then on the others.
pub async fn advance_clock(call: Call<'_>) -> Reply {
    let state = call.state;
    let clock: ClockBody = read_body(call.request, call.payload, state).await?;
    advance_own_clock(state, &clock.advance).await?;
    let request = |_, _: &OtherNode| {
        let body = Some(json!({ "advance": clock.advance }));
        Some(NodeRequest { method: Method::POST, body, ..NodeRequest::get("/internal/clock") })
    };
    let answers = state.nodes.ask_nodes::<Value>(request).await;
    let asked: Vec<_> = answers.iter().map(|answer| answer.place).collect();
    let mut shown = json!({ "now": state.node.now() });
    if let Some(fields) = shown.as_object_mut().filter(|_| !asked.is_empty()) {
        fields.insert("nodes".into(), state.nodes.show_nodes(asked));
    }
    Ok(json_response(&shown))
}

/// Moves the business time of this node forward.
pub async fn advance_own_clock(state: &AppState, text: &str) -> Result<(), Problem> {
    // A day of the clock has 24 hours.
    let advance = text.parse::<jiff::SignedDuration>().ok().or_else(|| {
        let span: jiff::Span = text.parse().ok()?;
        span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()
    });
    let advance = advance.and_then(|by| Duration::try_from(by).ok()).ok_or_else(|| {
        invalid_member(
            "/advance",
            "must be a duration forward, such as PT10M or P10D",
            "PT10M 또는 P10D처럼 앞으로 가는 기간이어야 합니다",
        )
    })?;
    state.node.advance_clock(advance).map_err(|error| match error {
        AdvanceError::TooFar(too_far) => {
            let ko = "업무 시각은 한 번에 최대 10년까지, 9000년까지만 앞당길 수 있습니다";
            Problem::new("too-far", too_far.to_string(), ko)
        }
        AdvanceError::Store(error) => Fault::from(error).into(),
    })?;
    Ok(state.node.wait_durable(state.node.accepted_commit()).await?)
}
