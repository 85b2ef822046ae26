//! The fixed routes.

use super::table::{code_text, write_table};
use crate::{
    http::{Deployment, ROUTES},
    identity::{Access, Audience},
};
use serde_json::Value;

/// Methods, path, audience and summary of every fixed route. Collections follow from the contexts.
pub fn routes() -> String {
    let server = Deployment { contexts: &[] };
    let rows = ROUTES.iter().map(|route| {
        let audience = match route.audience {
            Audience::Public => "anyone",
            Audience::Administration(Access::Development) => "admins, in development",
            Audience::Administration(Access::Keys) => "admins",
            Audience::Administration(_) => "admins and operators",
            Audience::Metrics => "admins and operators",
            Audience::Events => "admins and auditors",
            Audience::Readers { .. } | Audience::Writers { .. } => "see the context",
            Audience::Node => "other nodes",
        };
        let operation = route.operation.map(|operation| operation(&server));
        let summary = operation.as_ref().and_then(|operation| operation.get("summary"));
        let summary = summary.and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = route.path.replace(":.*", "");
        [code_text(&route.methods.join(", ")), code_text(&path), audience.to_owned(), summary]
    });
    write_table(["methods", "path", "audience", "what"], rows)
}
