//! Lists, page by page.

use crate::{
    actors::{Context, Fault, ListLimits, ListPage, ListQuery, Seen},
    api::{self, Problem, ShownItem, media_type, splice_fields},
    http::{call::Reply, handlers::query, response::restrict_caching, state::AppState},
    identity::{Owner, Principal, restricted_to, withheld_fields},
};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use std::{io::Write, sync::Arc};

/// A list that reads about so many rows is answered on the thread that serves the connection.
const INLINE_ROWS: usize = 500;
/// A larger `size` counts as this.
const MAX_SIZE: u64 = 100;

/// The query of a list.
struct PageRequest {
    list: ListQuery,
    /// Whether it names a page.
    has_page: bool,
    /// Whether it names a size.
    has_size: bool,
}

impl PageRequest {
    fn parse_query(query: &str, limits: ListLimits) -> Result<Self, Problem> {
        let list = ListQuery { limits, ..ListQuery::default() };
        let mut parsed = Self { list, has_page: false, has_size: false };
        for (name, value) in query::parse_pairs(query)? {
            match name.as_str() {
                "page" if !parsed.has_page => {
                    parsed.list.page = query::parse_number("page", &value, bad_page)?;
                    parsed.has_page = true;
                }
                "size" if !parsed.has_size => {
                    let size = query::parse_number("size", &value, bad_page)?;
                    parsed.list.size = size.min(MAX_SIZE);
                    if size == 0 {
                        return Err(bad_page());
                    }
                    parsed.has_size = true;
                }
                "page" | "size" => return Err(bad_page()),
                "after" if parsed.list.after.is_none() => parsed.list.after = Some(value),
                "after" => return Err(Fault::BadCursor.into()),
                "sort" if parsed.list.sort.is_none() => {
                    parsed.list.sort = Some(parse_sort(&value)?)
                }
                "sort" => return Err(bad_sort()),
                _ => parsed.list.filters.push((name, value)),
            }
        }
        if parsed.has_page && parsed.list.after.is_some() {
            return Err(Fault::BadCursor.into());
        }
        Ok(parsed)
    }
}

/// The field of `FIELD,asc|desc`, and whether it sorts downwards.
fn parse_sort(value: &str) -> Result<(String, bool), Problem> {
    let (field, direction) = value.split_once(',').unwrap_or((value, "asc"));
    let descending = direction.eq_ignore_ascii_case("desc");
    if !descending && !direction.eq_ignore_ascii_case("asc") {
        return Err(bad_sort());
    }
    Ok((field.to_owned(), descending))
}

fn bad_sort() -> Problem {
    Problem::new(
        "sort-unsupported",
        "`sort` is `FIELD`, `FIELD,asc` or `FIELD,desc`, given once",
        "`sort`는 `필드` 또는 `필드,asc|desc`이며 한 번만 지정할 수 있습니다",
    )
}

fn bad_page() -> Problem {
    Problem::new(
        "bad-page",
        "`page` is a number from 0 and `size` a number from 1, each given once",
        "`page`는 0 이상, `size`는 1 이상의 숫자여야 하며 한 번씩만 지정할 수 있습니다",
    )
}

/// Answers with the page that `request` asks for.
pub async fn answer_list(
    request: &HttpRequest,
    state: &AppState,
    context: &Arc<dyn Context>,
    collection: &str,
    caller: Option<&Principal>,
) -> Reply {
    let readers = api::readers_of(context.as_ref());
    api::check_audience(readers, caller)?;
    let query = request.query_string();
    let mut wanted = PageRequest::parse_query(query, state.settings.list_limits)?;
    wanted.list.owner = restricted_to(readers, caller).map(Arc::from);
    let reads = context.reads();
    wanted.list.withheld = withheld_fields(reads, caller, Owner::Unknown);
    let mut page = match find_page(state, context, &wanted.list).await? {
        Ok(page) => page,
        Err(fault) => return Err(state.durable_problem(fault).await),
    };
    if !state.node.is_durable(page.commit) {
        state.node.wait_durable(page.commit).await?;
    }
    let show = |seen| ShownItem::for_caller(reads, caller, seen).seen;
    page.items = page.items.into_iter().map(show).collect();
    let base = state.base_url(request);
    let name = context.name();
    let size = page.items.iter().map(|seen| seen.body.len() + 256).sum::<usize>();
    let mut out = Vec::with_capacity(256 + size);
    let _ = write!(out, "{{\"_embedded\":{{\"{}\":[", name.collection);
    for (index, Seen { number, body, .. }) in page.items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        splice_fields(&mut out, body, *number, &base, collection, name.item);
    }
    let links = page_links(query, &wanted, &page, &format!("{base}{collection}"));
    let _ = write!(out, "]}},\"_links\":{links},\"page\":{}", page_info(&wanted, &page));
    if !page.damaged.is_empty() {
        let _ = write!(out, ",\"_damaged\":{}", json!(page.damaged));
    }
    out.push(b'}');
    let mut response = HttpResponse::Ok();
    restrict_caching(&mut response, reads, caller);
    Ok(response.content_type(media_type(request)).body(out))
}

/// Finds the page: on this thread if that reads few rows, otherwise on one that serves no connection.
async fn find_page(
    state: &AppState,
    context: &Arc<dyn Context>,
    query: &ListQuery,
) -> Result<Result<ListPage, Fault>, Problem> {
    let rows = query.limits.rows;
    let limits = ListLimits { rows: rows.min(INLINE_ROWS), ..query.limits };
    let found = context.list_items(&ListQuery { limits, ..query.clone() });
    let needs_more = matches!(
        found,
        Ok(ListPage { at_least: true, .. } | ListPage { cut: true, .. }) | Err(Fault::PageTooDeep)
    );
    if !needs_more || rows <= INLINE_ROWS {
        return Ok(found);
    }
    let context = context.clone();
    let query = query.clone();
    state.list_reads.run(move || context.list_items(&query)).await
}

fn page_info(wanted: &PageRequest, page: &ListPage) -> Value {
    let size = wanted.list.size;
    let pages = page.total.div_ceil(size);
    let mut info = json!({ "size": size, "totalElements": page.total, "totalPages": pages });
    if let Some(fields) = info.as_object_mut() {
        // A page after a cursor has no number.
        if wanted.list.after.is_none() {
            fields.insert("number".into(), wanted.list.page.into());
        }
        if page.at_least {
            fields.insert("atLeast".into(), true.into());
        }
    }
    info
}

fn page_links(query: &str, wanted: &PageRequest, page: &ListPage, collection: &str) -> Value {
    let ListQuery { page: number, size, after, .. } = &wanted.list;
    let mut links = Map::new();
    let mut link = |rel: &str, query: &str| {
        links.insert(rel.into(), json!({ "href": format!("{collection}{query}") }));
    };
    link("self", &if query.is_empty() { String::new() } else { format!("?{query}") });
    let next = page.next.as_ref().map(|cursor| format!("?after={cursor}&size={size}"));
    if after.is_some() {
        if let Some(next) = next {
            link("next", &next);
        }
        return Value::Object(links);
    }
    let pages = page.total.div_ceil(*size);
    if wanted.has_page || wanted.has_size || pages > 1 || next.is_some() {
        let shared = query.split('&').filter(|pair| is_shared(pair));
        let shared: String = shared.map(|pair| format!("&{pair}")).collect();
        let to = |number: u64| format!("?page={number}&size={size}{shared}");
        let last = pages.saturating_sub(1);
        let has_more = *number < last || page.at_least && page.next.is_some();
        link("first", &to(0));
        if *number > 0 {
            link("prev", &to((number - 1).min(last)));
        }
        match next {
            Some(next) if !wanted.has_page || page.cut => link("next", &next),
            _ if has_more => link("next", &to(number + 1)),
            _ => {}
        }
        // The number of pages may not be known.
        if !page.at_least {
            link("last", &to(last));
        }
    }
    Value::Object(links)
}

/// Whether a pair of the query belongs to every page.
fn is_shared(pair: &str) -> bool {
    let parsed = query::parse_pairs(pair).ok().and_then(|mut pairs| pairs.pop());
    parsed.is_some_and(|(name, _)| !["page", "size"].contains(&name.as_str()))
}
