//! Administration: contexts, faults, sagas, parked events, views, the clock. Open in development only.

use super::{Front, cors, input};
use crate::actors::{Context, Injected, ParkedId};
use crate::domain::{Name, lenient};
use crate::inbound::Problem;
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

/// What the ids of the broker's dead letters begin with, among the parked.
const LETTER: &str = "letter-";

#[derive(Deserialize)]
struct ClockBody {
    advance: String,
}

async fn body<T: DeserializeOwned>(request: &HttpRequest, payload: web::Payload, front: &Front) -> Result<T, Problem> {
    input::media_type(request, &["application/json"], "accept-post")?;
    let bytes = input::bytes(request, payload, front).await?;
    lenient::read(input::json(&bytes, front.settings.json_depth)?)
        .map_err(|error| Problem::bad_body(error.pointer, error.detail))
}

fn context<'a>(front: &'a Front, name: &str) -> Result<&'a Arc<dyn Context>, Problem> {
    front.node.contexts().iter().find(|context| context.name().context == name).ok_or_else(Problem::not_found)
}

fn wrong(pointer: &str, detail: &str) -> Problem {
    Problem::bad_body(pointer.into(), detail.into())
}

/// Answers what follows `/admin/`.
pub async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    front: &Front,
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
        ["contexts", _, "stop" | "start"] | ["parked", _, "redrive" | "drop"] | ["views", _, "rebuild"] | ["clock"] => {
            "POST"
        }
        ["contexts", _, "fault"] => "PUT, DELETE",
        _ => return Err(Problem::not_found()),
    };
    if !allowed.split(", ").any(|method| method == request.method().as_str()) {
        return Err(Problem::method(allowed));
    }
    // A context that another node hosts is operated there.
    if let ["contexts", name, _] = segments.as_slice()
        && let Some(place) = front.settings.elsewhere.iter().position(|context| context.name.context == *name)
    {
        return super::forward::pass_on(request, payload, front, place).await;
    }
    let contexts = front.node.contexts();
    let answer = match segments.as_slice() {
        ["contexts"] => json!({ "contexts": contexts.iter().map(|context| context.health()).collect::<Vec<_>>() }),
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
            saga(front, system, number).await?
        }
        ["parked"] => {
            let mut all = Vec::new();
            for event in contexts.iter().map(|context| context.parked()).collect::<Result<Vec<_>, _>>()?.concat() {
                let ParkedId { source, aggregate, sequence } = &event.id;
                let id = format!("{}~{source}~{aggregate}~{sequence}", event.listener);
                let mut shown = json!(event);
                shown.as_object_mut().map(|fields| fields.insert("id".into(), id.into()));
                all.push(shown);
            }
            for (number, letter) in
                front.settings.dead_letters.iter().map(|letters| letters.all()).collect::<Result<Vec<_>, _>>()?.concat()
            {
                let mut shown = json!(letter);
                shown.as_object_mut().map(|fields| fields.insert("id".into(), format!("{LETTER}{number}").into()));
                all.push(shown);
            }
            json!({ "parked": all })
        }
        ["parked", id, what] if id.starts_with(LETTER) => {
            let number = id.trim_start_matches(LETTER).parse().map_err(|_| Problem::not_found())?;
            let letters = front.settings.dead_letters.as_ref().ok_or_else(Problem::not_found)?;
            letters.settle(number, *what == "redrive").await?.then_some(()).ok_or_else(Problem::not_found)?;
            json!({ "id": id })
        }
        ["parked", id, what] => {
            let parts: Vec<&str> = id.split('~').collect();
            let [listener, source, aggregate, sequence] = parts.as_slice() else { return Err(Problem::not_found()) };
            let number = |text: &str| text.parse::<u64>().map_err(|_| Problem::not_found());
            let (aggregate, sequence) = (number(aggregate)?, number(sequence)?);
            let parked = ParkedId { source: (*source).to_owned(), aggregate, sequence };
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
            front.node.advance_clock(by.ok_or_else(|| wrong("/advance", "a duration forward, such as PT10M"))?);
            json!({ "now": front.node.now() })
        }
    };
    Ok(HttpResponse::Ok().content_type("application/json").body(Value::to_string(&answer)))
}

/// The context whose sagas are called by `name`: that one, or of a system the one that its orders begin in. With it,
/// whether that is so.
fn beginner(front: &Front, name: &str) -> Option<(Name, bool)> {
    let here = front.node.contexts().iter().filter(|context| !context.is_view());
    let here = here.map(|context| (context.name(), context.is_order()));
    let elsewhere = front.settings.elsewhere.iter().map(|context| (context.name, context.is_order));
    here.chain(elsewhere).find(|(known, is_order)| known.context == name || (*is_order && known.system == name))
}

/// What happened under one correlation id: in the saga that `name` began under `number`.
async fn saga(front: &Front, name: &str, number: u64) -> Result<Value, Problem> {
    let (beginner, is_order) = beginner(front, name).ok_or_else(Problem::not_found)?;
    let contexts = front.node.contexts();
    let members = || contexts.iter().filter(|context| context.name().system == beginner.system);
    let mut entries = Vec::new();
    for context in members() {
        entries.extend(context.saga(beginner.context, number)?);
    }
    if entries.is_empty() {
        return Err(Problem::not_found());
    }
    entries.sort_by_key(|entry| (entry.at, entry.context, entry.sequence));
    let of_saga = |context: &str, sequence| {
        entries.iter().any(|entry| entry.context == context && entry.sequence == sequence && entry.what != "asks")
    };
    let mut parked = Vec::new();
    for context in members() {
        parked.extend(context.parked()?.into_iter().filter(|event| of_saga(&event.id.source, event.id.sequence)));
    }
    // The participants share the saga's number; what an order only holds has one of its own.
    let shares = |context: &dyn Context| match context.is_view() {
        true => is_order && context.is_order(),
        false => entries.iter().any(|entry| (entry.context, entry.number) == (context.name().context, number)),
    };
    let mut states = serde_json::Map::new();
    for context in members().filter(|context| shares(context.as_ref())) {
        if let Ok(seen) = context.read(number) {
            states.insert(context.name().context.to_owned(), serde_json::from_slice(&seen.body).unwrap_or_default());
        }
    }
    front.node.durable(front.node.accepted()).await?;
    let (system, context) = (beginner.system, beginner.context);
    Ok(json!({
        "system": system, "context": context, "number": number, "entries": entries, "parked": parked, "states": states,
    }))
}
