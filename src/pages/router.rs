//! Which path leads to which page. A page of more is one line here.

use super::{
    answer::{PageAnswer, PageBody},
    backend::Backend,
    console,
    context::{PageContext, PageError, PageResult},
    item, mine, order, problem, shop,
    site::Site,
    visitor::PageRequest,
    who,
};

/// Answers a request for a page.
pub async fn answer_page(site: &Site, request: &PageRequest, backend: &dyn Backend) -> PageAnswer {
    let page = PageContext { site, request, backend };
    match find_page(&page).await {
        Ok(answer) => answer,
        Err(error) => problem::show(&page, &error),
    }
}

async fn find_page(page: &PageContext<'_>) -> PageResult {
    let path = page.request.path.trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    match (page.request.is_post, segments.as_slice()) {
        (false, ["assets", name]) => asset(page.site, name),
        (false, [""]) => shop::home(page).await,
        (true, ["language"]) => who::choose_language(page),
        (false, ["who"]) => who::offer_choice(page),
        (true, ["who"]) => who::choose(page),
        (true, ["sign-out"]) => who::sign_out(page).await,
        (_, ["console", rest @ ..]) => console::answer(page, rest).await,
        (false, [system]) => shop::begin(page, system),
        (false, [system, "mine"]) => mine::my_page(page, system).await,
        (false, [system, "waiting"]) => mine::waiting(page, system).await,
        (false, [system, collection, "new"]) => order::offer(page, system, collection).await,
        (true, [system, collection, "new"]) => order::send(page, system, collection).await,
        (false, [system, collection, number, "receipt"]) => {
            item::receipt(page, system, collection, number).await
        }
        (false, [system, collection, number]) => item::show(page, system, collection, number).await,
        (true, [system, collection, number]) => item::act(page, system, collection, number).await,
        (false, [system, collection]) => shop::list(page, system, collection).await,
        _ => Err(PageError::NotFound),
    }
}

fn asset(site: &Site, name: &str) -> PageResult {
    let asset = site.assets.find(name).ok_or(PageError::NotFound)?;
    Ok(PageAnswer::of(PageBody::Asset(asset.clone())))
}
