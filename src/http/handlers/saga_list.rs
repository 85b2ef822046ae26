//! `GET /admin/sagas`: the sagas of this node and of the others, page by page. Node after node: this one first.

use crate::{
    api::Problem,
    domain::{Name, Timestamp},
    http::{
        call::{Call, Reply},
        handlers::{masked::customerless_response, query},
        nodes::{NodeRequest, OtherNode},
        state::AppState,
    },
    sagas::{RowPage, RowStart, SagaFilter, SagaLinks, SagaRow, SagaState, list_rows},
};
use actix_web::web;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use strum::IntoEnumIterator;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// So many rows of what is owed are looked at to tell that an order is owed nothing.
const OWED: usize = 1000;

/// The parameters of the list.
pub const PARAMETERS: &[&str] =
    &["context", "cursor", "customer", "from", "limit", "state", "system", "to"];

#[derive(Deserialize)]
struct GivenQuery {
    system: Option<String>,
    context: Option<String>,
    state: Option<String>,
    customer: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// Which page is wanted.
pub struct SagaListQuery {
    filter: SagaFilter,
    start: Option<RowStart>,
    limit: usize,
}

fn bad_query() -> Problem {
    Problem::new(
        "bad-request",
        "`limit` is a number from 1, and `cursor` is taken from `next`",
        "`limit`은 1 이상의 숫자, `cursor`는 `next`에서 가져온 값이어야 합니다",
    )
}

/// The problem of a parameter whose value is none of those that there are.
fn unknown_value(name: &str, known: &str) -> Problem {
    Problem::new(
        "bad-filter",
        format!("`{name}` is one of {known}"),
        format!("`{name}`은(는) 다음 중 하나여야 합니다: {known}"),
    )
}

/// The contexts of this node and of the others.
fn all_names(state: &AppState) -> impl Iterator<Item = Name> {
    let here = state.node.contexts().iter().map(|context| context.name());
    here.chain(state.settings.remote_contexts.iter().map(|context| context.name))
}

/// No customer has a longer name.
const LONGEST_CUSTOMER: usize = 100;

/// The filter whose members are these texts, or the problem that names the one that is wrong.
///
/// # Errors
/// The problem.
pub fn check_filter(state: &AppState, filter: &SagaFilter) -> Result<(), Problem> {
    if let Some(system) = &filter.system {
        let known: BTreeSet<&str> = all_names(state).map(|name| name.system).collect();
        if !known.contains(system.as_str()) {
            let known: Vec<_> = known.into_iter().collect();
            return Err(unknown_value("system", &known.join(", ")));
        }
    }
    if let Some(context) = &filter.context
        && !all_names(state).any(|name| name.context == context)
    {
        let known: Vec<_> = all_names(state).map(|name| name.context).collect();
        return Err(unknown_value("context", &known.join(", ")));
    }
    let is_long = |customer: &String| customer.chars().count() > LONGEST_CUSTOMER;
    if filter.customer.as_ref().is_some_and(is_long) {
        let en = format!("`customer` has at most {LONGEST_CUSTOMER} characters");
        let ko = format!("`customer`는 {LONGEST_CUSTOMER}자 이하여야 합니다");
        return Err(Problem::new("bad-filter", en, ko));
    }
    Ok(())
}

fn parse_time(name: &str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let parse = |text: String| {
        text.parse().map_err(|_| {
            let en = format!("`{name}` is a time such as 2026-08-01T09:00:00Z");
            let ko = format!("`{name}`은(는) 2026-08-01T09:00:00Z와 같은 시각이어야 합니다");
            Problem::new("bad-filter", en, ko)
        })
    };
    text.map(parse).transpose()
}

/// Reads the query of a request.
///
/// # Errors
/// The problem of what is wrong in it.
pub fn parse_query(state: &AppState, given: &str) -> Result<SagaListQuery, Problem> {
    let given = web::Query::<GivenQuery>::from_query(given).map_err(|_| bad_query())?;
    let GivenQuery { system, context, state: in_state, customer, from, to, cursor, limit } =
        given.into_inner();
    let known_state = |text: String| {
        text.parse().map_err(|_| {
            let known: Vec<_> = SagaState::iter().map(|state| state.as_ref().to_owned()).collect();
            unknown_value("state", &known.join(", "))
        })
    };
    let filter = SagaFilter {
        system,
        context,
        state: in_state.map(known_state).transpose()?,
        customer,
        from: parse_time("from", from)?,
        to: parse_time("to", to)?,
    };
    check_filter(state, &filter)?;
    let start = cursor.map(|cursor| RowStart::from_cursor(&cursor).ok_or_else(bad_query));
    let limit = query::parse_limit(limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT, bad_query)?;
    Ok(SagaListQuery { filter, start: start.transpose()?, limit })
}

impl SagaListQuery {
    /// The first page of all that `filter` wants.
    pub fn of_filter(filter: SagaFilter) -> Self {
        Self { filter, start: None, limit: MAX_LIMIT }
    }

    /// From now on, the page that begins at `cursor`.
    ///
    /// # Errors
    /// The problem of a text that is no cursor.
    pub fn go_on_from(&mut self, cursor: &str) -> Result<(), Problem> {
        self.start = Some(RowStart::from_cursor(cursor).ok_or_else(bad_query)?);
        Ok(())
    }

    /// Of what is owed to a filter's sagas, as much as is looked at to tell whether an order is owed anything.
    fn owed(filter: &SagaFilter) -> Self {
        let filter = SagaFilter {
            system: filter.system.clone(),
            customer: filter.customer.clone(),
            ..SagaFilter::default()
        };
        Self { filter, start: None, limit: OWED }
    }

    /// The members of the filter, as a query has them.
    fn filter_pairs(&self) -> Vec<(&'static str, String)> {
        let SagaFilter { system, context, state, customer, from, to } = self.filter.clone();
        let state = state.map(|state| state.as_ref().to_owned());
        let from = from.map(|from| from.to_string());
        let to = to.map(|to| to.to_string());
        let given = [
            ("system", system),
            ("context", context),
            ("state", state),
            ("customer", customer),
            ("from", from),
            ("to", to),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    fn node_request(&self, is_first: bool) -> NodeRequest {
        let mut request = NodeRequest::get("/internal/owed");
        request.query = self.filter_pairs();
        request.query.push(("limit", self.limit.to_string()));
        let start = self.start.as_ref().filter(|_| is_first);
        let cursor = start.map(|start| format!("{}~{}", start.context, start.after));
        request.query.extend(cursor.map(|cursor| ("cursor", cursor)));
        request
    }

    /// The path of the page that begins at `cursor`.
    fn next_path(&self, cursor: &str) -> String {
        let mut pairs = self.filter_pairs();
        pairs.push(("limit", self.limit.to_string()));
        pairs.push(("cursor", cursor.to_owned()));
        let path = "/admin/sagas";
        let Ok(mut url) = Url::parse(&format!("http://node{path}")) else { return path.into() };
        url.query_pairs_mut().extend_pairs(pairs);
        format!("{path}?{}", url.query().unwrap_or_default())
    }
}

/// One page of this node's, durable.
///
/// # Errors
/// The problem of a context that cannot answer.
pub async fn of_this_node(state: &AppState, wanted: &SagaListQuery) -> Result<RowPage, Problem> {
    let node = state.node.clone();
    let settings = state.settings.sagas;
    let filter = wanted.filter.clone();
    let start = wanted.start.clone();
    let limit = wanted.limit;
    let read = move || list_rows(node.as_ref(), &settings, &filter, start.as_ref(), limit);
    let mut page = state.list_reads.run(read).await??;
    state.node.wait_durable(state.node.accepted_commit()).await?;
    page.rows.iter_mut().for_each(|row| row.node.clone_from(&state.settings.node_name));
    Ok(page)
}

/// Rows of several nodes, and which of the others were asked.
pub struct GatheredRows {
    pub page: RowPage,
    /// The places of the nodes that were asked.
    pub asked: Vec<usize>,
}

/// One page of this node's and the others'.
///
/// # Errors
/// As [`of_this_node`].
pub async fn gather_rows(
    state: &AppState,
    wanted: &SagaListQuery,
) -> Result<GatheredRows, Problem> {
    let context = wanted.start.as_ref().map(|start| start.context.as_str());
    let elsewhere = context.filter(|context| state.find_context(context).is_none());
    let first = elsewhere.map(|context| state.nodes.host_of(context).ok_or_else(bad_query));
    let first = first.transpose()?;
    let request = |place: usize, _: &OtherNode| {
        let is_wanted = first.is_none_or(|first| first <= place);
        is_wanted.then(|| wanted.node_request(first == Some(place)))
    };
    let answers = state.nodes.ask_nodes::<RowPage>(request);
    let mut page = RowPage::default();
    let mut has_more = false;
    if first.is_none() {
        page = of_this_node(state, wanted).await?;
        has_more = page.next.is_some();
    }
    let answers = answers.await;
    let asked: Vec<usize> = answers.iter().map(|answer| answer.place).collect();
    for answer in answers {
        let node = state.nodes.all().get(answer.place);
        let Some(of) = node.and_then(|node| node.contexts.first()) else { continue };
        let Ok(report) = answer.answer else { continue };
        // A page that ends in the middle of a node goes on there.
        if has_more {
            continue;
        }
        has_more = report.content.next.is_some();
        page.next = report.content.next;
        for mut row in report.content.rows {
            row.node.clone_from(&report.node);
            row.id = row.id.map(|id| format!("{id}@{of}"));
            page.rows.push(row);
        }
    }
    if page.rows.len() > wanted.limit {
        page.rows.truncate(wanted.limit);
        page.next = page.rows.last().map(|row| row.cursor.clone());
    }
    Ok(GatheredRows { page, asked })
}

/// Takes out of `rows` those to whose saga something is owed by a context of any node.
async fn leave_out_owed(
    state: &AppState,
    wanted: &SagaListQuery,
    rows: &mut Vec<SagaRow>,
) -> Result<(), Problem> {
    let owed = gather_rows(state, &SagaListQuery::owed(&wanted.filter)).await?.page.rows;
    let owed: BTreeSet<_> = owed.into_iter().map(|row| (row.context, row.number)).collect();
    rows.retain(|row| !owed.contains(&(row.context.clone(), row.number)));
    Ok(())
}

/// Adds the links of a row.
fn link_row(state: &AppState, prefix: &str, row: &mut SagaRow) {
    let of = all_names(state).find(|name| name.context == row.context);
    let number = row.number;
    let item = of.map(|name| format!("{prefix}/{}/{}/{number}", name.system, name.collection));
    let saga = format!("{prefix}/admin/sagas/{}/{number}", row.context);
    row.links = SagaLinks { saga, item };
}

/// `GET /admin/sagas`
pub async fn list_sagas(call: Call<'_>) -> Reply {
    let state = call.state;
    let wanted = parse_query(state, call.request.query_string())?;
    let GatheredRows { mut page, asked } = gather_rows(state, &wanted).await?;
    if wanted.filter.state.is_some_and(SagaState::is_over) {
        leave_out_owed(state, &wanted, &mut page.rows).await?;
    }
    let prefix = state.path_prefix(call.request);
    page.rows.iter_mut().for_each(|row| link_row(state, &prefix, row));
    let mut shown = json!({ "sagas": page.rows });
    if let Some(fields) = shown.as_object_mut() {
        if !asked.is_empty() {
            fields.insert("nodes".into(), state.nodes.show_nodes(asked));
        }
        let next = page.next.map(|cursor| format!("{prefix}{}", wanted.next_path(&cursor)));
        fields.extend(next.map(|next| ("next".to_owned(), Value::from(next))));
    }
    Ok(customerless_response(&call, shown))
}
