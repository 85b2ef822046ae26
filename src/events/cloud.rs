//! CloudEvents 1.0.2: the attributes of an event, in one place for every protocol.

use super::naming::EventNames;
use crate::actors::{CausingEvent, EventId, RecordedEvent};
use serde_json::{Map, Value};

/// The media type of `data`.
pub const DATA_CONTENT_TYPE: &str = "application/json";

/// An event of one context.
#[derive(Debug, Clone, Copy)]
pub struct CloudEvent<'a> {
    /// `bookrent.rent`
    pub context: &'a str,
    /// The event.
    pub event: &'a RecordedEvent,
    /// How this installation names its events.
    pub names: &'a EventNames,
}

/// The type of an event: `io.holdfast.bookrent.rent.BookRented.v1`.
pub fn kind_of(context: &str, name: &str, version: u16) -> String {
    format!("io.holdfast.{context}.{name}.v{version}")
}

impl CloudEvent<'_> {
    /// The type.
    pub fn kind(&self) -> String {
        kind_of(self.context, &self.event.name, self.event.schema)
    }

    /// Every attribute but `datacontenttype`, for which each protocol has a place of its own. Consumers deduplicate by
    /// `source` and `id`; `sequence` is the position in the log, in a form that sorts as text.
    pub fn list_attributes(&self) -> Vec<(&'static str, String)> {
        let RecordedEvent {
            sequence,
            number,
            version,
            at,
            saga,
            cause,
            caused_by,
            client,
            trace,
            ..
        } = self.event;
        let kind = self.kind();
        let mut attributes = vec![
            ("specversion", "1.0".to_owned()),
            ("id", self.event.id().to_string()),
            ("source", self.names.source_of(self.context)),
            ("subject", number.to_string()),
            ("time", at.to_string()),
            ("type", kind.clone()),
            ("sequence", format!("{sequence:020}")),
            ("aggregateversion", version.to_string()),
            ("partitionkey", format!("{}-{number}", self.context)),
            ("correlationid", saga.clone()),
            ("cause", cause.clone()),
        ];
        if let Some(CausingEvent { context, id }) = caused_by {
            attributes.push(("causationid", id.to_string()));
            attributes.push(("causationsource", self.names.source_of(context)));
        }
        attributes.extend(self.names.data_schema(&kind).map(|schema| ("dataschema", schema)));
        attributes.extend(client.clone().map(|client| ("clientcorrelationid", client)));
        attributes.extend(trace.clone().map(|trace| ("traceparent", trace)));
        attributes
    }

    /// The event as one JSON object (`application/cloudevents+json`).
    pub fn to_structured(&self) -> Value {
        let attributes =
            self.list_attributes().into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        let mut object: Map<_, _> = attributes.collect();
        object.insert("datacontenttype".into(), DATA_CONTENT_TYPE.into());
        object.insert("data".into(), self.event.data.clone());
        object.into()
    }
}

/// Reads an event of `context` of the installation with these names; `attribute` finds an attribute by its name.
///
/// # Errors
/// What is missing or malformed.
pub fn read_event(
    context: &str,
    names: &EventNames,
    attribute: impl Fn(&str) -> Option<String>,
    data: Value,
) -> Result<RecordedEvent, String> {
    let needed =
        |name: &str| attribute(name).ok_or_else(|| format!("it has no attribute `{name}`"));
    let number = |name: &str| {
        let text = needed(name)?;
        text.parse::<u64>().map_err(|_| format!("its attribute `{name}` is not a number: `{text}`"))
    };
    let source = needed("source")?;
    let expected = names.source_of(context);
    if source != expected {
        return Err(format!(
            "its source is `{source}`, not `{expected}`: the nodes of an installation need the same `events.source`, and \
             each installation an exchange of its own"
        ));
    }
    let kind = needed("type")?;
    let named = kind
        .strip_prefix("io.holdfast.")
        .and_then(|kind| kind.strip_prefix(context)?.strip_prefix('.'));
    let named = named.and_then(|named| named.rsplit_once(".v"));
    let (name, schema) =
        named.ok_or_else(|| format!("its type `{kind}` is not a type of {context}"))?;
    let schema = schema.parse().map_err(|_| format!("its type `{kind}` has no version"))?;
    let at = needed("time")?;
    let id = needed("id")?;
    let EventId { word, sequence } =
        id.parse().map_err(|()| format!("its attribute `id` is malformed: `{id}`"))?;
    let caused_by = caused_by(names, attribute("causationsource"), attribute("causationid"));
    // Nodes of the last release have the words under this name.
    let words = attribute("causationid").filter(|_| caused_by.is_none());
    Ok(RecordedEvent {
        sequence,
        epoch: word,
        number: number("subject")?,
        version: number("aggregateversion")?,
        at: at.parse().map_err(|why| format!("its time `{at}` is malformed: {why}"))?,
        saga: needed("correlationid")?,
        cause: attribute("cause").or(words).map_or_else(|| needed("cause"), Ok)?,
        caused_by,
        client: attribute("clientcorrelationid"),
        trace: attribute("traceparent"),
        owner: None,
        name: name.to_owned(),
        schema,
        data,
    })
}

/// The event that another follows from, by its source and id.
fn caused_by(
    names: &EventNames,
    source: Option<String>,
    id: Option<String>,
) -> Option<CausingEvent> {
    let context = names.context_of(&source?)?;
    Some(CausingEvent { context, id: id?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use serde_json::json;

    fn event() -> RecordedEvent {
        RecordedEvent {
            sequence: 12,
            epoch: "3f0c2a91b7d4".parse().unwrap(),
            number: 7,
            version: 2,
            at: Timestamp::from_micros(1_624_849_200_000_000),
            saga: "bookrent.rent-7".into(),
            cause: "event bookrent.delivery/4".into(),
            caused_by: Some(CausingEvent {
                context: "bookrent.delivery".into(),
                id: "77aa00bb11cc-4".parse().unwrap(),
            }),
            client: None,
            trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            owner: None,
            name: "BookRented".into(),
            schema: 1,
            data: json!({ "bookId": 1 }),
        }
    }

    #[test]
    fn an_event_has_every_attribute_that_is_required_and_those_that_help() {
        let event = event();
        let names = EventNames::new("/seoul", Some("https://rent.example"));
        let context = "bookrent.rent";
        let said = CloudEvent { context, event: &event, names: &names }.to_structured();
        for (attribute, value) in [
            ("specversion", "1.0"),
            ("id", "3f0c2a91b7d4-12"),
            ("source", "/seoul/bookrent/rent"),
            ("type", "io.holdfast.bookrent.rent.BookRented.v1"),
            ("subject", "7"),
            ("sequence", "00000000000000000012"),
            (
                "dataschema",
                "https://rent.example/schemas/io.holdfast.bookrent.rent.BookRented.v1.json",
            ),
            ("datacontenttype", "application/json"),
            ("partitionkey", "bookrent.rent-7"),
            ("causationid", "77aa00bb11cc-4"),
            ("causationsource", "/seoul/bookrent/delivery"),
            ("cause", "event bookrent.delivery/4"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ] {
            assert_eq!(said[attribute], value, "{attribute}");
        }
        assert_eq!(said["data"], json!({ "bookId": 1 }));
        assert!(said.get("clientcorrelationid").is_none());
        let names = EventNames::default();
        let said = CloudEvent { context, event: &event, names: &names }.to_structured();
        assert_eq!(said["source"], "/bookrent/rent");
        assert!(said.get("dataschema").is_none(), "an address that leads nowhere is not given");
    }

    #[test]
    fn an_event_reads_back_as_it_was_said() {
        let context = "bookrent.rent";
        let event = event();
        let names = EventNames::new("urn:rent:seoul", None);
        let said: std::collections::HashMap<_, _> =
            CloudEvent { context, event: &event, names: &names }
                .list_attributes()
                .into_iter()
                .collect();
        let of_names = |context, names, without: &str, data: &Value| {
            let attribute = |name: &str| said.get(name).filter(|_| name != without).cloned();
            read_event(context, names, attribute, data.clone())
        };
        let of = |context, without: &str, data: &Value| of_names(context, &names, without, data);
        assert_eq!(of(context, "", &event.data).unwrap(), event);
        assert!(of("bookrent.book", "", &event.data).unwrap_err().contains("/bookrent/rent"));
        let other = EventNames::new("urn:rent:busan", None);
        let why = of_names(context, &other, "", &event.data).unwrap_err();
        assert!(why.contains("urn:rent:seoul/") && why.contains("events.source"), "{why}");
        for needed in [
            "id",
            "source",
            "subject",
            "time",
            "type",
            "aggregateversion",
            "correlationid",
            "cause",
        ] {
            assert!(of(context, needed, &event.data).unwrap_err().contains(needed), "{needed}");
        }
    }
}
