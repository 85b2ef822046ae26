//! Administration: contexts, faults, sagas, parked events, views, the clock. Open in development only.

use crate::{
    actors::{Context, Injected},
    api::Problem,
    domain::lenient,
    http::{
        AppState,
        handlers::{
            body,
            parked::{self, LETTER},
            sagas,
        },
        middleware::cors,
    },
};
use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
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

async fn body<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    front: &AppState,
) -> Result<T, Problem> {
    body::media_type(request, &["application/json"], "accept-post")?;
    let bytes = body::bytes(request, payload, front).await?;
    lenient::read(body::json(&bytes, front.settings.json_depth)?)
        .map_err(|error| Problem::bad_body(error.pointer, error.detail))
}

fn context<'a>(front: &'a AppState, name: &str) -> Result<&'a Arc<dyn Context>, Problem> {
    front
        .node
        .contexts()
        .iter()
        .find(|context| context.name().context == name)
        .ok_or_else(Problem::not_found)
}

fn wrong(pointer: &str, detail: &str) -> Problem {
    Problem::bad_body(pointer.into(), detail.into())
}

/// Answers what follows `/admin/`.
pub async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    front: &AppState,
    path: &str,
) -> Result<HttpResponse, Problem> {
    if !front.settings.development {
        let en = "administration is open in development only";
        return Err(Problem::new("admin-closed", en, "관리 기능은 개발 모드에서만 열립니다"));
    }
    cors::own_origin(request, front)?;
    let segments: Vec<&str> = path.split('/').collect();
    let allowed = match segments.as_slice() {
        ["contexts"] | ["parked"] | ["sagas", _, _] => "GET",
        ["contexts", _, "stop" | "start"]
        | ["parked", _, "redrive" | "drop"]
        | ["views", _, "rebuild"]
        | ["clock"] => "POST",
        ["contexts", _, "fault"] => "PUT, DELETE",
        _ => return Err(Problem::not_found()),
    };
    if !allowed.split(", ").any(|method| method == request.method().as_str()) {
        return Err(Problem::method(allowed));
    }
    // A context that another node hosts is operated there.
    if let ["contexts", name, _] = segments.as_slice()
        && let Some(place) =
            front.settings.elsewhere.iter().position(|context| context.name.context == *name)
    {
        return crate::http::handlers::forward::pass_on(request, payload, front, place).await;
    }
    let contexts = front.node.contexts();
    let answer = match segments.as_slice() {
        ["contexts"] => {
            json!({ "contexts": contexts.iter().map(|context| context.health()).collect::<Vec<_>>() })
        }
        ["contexts", name, what] => {
            let context = context(front, name)?;
            match *what {
                "stop" => context.stop().await,
                "start" => context.start().await,
                _ if request.method() == Method::DELETE => context.set_fault(None),
                _ => {
                    let fault: FaultBody = body(request, payload, front).await?;
                    let (delay_ms, failure_rate) =
                        (fault.delay_ms.unwrap_or_default(), fault.failure_rate.unwrap_or(0.0));
                    if delay_ms.0 > delay_ms.1 {
                        return Err(wrong("/delayMs", "the first is at most the second"));
                    }
                    if !(0.0..=1.0).contains(&failure_rate) {
                        return Err(wrong("/failureRate", "a share from 0 to 1"));
                    }
                    context.set_fault(Some(Injected { delay_ms, failure_rate }));
                }
            }
            json!(context.health())
        }
        ["sagas", system, number] => {
            let number = number.parse().map_err(|_| Problem::not_found())?;
            sagas::saga(front, system, number, request.query_string()).await?
        }
        ["parked"] => parked::list(front, request.query_string()).await?,
        ["parked", id, what] if id.starts_with(LETTER) => {
            let number = id.trim_start_matches(LETTER).parse().map_err(|_| Problem::not_found())?;
            let letters = front.settings.dead_letters.as_ref().ok_or_else(Problem::not_found)?;
            letters
                .settle(number, *what == "redrive")
                .await?
                .then_some(())
                .ok_or_else(Problem::not_found)?;
            json!({ "id": id })
        }
        ["parked", id, what] => {
            let (listener, parked) = parked::read_id(id).ok_or_else(Problem::not_found)?;
            context(front, listener)?.unpark(parked, *what == "redrive").await?;
            json!({ "id": id })
        }
        ["views", name, _] => {
            let context = context(front, name)?;
            context.rebuild().await?;
            json!(context.health())
        }
        _ => {
            let clock: ClockBody = body(request, payload, front).await?;
            let advance = clock.advance.parse::<jiff::SignedDuration>().ok();
            let by = advance.and_then(|by| Duration::try_from(by).ok());
            let by = by.ok_or_else(|| wrong("/advance", "a duration forward, such as PT10M"))?;
            front.node.advance_clock(by).map_err(|why| {
                let ko = "업무 시각은 한 번에 최대 10년까지, 9000년까지만 앞당길 수 있습니다";
                Problem::new("too-far", why.to_string(), ko)
            })?;
            json!({ "now": front.node.now() })
        }
    };
    Ok(HttpResponse::Ok().content_type("application/json").body(Value::to_string(&answer)))
}
