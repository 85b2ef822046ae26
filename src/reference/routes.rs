//! The fixed routes.

use super::table::{code_text, write_table};
use crate::{
    http::{Deployment, ROUTES},
    identity::{Access, Audience},
};
use serde_json::Value;

/// A fixed route, without what answers it.
#[derive(Debug, Clone, Copy)]
pub struct FixedRoute {
    /// The methods that it answers.
    pub methods: &'static [&'static str],
    /// Its template: `{name}` is one segment, `{name:.*}` all that is left.
    pub path: &'static str,
    /// Who may call it.
    pub audience: Audience,
    /// A parameter of its query with which it is for another audience.
    pub detail: Option<(&'static str, Audience)>,
}

/// Every fixed route. Collections follow from the contexts.
pub fn fixed_routes() -> impl Iterator<Item = FixedRoute> {
    ROUTES.iter().map(|route| FixedRoute {
        methods: route.methods,
        path: route.path,
        audience: route.audience,
        detail: route.detail,
    })
}

/// Who that is, in words.
pub(super) fn describe_audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Public => "anyone",
        Audience::Administration(Access::Development) => "admins, in development",
        Audience::Administration(Access::Keys | Access::Copy) => "admins",
        Audience::Administration(Access::Read | Access::Act) | Audience::Metrics => {
            "admins and operators"
        }
        Audience::Events => "admins and auditors, and nodes for what their contexts listen to",
        Audience::Readers { .. } | Audience::Writers { .. } => "see the context",
        Audience::Node => "other nodes",
    }
}

/// Methods, path, audience and summary of every fixed route.
pub fn routes() -> String {
    let server = Deployment { contexts: &[] };
    let rows = ROUTES.iter().map(|route| {
        let audience = match route.detail {
            Some((parameter, detail)) => format!(
                "{}; with `{parameter}` {}",
                describe_audience(route.audience),
                describe_audience(detail)
            ),
            None => describe_audience(route.audience).to_owned(),
        };
        let operation = route.operation.map(|operation| operation(&server));
        let summary = operation.as_ref().and_then(|operation| operation.get("summary"));
        let summary = summary.and_then(Value::as_str).unwrap_or(route.summary).to_owned();
        let path = route.path.replace(":.*", "");
        [code_text(&route.methods.join(", ")), code_text(&path), audience, summary]
    });
    write_table(["methods", "path", "audience", "what"], rows)
}
