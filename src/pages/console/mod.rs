//! The operator's pages: contexts, nodes, sagas, what is parked, what leaves the server, and in development faults and the
//! clock. They ask the administration as an HTTP client does.

mod contexts;
mod lab;
mod outside;
mod parked;
mod reading;
mod sagas;
mod screen;
mod texts;
mod timeline;

use super::context::{PageContext, PageError, PageResult};

/// Answers for the pages below `/pages/console`.
pub async fn answer(page: &PageContext<'_>, rest: &[&str]) -> PageResult {
    match (page.request.is_post, rest) {
        (false, [] | ["contexts"]) => contexts::list(page).await,
        (true, ["contexts", context, action]) => contexts::act(page, context, action).await,
        (false, ["nodes"]) => contexts::list_nodes(page).await,
        (false, ["sagas"]) => sagas::list(page).await,
        (false, ["sagas", context, number]) => timeline::show(page, context, number).await,
        (false, ["parked"]) => parked::list(page).await,
        (true, ["parked", "one"]) => parked::settle_one(page).await,
        (true, ["parked", "all"]) => parked::settle_all(page).await,
        (false, ["jobs"]) => parked::list_jobs(page).await,
        (false, ["jobs", id]) => parked::show_job(page, id).await,
        (true, ["jobs", id, "cancel"]) => parked::cancel_job(page, id).await,
        (false, ["outside"]) => outside::show(page).await,
        (false, ["lab"]) => lab::show(page).await,
        (true, ["lab", what]) => lab::act(page, what).await,
        _ => Err(PageError::NotFound),
    }
}
