//! What a fixed route is, and which paths fit its template.

use crate::{
    http::{
        call::{Call, ProbeReply, ProbeRequest, Reply},
        handlers::query::has_parameter,
        openapi::operations::Deployment,
        state::AppState,
    },
    identity::{Access, Audience},
};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

/// The methods of what can be read.
pub const READ: &[&str] = &["GET", "HEAD"];

/// A fixed route.
pub struct Route {
    /// The methods it answers, as `Allow` lists them.
    pub methods: &'static [&'static str],
    /// Its template: `{name}` is one segment, `{name:.*}` all that is left.
    pub path: &'static str,
    /// Who may call it.
    pub audience: Audience,
    /// The parameter of its query that asks for what is for another audience.
    pub detail: Option<(&'static str, Audience)>,
    /// The parameters of its query; `None` where others are ignored.
    pub query: Option<&'static [&'static str]>,
    /// What answers.
    pub handler: Handler,
    /// How the API document describes it; `None` for what is not an API.
    pub operation: Option<fn(&Deployment<'_>) -> Value>,
    /// What it is for, where the API document does not say so.
    pub summary: &'static str,
}

/// What answers a route.
pub enum Handler {
    /// Answers on the main listener.
    Request(for<'a> fn(Call<'a>) -> LocalBoxFuture<'a, Reply>),
    /// Reports the condition of the server; the probe listener answers it as well.
    Probe(ProbeHandler),
}

/// What answers on the main listener.
type RequestHandler = for<'a> fn(Call<'a>) -> LocalBoxFuture<'a, Reply>;
type ProbeHandler = fn(&AppState, &ProbeRequest<'_>) -> ProbeReply;

/// A route for `audience`, with any query.
pub const fn route(
    methods: &'static [&'static str],
    path: &'static str,
    audience: Audience,
    handler: RequestHandler,
) -> Route {
    let handler = Handler::Request(handler);
    let summary = "";
    Route { methods, path, audience, detail: None, query: None, handler, operation: None, summary }
}

/// A route of the administration.
pub const fn admin_route(
    methods: &'static [&'static str],
    path: &'static str,
    access: Access,
    handler: RequestHandler,
) -> Route {
    let audience = Audience::Administration(access);
    Route { query: Some(&[]), ..route(methods, path, audience, handler) }
}

/// A route for other nodes.
pub const fn node_route(
    methods: &'static [&'static str],
    path: &'static str,
    handler: RequestHandler,
) -> Route {
    route(methods, path, Audience::Node, handler)
}

/// A route that the probe listener answers as well.
pub const fn probe_route(path: &'static str, audience: Audience, report: ProbeHandler) -> Route {
    let handler = Handler::Probe(report);
    let methods = READ;
    let summary = "";
    Route { methods, path, audience, detail: None, query: None, handler, operation: None, summary }
}

impl Route {
    /// Takes these parameters in its query, and no others.
    pub const fn with_query(self, query: &'static [&'static str]) -> Self {
        Self { query: Some(query), ..self }
    }

    /// Answers in more detail where `parameter` is in its query, and that is for `audience`.
    pub const fn with_detail(self, parameter: &'static str, audience: Audience) -> Self {
        Self { detail: Some((parameter, audience)), ..self }
    }

    /// Is described in the API document by `operation`.
    pub const fn with_description(self, operation: fn(&Deployment<'_>) -> Value) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Says what it is for, where the API document does not.
    pub const fn with_summary(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// Who may send a request with this query.
    pub fn audience_of(&self, query: &str) -> Audience {
        let detail = self.detail.filter(|(parameter, _)| has_parameter(query, parameter));
        detail.map_or(self.audience, |(_, audience)| audience)
    }

    /// The parameters of `path`, if it fits the template.
    pub fn match_path<'a>(&self, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
        let mut params = Vec::new();
        let mut rest = path.strip_prefix('/')?;
        let mut templates = self.path.strip_prefix('/')?.split('/').peekable();
        while let Some(template) = templates.next() {
            let (segment, after) = match rest.split_once('/') {
                Some((segment, after)) => (segment, Some(after)),
                None => (rest, None),
            };
            match template.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some((parameter, suffix)) => {
                    if let Some(parameter) = parameter.strip_suffix(":.*") {
                        params.push((parameter, rest));
                        return Some(params);
                    }
                    let value = segment.strip_suffix(suffix).filter(|value| !value.is_empty())?;
                    params.push((parameter, value));
                }
                None if template == segment => {}
                None => return None,
            }
            match (after, templates.peek().is_some()) {
                (Some(after), true) => rest = after,
                (None, false) => return Some(params),
                _ => return None,
            }
        }
        None
    }
}
