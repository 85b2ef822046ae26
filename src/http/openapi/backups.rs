//! The operations on backups.

use super::operations::{Admin, Deployment, in_query, list_schema, string_schema};
use crate::{api::schema::put_field, domain::number::LARGEST};
use serde_json::{Value, json};

/// A backup in the directory of the server.
fn kept_backup() -> Value {
    let count = json!({ "type": "integer", "minimum": 0, "maximum": LARGEST });
    json!({
        "type": "object",
        "properties": {
            "file": string_schema(),
            "made": { "type": "string", "format": "date-time" },
            "commit": count,
            "bytes": count,
        },
        "required": ["file", "made", "commit", "bytes"],
    })
}

pub fn describe_backups(_: &Deployment<'_>) -> Value {
    let mut answer = list_schema("backups", kept_backup());
    if let Some(fields) = answer.get_mut("properties") {
        put_field(fields, "everySeconds", json!({ "type": ["integer", "null"] }));
        put_field(fields, "failure", json!({ "type": ["string", "null"] }));
    }
    let summary = "Backups in the directory of this node, the oldest first";
    Admin { id: "backups", summary, parameters: &[], body: None, answer, problems: &["503"] }
        .into_operation()
}

pub fn describe_making(_: &Deployment<'_>) -> Value {
    let summary = "Make a backup in the directory of this node";
    let problems = &["409", "503"];
    let answer = kept_backup();
    Admin { id: "makeBackup", summary, parameters: &[], body: None, answer, problems }
        .into_operation()
}

pub fn describe_sending(_: &Deployment<'_>) -> Value {
    let since = "The commit of an earlier backup: only what was written after it is sent.";
    let base = "The sum of that backup, which the new one names.";
    let mut operation = Admin {
        id: "sendBackup",
        summary: "A backup of this node, as it is made: everything that is stored, personal data included",
        parameters: &[in_query("since", since), in_query("base", base)],
        body: None,
        answer: json!({}),
        problems: &["409", "422", "503"],
    }
    .into_operation();
    if let Some(answer) = operation.pointer_mut("/responses/200") {
        let schema = json!({ "type": "string", "format": "binary" });
        let content = json!({ "application/octet-stream": { "schema": schema } });
        put_field(answer, "content", content);
    }
    operation
}
