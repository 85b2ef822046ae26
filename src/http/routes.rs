//! The one table of fixed routes. The router, the API document, the labels of metrics and the probe listener read it.

use crate::{
    http::{
        handlers::{
            admin, audit, backups, documents, event_filter::EventQuery, events, health, internal,
            jobs, keeper, keys, login, metrics, node_list, node_reports, pages, problems, root,
            saga_list,
        },
        openapi::{backups as backup_pages, identities, operations, problem_page, sagas},
        route::{READ, Route, admin_route, node_route, probe_route, route},
    },
    identity::{Access, Audience},
};

/// A route whose template a path has matched.
pub struct Matched<'a> {
    pub path: &'static str,
    /// The values of its parameters.
    pub params: Vec<(&'static str, &'a str)>,
}

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const PUT: &[&str] = &["PUT"];
const DELETE: &[&str] = &["DELETE"];

/// Every fixed route. Collections are not among them: they follow from the contexts.
pub const ROUTES: &[Route] = &[
    route(READ, "/", Audience::Public, |call| Box::pin(root::list_links(call)))
        .with_description(operations::describe_root),
    probe_route("/livez", Audience::Public, |_, _| health::report_alive())
        .with_description(operations::describe_livez),
    probe_route("/readyz", Audience::Public, |state, request| {
        health::readiness_report(state, request.query)
    })
    .with_detail(health::VERBOSE, Audience::Metrics)
    .with_description(operations::describe_readyz),
    probe_route("/metrics", Audience::Metrics, |state, request| {
        metrics::write_metrics(state, request.accept)
    })
    .with_description(operations::describe_metrics),
    probe_route("/actuator/prometheus", Audience::Metrics, |state, request| {
        metrics::write_metrics(state, request.accept)
    })
    .with_description(operations::describe_prometheus),
    probe_route("/actuator/health", Audience::Public, |state, request| {
        health::report_health(state, request.caller)
    })
    .with_description(operations::describe_health),
    probe_route("/actuator/health/liveness", Audience::Public, |_, _| health::report_liveness())
        .with_description(operations::describe_liveness),
    probe_route("/actuator/health/readiness", Audience::Public, |state, _| {
        health::report_readiness(state)
    })
    .with_description(operations::describe_readiness),
    probe_route("/actuator/info", Audience::Public, |_, _| health::report_info())
        .with_description(operations::describe_info),
    route(READ, "/openapi.json", Audience::Public, |call| Box::pin(documents::show_openapi(call)))
        .with_description(operations::describe_openapi),
    route(READ, "/asyncapi.json", Audience::Public, |call| {
        Box::pin(documents::show_asyncapi(call))
    })
    .with_description(operations::describe_asyncapi),
    route(READ, "/schemas/{type}.json", Audience::Public, |call| {
        Box::pin(documents::show_schema(call))
    })
    .with_description(operations::describe_schema),
    route(READ, "/problems/{code}", Audience::Public, |call| {
        Box::pin(problems::show_problem(call))
    })
    .with_description(problem_page::describe_problem),
    route(GET, "/login", Audience::Public, |call| Box::pin(login::begin_login(call)))
        .with_summary("Sends a browser to the provider to sign in; `to` is the path to go to then"),
    route(GET, "/callback", Audience::Public, |call| Box::pin(login::finish_login(call)))
        .with_summary("The provider sends the browser back here: a session begins"),
    route(POST, "/logout", Audience::Public, |call| Box::pin(login::sign_out(call)))
        .with_summary("Ends the session of the browser"),
    route(READ, "/session", Audience::Public, |call| Box::pin(login::show_session(call)))
        .with_summary("Who has signed in, and the form token that commands of pages show")
        .with_query(&[]),
    route(READ, "/docs", Audience::Public, |call| Box::pin(documents::redirect_to_page(call)))
        .with_summary("Leads to the pages of the API"),
    route(READ, "/docs/{file:.*}", Audience::Public, |call| Box::pin(documents::show_page(call)))
        .with_summary("Pages to read and try the API"),
    route(READ, "/pages", Audience::Public, |call| Box::pin(pages::redirect_to_first(call)))
        .with_summary("Leads to the first page for people"),
    route(READ, "/pages/{path:.*}", Audience::Public, |call| Box::pin(pages::answer(call)))
        .with_summary("The pages for people"),
    route(POST, "/pages/{path:.*}", Audience::Public, |call| Box::pin(pages::answer(call)))
        .with_summary("What the forms of the pages send"),
    route(READ, "/events", Audience::Events, |call| Box::pin(events::all_events(call)))
        .with_query(EventQuery::PARAMETERS)
        .with_description(operations::describe_events),
    route(READ, "/events/{context}", Audience::Events, |call| Box::pin(events::of_context(call)))
        .with_query(EventQuery::PARAMETERS)
        .with_description(operations::events_of),
    node_route(POST, "/internal/asks/{context}", |call| Box::pin(internal::answer_ask(call)))
        .with_summary("Puts a question to a context"),
    node_route(READ, "/internal/events/{context}", |call| Box::pin(internal::send_events(call)))
        .with_summary("The log of a context, for its listeners"),
    node_route(POST, "/internal/identity", |call| Box::pin(keeper::find_key_holder(call)))
        .with_summary("Who holds an API key that is kept here"),
    node_route(POST, "/internal/sessions", |call| Box::pin(keeper::begin_session(call)))
        .with_summary("Begins a session of a browser that has signed in elsewhere"),
    node_route(POST, "/internal/sessions/holder", |call| {
        Box::pin(keeper::find_session_holder(call))
    })
    .with_summary("Whose a session is that is kept here"),
    node_route(POST, "/internal/sessions/end", |call| Box::pin(keeper::end_session(call)))
        .with_summary("Ends a session"),
    node_route(GET, "/internal/ended", |call| Box::pin(keeper::read_ended(call)))
        .with_summary("Which keys and sessions have ended"),
    node_route(READ, "/internal/contexts", |call| Box::pin(node_reports::report_contexts(call)))
        .with_summary("How the contexts here are doing"),
    node_route(READ, "/internal/sagas/{context}/{number}", |call| {
        Box::pin(node_reports::report_saga(call))
    })
    .with_summary("What is known of an order here"),
    node_route(READ, "/internal/jobs", |call| Box::pin(node_reports::report_jobs(call)))
        .with_summary("Jobs over many parked items here"),
    node_route(POST, "/internal/jobs", |call| Box::pin(node_reports::begin_job(call)))
        .with_summary("Begins such a job here"),
    node_route(POST, "/internal/jobs/{id}/cancel", |call| Box::pin(node_reports::cancel_job(call)))
        .with_summary("Cancels such a job here"),
    node_route(READ, "/internal/node", |call| Box::pin(node_reports::describe_node(call)))
        .with_summary("What this node is and hosts"),
    node_route(READ, "/internal/owed", |call| Box::pin(node_reports::report_owed(call)))
        .with_summary("What the contexts here still owe"),
    node_route(READ, "/internal/parked", |call| Box::pin(node_reports::report_parked(call)))
        .with_summary("What is parked here"),
    node_route(POST, "/internal/parked", |call| Box::pin(node_reports::parked_among(call)))
        .with_summary("Which of these are parked here"),
    node_route(POST, "/internal/clock", |call| Box::pin(node_reports::advance_clock(call)))
        .with_summary("Moves business time, in development"),
    admin_route(READ, "/admin/contexts", Access::Read, |call| Box::pin(admin::list_contexts(call)))
        .with_description(operations::describe_contexts),
    admin_route(POST, "/admin/contexts/{context}/stop", Access::Act, |call| {
        Box::pin(admin::stop_context(call))
    })
    .with_description(operations::describe_stop),
    admin_route(POST, "/admin/contexts/{context}/start", Access::Act, |call| {
        Box::pin(admin::start_context(call))
    })
    .with_description(operations::describe_start),
    admin_route(PUT, "/admin/contexts/{context}/fault", Access::Development, |call| {
        Box::pin(admin::inject_fault(call))
    })
    .with_description(operations::inject_fault),
    admin_route(DELETE, "/admin/contexts/{context}/fault", Access::Development, |call| {
        Box::pin(admin::clear_fault(call))
    })
    .with_description(operations::clear_fault),
    admin_route(READ, "/admin/nodes", Access::Read, |call| Box::pin(node_list::list_nodes(call)))
        .with_description(sagas::describe_nodes),
    admin_route(READ, "/admin/sagas", Access::Read, |call| Box::pin(saga_list::list_sagas(call)))
        .with_query(saga_list::PARAMETERS)
        .with_description(sagas::describe_sagas),
    admin_route(READ, "/admin/sagas/{system}/{number}", Access::Read, |call| {
        Box::pin(admin::show_saga(call))
    })
    .with_query(&["from", "limit"])
    .with_description(operations::describe_saga),
    admin_route(READ, "/admin/parked", Access::Read, |call| Box::pin(admin::list_parked(call)))
        .with_query(&["after", "limit"])
        .with_description(operations::describe_parked),
    admin_route(POST, "/admin/parked/redrive", Access::Act, |call| {
        Box::pin(jobs::redrive_all(call))
    })
    .with_description(sagas::describe_redrive_all),
    admin_route(POST, "/admin/parked/drop", Access::Act, |call| Box::pin(jobs::drop_all(call)))
        .with_description(sagas::describe_drop_all),
    admin_route(READ, "/admin/jobs", Access::Read, |call| Box::pin(jobs::list_jobs(call)))
        .with_description(sagas::describe_jobs),
    admin_route(READ, "/admin/jobs/{id}", Access::Read, |call| Box::pin(jobs::show(call)))
        .with_description(sagas::describe_job),
    admin_route(POST, "/admin/jobs/{id}/cancel", Access::Act, |call| {
        Box::pin(jobs::cancel_job(call))
    })
    .with_description(sagas::describe_cancel),
    admin_route(POST, "/admin/parked/{id}/redrive", Access::Act, |call| {
        Box::pin(admin::redrive_parked(call))
    })
    .with_description(operations::describe_redrive),
    admin_route(POST, "/admin/parked/{id}/drop", Access::Act, |call| {
        Box::pin(admin::discard_parked(call))
    })
    .with_description(operations::describe_discard),
    admin_route(POST, "/admin/views/{view}/rebuild", Access::Act, |call| {
        Box::pin(admin::rebuild_view(call))
    })
    .with_description(operations::describe_rebuild),
    admin_route(READ, "/admin/audit", Access::Read, |call| Box::pin(audit::list_audit(call)))
        .with_query(&["after", "limit"])
        .with_description(identities::describe_audit),
    admin_route(READ, "/admin/backups", Access::Read, |call| Box::pin(backups::list_backups(call)))
        .with_description(backup_pages::describe_backups),
    admin_route(POST, "/admin/backups/make", Access::Act, |call| {
        Box::pin(backups::make_backup(call))
    })
    .with_description(backup_pages::describe_making),
    admin_route(POST, "/admin/backups/send", Access::Copy, |call| {
        Box::pin(backups::send_backup(call))
    })
    .with_query(&["base", "since"])
    .with_description(backup_pages::describe_sending),
    admin_route(READ, "/admin/keys", Access::Keys, |call| Box::pin(keys::list_keys(call)))
        .with_description(identities::describe_keys),
    admin_route(POST, "/admin/keys", Access::Keys, |call| Box::pin(keys::add_key(call)))
        .with_description(identities::describe_new_key),
    admin_route(DELETE, "/admin/keys/{id}", Access::Keys, |call| Box::pin(keys::revoke_key(call)))
        .with_description(identities::describe_revocation),
    admin_route(POST, "/admin/clock", Access::Development, |call| {
        Box::pin(admin::advance_clock(call))
    })
    .with_description(operations::advance_clock),
];

/// The routes at `path`, one for each handler, and the values of their parameters.
pub fn find_route(path: &str) -> Option<(Matched<'_>, impl Iterator<Item = &'static Route>)> {
    let (template, params) =
        ROUTES.iter().find_map(|route| Some((route.path, route.match_path(path)?)))?;
    let routes = ROUTES.iter().filter(move |route| route.path == template);
    Some((Matched { path: template, params }, routes))
}

/// Who may know that there is nothing at `path`: the audience of its neighbours, which begin with the same segment.
pub fn audience_of_unknown(path: &str) -> Audience {
    let first = |path: &str| path.split_inclusive('/').nth(1).map(str::to_owned);
    let neighbour = ROUTES.iter().find(|route| first(route.path) == first(path));
    neighbour.map_or(Audience::Public, |route| route.audience)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<(&'static str, Vec<(&'static str, &str)>)> {
        find_route(path).map(|(matched, _)| (matched.path, matched.params))
    }

    #[test]
    fn a_template_matches_segment_by_segment() {
        assert_eq!(found("/"), Some(("/", vec![])));
        let stop = "/admin/contexts/{context}/stop";
        let params = vec![("context", "bookrent.rent")];
        assert_eq!(found("/admin/contexts/bookrent.rent/stop"), Some((stop, params)));
        let saga = "/admin/sagas/{system}/{number}";
        let params = vec![("system", "bookrent"), ("number", "7")];
        assert_eq!(found("/admin/sagas/bookrent/7"), Some((saga, params)));
        assert_eq!(
            found("/schemas/a.v1.json"),
            Some(("/schemas/{type}.json", vec![("type", "a.v1")]))
        );
        assert_eq!(found("/docs/"), Some(("/docs/{file:.*}", vec![("file", "")])));
        assert_eq!(found("/docs/a/b.js"), Some(("/docs/{file:.*}", vec![("file", "a/b.js")])));
        for nothing in ["", "/nothing", "/admin", "/admin/", "/events/", "/livez/", "/schemas/a"] {
            assert_eq!(found(nothing), None, "{nothing}");
        }
        assert_eq!(found("/admin/contexts//stop"), None);
    }

    #[test]
    fn a_path_has_one_audience_and_each_method_once() {
        for route in ROUTES {
            let here = || ROUTES.iter().filter(|other| other.path == route.path);
            assert!(here().all(|other| other.audience == route.audience), "{}", route.path);
            let mut methods: Vec<_> = here().flat_map(|other| other.methods).collect();
            let count = methods.len();
            methods.sort_unstable();
            methods.dedup();
            assert_eq!(methods.len(), count, "{}", route.path);
        }
    }

    #[test]
    fn what_is_not_there_is_hidden_like_its_neighbours() {
        assert_eq!(audience_of_unknown("/admin/nothing"), Audience::Administration(Access::Read));
        assert_eq!(audience_of_unknown("/internal/nothing"), Audience::Node);
        assert_eq!(audience_of_unknown("/nothing"), Audience::Public);
    }
}
