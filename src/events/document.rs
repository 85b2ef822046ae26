//! The AsyncAPI document: which events are published where, with their schemas.

use super::{cloud::DATA_CONTENT_TYPE, naming::EventNames, schemas::EventDescription, seal::SEAL};
use serde_json::{Map, Value, json};

/// Where events are published.
#[derive(Debug, Clone)]
pub struct Broker {
    /// The topic exchange.
    pub exchange: String,
    /// The prefix of attributes in headers.
    pub prefix: String,
}

/// The AsyncAPI 3.0 document of these events.
pub fn write_document(events: &[EventDescription], names: &EventNames, broker: &Broker) -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    let mut schemas = Map::new();
    for event in events {
        let EventDescription { context, name, kind, schema } = event;
        let key = format!("{context}.{name}");
        let pointer = |place: &str| format!("#/{place}/{key}");
        channels.insert(
            key.clone(),
            json!({
                "address": key,
                "messages": { "event": { "$ref": pointer("components/messages") } },
                "bindings": { "amqp": {
                    "is": "routingKey",
                    "exchange": {
                        "name": broker.exchange, "type": "topic", "durable": true, "autoDelete": false, "vhost": "/",
                    },
                    "bindingVersion": "0.3.0",
                } },
            }),
        );
        operations.insert(
            key.clone(),
            json!({
                "action": "send",
                "security": [{ "$ref": "#/components/securitySchemes/user" }],
                "channel": { "$ref": pointer("channels") },
                "messages": [{ "$ref": format!("#/channels/{key}/messages/event") }],
                "bindings": { "amqp": { "deliveryMode": 2, "mandatory": true, "bindingVersion": "0.3.0" } },
            }),
        );
        let correlation = format!("$message.header#/{}correlationid", broker.prefix);
        messages.insert(
            key.clone(),
            json!({
                "name": kind,
                "title": name,
                "summary": schema.get("description"),
                "contentType": DATA_CONTENT_TYPE,
                "headers": header_schema(event, names, broker),
                "payload": { "$ref": pointer("components/schemas") },
                "correlationId": { "location": correlation },
                "bindings": { "amqp": { "messageType": kind, "bindingVersion": "0.3.0" } },
            }),
        );
        if let Some(Value::Null) = messages.get(&key).and_then(|message| message.get("summary"))
            && let Some(Value::Object(message)) = messages.get_mut(&key)
        {
            message.shift_remove("summary");
        }
        schemas.insert(key.clone(), embed_schema(schema, &pointer("components/schemas")));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Holdfast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What has happened, as CloudEvents 1.0.2 in binary mode. Each event goes out at least once, \
                            in the order of its context's log; dedupe by source and id. What was missed is read over \
                            HTTP, at `/events/{context}`.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": DATA_CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {
                "user": { "type": "userPassword", "description": "A user of the broker, who may read or write there." },
            },
        },
    })
}

fn header_schema(
    event: &EventDescription,
    names: &EventNames,
    Broker { prefix, .. }: &Broker,
) -> Value {
    let text = json!({ "type": "string" });
    let mut properties = Map::new();
    let mut put = |name: &str, schema: Value| properties.insert(format!("{prefix}{name}"), schema);
    put("specversion", json!({ "type": "string", "const": "1.0" }));
    put("source", json!({ "type": "string", "const": names.source_of(event.context) }));
    put("type", json!({ "type": "string", "const": event.kind }));
    put("time", json!({ "type": "string", "format": "date-time" }));
    let required =
        ["id", "subject", "sequence", "aggregateversion", "partitionkey", "correlationid", "cause"];
    let optional = [
        "causationid",
        "causationsource",
        "dataschema",
        "clientcorrelationid",
        "traceparent",
        SEAL,
    ];
    for name in required.iter().chain(&optional) {
        put(name, text.clone());
    }
    let required: Vec<_> =
        ["specversion", "source", "type", "time"].iter().chain(&required).collect();
    let required: Vec<_> = required.iter().map(|name| format!("{prefix}{name}")).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The schema as a part of the document: it has no place of its own, and what it refers to is under its place here.
fn embed_schema(schema: &Value, place: &str) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(word, value)| {
                !(*word == "$schema" || *word == "$id" && value.is_string())
            });
            kept.map(|(word, value)| match (word.as_str(), value) {
                ("$ref", Value::String(to)) => (word.clone(), to.replacen('#', place, 1).into()),
                _ => (word.clone(), embed_schema(value, place)),
            })
            .collect::<Map<_, _>>()
            .into()
        }
        Value::Array(items) => {
            items.iter().map(|item| embed_schema(item, place)).collect::<Vec<_>>().into()
        }
        other => other.clone(),
    }
}
