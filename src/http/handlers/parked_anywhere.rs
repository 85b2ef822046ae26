//! What is parked on this node and on the others, page by page. Node after node: this one first.

use super::parked;
use crate::{
    api::Problem,
    http::{
        nodes::{NodeRequest, OtherNode},
        state::AppState,
    },
};
use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct ParkedPageQuery {
    limit: Option<String>,
    after: Option<String>,
}

/// What is parked on one node, after which id there is more.
#[derive(Deserialize)]
struct NodePage {
    parked: Vec<Value>,
    next: Option<String>,
}

/// An id as the node of the item knows it, and a context of that node, if it is another one.
pub fn split_id(id: &str) -> (&str, Option<&str>) {
    id.rsplit_once('@').map_or((id, None), |(id, context)| (id, Some(context)))
}

/// One page, with the nodes that were asked for it.
pub async fn list_anywhere(state: &AppState, query: &str) -> Result<Value, Problem> {
    if state.nodes.all().is_empty() {
        return parked::list_parked(state, query).await;
    }
    let page = web::Query::<ParkedPageQuery>::from_query(query).map_err(|_| parked::bad_query())?;
    let ParkedPageQuery { limit, after } = page.into_inner();
    let limit = parked::page_limit(limit.as_deref())?;
    let (id, context) = after.as_deref().map(split_id).unzip();
    let context = context.flatten();
    let host = context.map(|context| state.nodes.host_of(context).ok_or_else(parked::bad_query));
    let first = host.transpose()?;
    let request = |place: usize, _: &OtherNode| {
        let after = id.filter(|_| first == Some(place));
        let mut request = NodeRequest::get("/internal/parked");
        request.query = vec![("limit", limit.to_string())];
        request.query.extend(after.map(|after| ("after", after.to_owned())));
        first.is_none_or(|first| first <= place).then_some(request)
    };
    let elsewhere = state.nodes.ask_nodes::<NodePage>(request).await;
    let mut shown = Vec::new();
    let mut has_more = false;
    if first.is_none() {
        let own = parked::list_parked(state, query).await?;
        has_more |= own.get("next").is_some();
        let own = own.get("parked").and_then(Value::as_array).cloned();
        shown.extend(own.unwrap_or_default());
    }
    let asked: Vec<_> = elsewhere.iter().map(|answer| answer.place).collect();
    for answer in elsewhere {
        let Some(context) = state.nodes.all().get(answer.place).and_then(|n| n.contexts.first())
        else {
            continue;
        };
        let Ok(page) = answer.answer.map(|report| report.content) else { continue };
        has_more |= page.next.is_some();
        shown.extend(page.parked.into_iter().map(|item| mark_context(item, context)));
    }
    has_more |= shown.len() > limit;
    shown.truncate(limit);
    let last = shown.last().and_then(|item| item.get("id")?.as_str()).filter(|_| has_more);
    let next = last.map(|id| format!("/admin/parked?after={id}&limit={limit}"));
    let mut page = json!({ "parked": shown, "nodes": state.nodes.show_nodes(asked) });
    if let (Some(next), Some(fields)) = (next, page.as_object_mut()) {
        fields.insert("next".into(), next.into());
    }
    Ok(page)
}

/// The item with an id that names its node.
fn mark_context(mut item: Value, context: &str) -> Value {
    if let Some(id) = item.get_mut("id") {
        let marked = id.as_str().map(|known| format!("{known}@{context}"));
        *id = marked.map_or(Value::Null, Value::from);
    }
    item
}
