//! Events of other nodes, with their types again.

use crate::actors::{
    erased::AggregateType,
    port::{event_log::RecordedEvent, saga::SagaId},
    tables::log::{Cause, Envelope, LogEntry},
};

/// An event that another node has sent, with its type again.
pub fn as_logged(aggregate: &dyn AggregateType, event: RecordedEvent) -> Result<LogEntry, String> {
    let RecordedEvent {
        sequence,
        epoch: _,
        caused_by: _,
        number,
        version,
        at,
        saga,
        cause,
        client,
        trace,
        owner,
        name,
        schema,
        data,
    } = event;
    let of = aggregate.name().context;
    let known = aggregate.event_version();
    if schema > known {
        return Err(format!(
            "event {sequence} of {of} has version {schema}; this node reads up to {known}: upgrade it, or have its \
             source write version {known} (`events.write_versions`)"
        ));
    }
    // One that has nothing more to say is written as its bare name.
    let bare = data.as_object().is_some_and(serde_json::Map::is_empty);
    let whole = serde_json::json!({ name.as_str(): data });
    let event = aggregate
        .read_event(schema, whole)
        .or_else(
            |why| if bare { aggregate.read_event(schema, name.as_str().into()) } else { Err(why) },
        )
        .map_err(|why| format!("event {sequence} of {of}, `{name}`, cannot be read: {why}"))?;
    let saga = saga
        .rsplit_once('-')
        .and_then(|(context, number)| {
            Some(SagaId { context: context.to_owned().into(), number: number.parse().ok()? })
        })
        .ok_or_else(|| {
            format!("event {sequence} of {of} belongs to `{saga}`, which names no saga")
        })?;
    let envelope = Envelope {
        sequence,
        aggregate: number,
        version,
        at,
        saga,
        cause: Cause::Elsewhere(cause),
        client,
        trace,
        owner: owner.map(Into::into),
    };
    Ok(LogEntry { envelope, event })
}
