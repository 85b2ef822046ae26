//! One request, over any transport. An adapter makes a [`ApiRequest`] of what it has received, finds the route, and sends the
//! [`Answer`] back; everything between is here, so it is the same for all adapters.

mod access;
mod command;
mod conditions;
pub mod description;
mod hal;
mod headers;
mod ingress;
mod json;
mod offers;
mod owner;
mod personal;
mod personal_numbers;
mod problem;
mod problem_code;
mod problem_codes;
mod problem_meanings;
mod problem_of_fault;
mod problem_of_identity;
mod quota;
mod rate_limits;
mod reduced;
mod request;
mod routing;
pub mod schema;

pub use access::{
    check_audience, check_item, check_seen, needs_credentials, readers_of, writers_of,
};
pub use command::run_command;
pub use conditions::{check_coding, check_content};
pub use hal::{base_url, media_type, splice_fields};
pub use headers::{Headers, bounded_header, header_text};
pub use ingress::{Ingress, IngressHealth};
pub use json::parse_json;
pub use offers::{FORMS, write_templates};
pub use personal::PersonalFields;
pub use problem::{Problem, ProblemTypes, prefers_korean, status_of};
pub use problem_code::ProblemCode;
pub use problem_codes::PROBLEM_CODES;
pub use problem_meanings::{Meaning, Refusals, find_meanings};
pub use quota::{allowance_fields, check_rate};
pub use rate_limits::{Allowance, RateLimits, RateSettings, RequestCost, Requester, network_of};
pub use reduced::ShownItem;
pub use request::{Answer, ApiRequest};
pub use routing::{
    Collection, CommandRoute, PathTarget, Paths, RouteMatch, allowed_methods, find_command,
    find_target,
};
