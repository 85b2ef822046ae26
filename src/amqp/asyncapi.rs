//! Commands and their replies in the AsyncAPI document, from the routes that the contexts declare.

use super::topology::COMMANDS;
use crate::{
    actors::Declaration,
    api::{
        description::{self, CommandDescription},
        schema::refer_to,
    },
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const BINDING: &str = "0.3.0";

/// Adds the commands of those of `contexts` that decide to an AsyncAPI document.
pub fn describe_commands(document: &mut Value, contexts: &[Arc<dyn Declaration>]) {
    let mut added = Added { schemas: description::shared_schemas(), ..Added::default() };
    added.messages.insert(
        "problem".into(),
        reply_message("application/problem+json", "Why it came to nothing.", "Problem"),
    );
    for context in contexts.iter().filter(|context| !context.is_view()) {
        added.add_context(context.as_ref());
    }
    let Added { channels, operations, messages, schemas } = added;
    for (place, further) in [
        ("/channels", channels),
        ("/operations", operations),
        ("/components/messages", messages),
        ("/components/schemas", schemas),
        ("/components/securitySchemes", security_schemes()),
    ] {
        if let Some(known) = document.pointer_mut(place).and_then(Value::as_object_mut) {
            known.extend(further);
        }
    }
}

/// What shows who sends a command, besides the user of the broker.
fn security_schemes() -> Map<String, Value> {
    let bearer = |format: &str, what: &str| {
        json!({
            "type": "http", "scheme": "bearer", "bearerFormat": format,
            "description": format!("{what}, in the header `authorization` of the message."),
        })
    };
    let mut schemes = Map::new();
    schemes.insert("token".into(), bearer("JWT", "An access token of an OpenID provider"));
    schemes.insert("key".into(), bearer("hf_<id>_<secret>", "An API key"));
    schemes
}

fn scheme(name: &str) -> Value {
    point_to("components/securitySchemes", name)
}

#[derive(Default)]
struct Added {
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

fn point_to(place: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/{place}/{name}") })
}

impl Added {
    fn add_context(&mut self, context: &dyn Declaration) {
        let name = context.name();
        let (thing, _) = description::describe_item(context, &mut self.schemas);
        let commands = format!("commands.{}", name.context);
        let replies = format!("replies.{}", name.context);
        let answered = format!("answer.{}", name.context);
        self.messages.insert(
            answered.clone(),
            reply_message(
                "application/hal+json",
                &format!("The {}, as it is now.", name.item),
                &thing,
            ),
        );
        let mut taken = Map::new();
        for route in context.routes() {
            let words = description::describe_command(context, route, &thing, &mut self.schemas);
            let key = format!("{commands}.{}", words.name);
            taken.insert(words.name.clone(), point_to("components/messages", &key));
            self.operations.insert(
                key.clone(),
                json!({
                    "action": "receive",
                    "summary": words.summary,
                    "security": [scheme("user"), scheme("token"), scheme("key")],
                    "channel": point_to("channels", &commands),
                    "messages": [point_to(&format!("channels/{commands}/messages"), &words.name)],
                    "reply": {
                        "address": {
                            "location": "$message.header#/reply_to",
                            "description": "The property `reply_to`, over the default exchange.",
                        },
                        "channel": point_to("channels", &replies),
                        "messages": [
                            point_to(&format!("channels/{replies}/messages"), "answer"),
                            point_to(&format!("channels/{replies}/messages"), "problem"),
                        ],
                    },
                    "bindings": { "amqp": { "ack": true, "bindingVersion": BINDING } },
                }),
            );
            self.messages.insert(
                key,
                command_message(&words, &format!("/{}/{}", name.system, name.collection)),
            );
        }
        self.channels.insert(
            commands,
            json!({
                "address": name.context,
                "description": format!("Commands for `{}`; they wait in the queue `{COMMANDS}.{0}`.", name.context),
                "messages": taken,
                "bindings": { "amqp": {
                    "is": "routingKey",
                    "exchange": {
                        "name": COMMANDS, "type": "direct", "durable": true, "autoDelete": false, "vhost": "/",
                    },
                    "bindingVersion": BINDING,
                } },
            }),
        );
        let messages = json!({ "answer": point_to("components/messages", &answered), "problem": point_to("components/messages", "problem") });
        let said = "Wherever `reply_to` says.";
        self.channels
            .insert(replies, json!({ "address": null, "description": said, "messages": messages }));
    }
}

/// What a command by this route looks like.
fn command_message(words: &CommandDescription, collection: &str) -> Value {
    let text = json!({ "type": "string" });
    let path = format!("^{collection}{}$", words.rest.replace("{id}", "[1-9][0-9]*"));
    let headers = json!({
        "type": "object",
        "properties": {
            "method": { "type": "string", "const": words.method.to_uppercase() },
            "path": { "type": "string", "pattern": path },
            "idempotency-key": { "type": "string", "description": "Instead of the property `message_id`; one of the two is needed." },
            "x-holdfast-customer": { "type": "string", "maxLength": 100, "description": "For whom staff begins what has no member for that." },
            "if-match": text, "accept-language": text, "x-correlation-id": text, "traceparent": text,
            "host": { "type": "string", "description": "The host in links; without it, they are paths." },
            "authorization": { "type": "string", "description": "Credentials, as over HTTP. Instead of them the property `user_id` says who sends it." },
        },
        "required": ["method", "path"],
    });
    let mut message = json!({
        "name": format!("{} {collection}{}", words.method.to_uppercase(), words.rest),
        "title": words.summary,
        "headers": headers,
        "correlationId": { "location": "$message.header#/correlation_id" },
    });
    if let (Some((name, _)), Some(fields)) = (&words.body, message.as_object_mut()) {
        fields.insert("contentType".into(), "application/json".into());
        fields.insert("payload".into(), refer_to(name));
    }
    message
}

fn reply_message(media: &str, what: &str, schema: &str) -> Value {
    let text = json!({ "type": "string" });
    json!({
        "summary": what,
        "contentType": media,
        "headers": {
            "type": "object",
            "properties": {
                "status": { "type": "integer", "minimum": 200, "maximum": 599, "description": "As HTTP has it." },
                "location": text, "etag": text, "retry-after": text, "idempotent-replayed": text,
                "ratelimit": text, "ratelimit-policy": text,
                "content-language": text, "x-correlation-id": text,
            },
            "required": ["status"],
        },
        "correlationId": { "location": "$message.header#/correlation_id" },
        "payload": refer_to(schema),
    })
}
