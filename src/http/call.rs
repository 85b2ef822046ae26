//! One request on its way to a handler of the route table.

use crate::{api::Problem, http::state::AppState, identity::Principal};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

/// What a handler answers with.
pub type Reply = Result<HttpResponse, Problem>;

/// A request to one of the fixed routes.
pub struct Call<'a> {
    pub request: &'a HttpRequest,
    pub payload: web::Payload,
    pub state: &'a AppState,
    /// The values of the template's parameters, by name.
    pub params: Vec<(&'static str, &'a str)>,
}

impl<'a> Call<'a> {
    /// The value of the parameter `name`; empty where the template has none.
    pub fn path_parameter(&self, name: &str) -> &'a str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value)
    }
}

/// What a probe asks.
#[derive(Debug, Clone, Copy)]
pub struct ProbeRequest<'a> {
    /// The query of its URI.
    pub query: &'a str,
    /// Its `Accept`, empty if it has none.
    pub accept: &'a str,
    /// Who asks, if it is known.
    pub caller: Option<&'a Principal>,
}

/// A report on the condition of the server.
#[derive(Debug)]
pub struct ProbeReply {
    pub status: StatusCode,
    pub media_type: &'static str,
    pub body: String,
}
