//! Collections page by page.

use crate::{
    actors::{Context, Fault, ListLimits, ListPage, ListQuery, Seen},
    api::{Problem, media, splice},
    http::{
        AppState,
        handlers::collections::{base, told},
    },
};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde_json::{Map, Value, json};
use std::{io::Write, sync::Arc};

/// A list that takes about so many rows is found at once, on the thread that serves the connection.
const AT_ONCE: usize = 500;

/// What the query of a list says.
struct Asked {
    list: ListQuery,
    /// It names its page by counting.
    counted: bool,
    /// It says how many there are to be on a page.
    sized: bool,
}

type Pairs = web::Query<Vec<(String, String)>>;

impl Asked {
    fn of(raw: &str, limits: ListLimits) -> Result<Self, Problem> {
        let pairs = Pairs::from_query(raw).map_err(|_| {
            Problem::new("bad-request", "the query cannot be read", "쿼리를 읽을 수 없습니다")
        })?;
        let mut asked = Self {
            list: ListQuery { limits, ..ListQuery::default() },
            counted: false,
            sized: false,
        };
        let mut sorted = false;
        let bad = || {
            Problem::new(
                "bad-page",
                "`page` is a number from 0 and `size` one from 1, each given once",
                "`page`는 0 이상, `size`는 1 이상의 숫자여야 하며 한 번씩만 지정할 수 있습니다",
            )
        };
        for (name, value) in pairs.into_inner() {
            match name.as_str() {
                "page" => {
                    asked.list.page =
                        value.parse().ok().filter(|_| !asked.counted).ok_or_else(bad)?;
                    asked.counted = true;
                }
                "size" => {
                    let size = value
                        .parse::<u64>()
                        .ok()
                        .filter(|size| *size > 0 && !asked.sized)
                        .ok_or_else(bad)?;
                    (asked.list.size, asked.sized) = (size.min(100), true);
                }
                "after" if asked.list.after.is_none() => asked.list.after = Some(value),
                "after" => return Err(Fault::BadCursor.into()),
                "sort" => {
                    let (field, direction) = value.split_once(',').unwrap_or((&value, "asc"));
                    let down = direction.eq_ignore_ascii_case("desc");
                    if std::mem::replace(&mut sorted, true)
                        || !(down || direction.eq_ignore_ascii_case("asc"))
                    {
                        return Err(Problem::new(
                            "sort-unsupported",
                            "`sort` is a field, or a field and `asc` or `desc` behind a comma, given once",
                            "`sort`는 `필드` 또는 `필드,asc|desc`이며 한 번만 지정할 수 있습니다",
                        ));
                    }
                    asked.list.sort = Some((field.to_owned(), down));
                }
                _ => asked.list.filters.push((name, value)),
            }
        }
        if asked.counted && asked.list.after.is_some() {
            return Err(Fault::BadCursor.into());
        }
        Ok(asked)
    }
}

/// The page of a list that `request` asks for.
pub async fn answer(
    request: &HttpRequest,
    front: &AppState,
    context: &Arc<dyn Context>,
    collection: &str,
) -> Result<HttpResponse, Problem> {
    let raw = request.query_string();
    let asked = Asked::of(raw, front.settings.list_limits)?;
    let page = match find(front, context, &asked.list).await? {
        Ok(page) => page,
        Err(fault) => return Err(told(front, fault).await),
    };
    if !front.node.is_durable(page.commit) {
        front.node.durable(page.commit).await?;
    }
    let (base, name) = (base(request, front), context.name());
    let mut out = Vec::with_capacity(
        256 + page.items.iter().map(|seen| seen.body.len() + 256).sum::<usize>(),
    );
    let _ = write!(out, "{{\"_embedded\":{{\"{}\":[", name.collection);
    for (place, Seen { number, body, .. }) in page.items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        splice(&mut out, body, *number, &base, collection, name.item);
    }
    let links = links(raw, &asked, &page, &format!("{base}{collection}"));
    let _ = write!(out, "]}},\"_links\":{links},\"page\":{}", info(&asked, &page));
    if !page.damaged.is_empty() {
        let _ = write!(out, ",\"_damaged\":{}", json!(page.damaged));
    }
    out.push(b'}');
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .content_type(media(request))
        .body(out))
}

/// Finds the page: at once where that takes little, and otherwise where it holds nobody up.
async fn find(
    front: &AppState,
    context: &Arc<dyn Context>,
    query: &ListQuery,
) -> Result<Result<ListPage, Fault>, Problem> {
    let most = query.limits.rows;
    let limits = ListLimits { rows: most.min(AT_ONCE), ..query.limits };
    match context.list(&ListQuery { limits, ..query.clone() }) {
        Ok(ListPage { at_least: true, .. } | ListPage { cut: true, .. })
        | Err(Fault::PageTooDeep)
            if most > AT_ONCE =>
        {
            let (context, query) = (context.clone(), query.clone());
            front.scans.run(move || context.list(&query)).await
        }
        found => Ok(found),
    }
}

fn info(asked: &Asked, page: &ListPage) -> Value {
    let size = asked.list.size;
    let mut info = json!({ "size": size, "totalElements": page.total, "totalPages": page.total.div_ceil(size) });
    if let Some(fields) = info.as_object_mut() {
        // Whoever goes on from a cursor is on no page that has a number.
        if asked.list.after.is_none() {
            fields.insert("number".into(), asked.list.page.into());
        }
        if page.at_least {
            fields.insert("atLeast".into(), true.into());
        }
    }
    info
}

fn links(raw: &str, asked: &Asked, page: &ListPage, collection: &str) -> Value {
    let ListQuery { page: number, size, after, .. } = &asked.list;
    let mut links = Map::new();
    let mut link = |rel: &str, query: &str| {
        links.insert(rel.into(), json!({ "href": format!("{collection}{query}") }));
    };
    link("self", &if raw.is_empty() { String::new() } else { format!("?{raw}") });
    let on = page.next.as_ref().map(|cursor| format!("?after={cursor}&size={size}"));
    if after.is_some() {
        if let Some(on) = on {
            link("next", &on);
        }
        return Value::Object(links);
    }
    let pages = page.total.div_ceil(*size);
    if asked.counted || asked.sized || pages > 1 || on.is_some() {
        let kept: String =
            raw.split('&').filter(|pair| is_kept(pair)).map(|pair| format!("&{pair}")).collect();
        let to = |number: u64| format!("?page={number}&size={size}{kept}");
        let last = pages.saturating_sub(1);
        let more = *number < last || page.at_least && page.next.is_some();
        link("first", &to(0));
        if *number > 0 {
            link("prev", &to((number - 1).min(last)));
        }
        match on {
            Some(on) if !asked.counted || page.cut => link("next", &on),
            _ if more => link("next", &to(number + 1)),
            _ => {}
        }
        // How many pages there are may not be known.
        if !page.at_least {
            link("last", &to(last));
        }
    }
    Value::Object(links)
}

/// Whether a pair of the query is the same for all pages.
fn is_kept(pair: &str) -> bool {
    let name = Pairs::from_query(pair)
        .ok()
        .and_then(|pairs| pairs.into_inner().pop())
        .map(|(name, _)| name);
    name.is_some_and(|name| !["page", "size"].contains(&name.as_str()))
}
