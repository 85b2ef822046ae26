//! The page for what is not there, not for this visitor, or does not work now.

use super::{
    answer::PageAnswer,
    context::{PageContext, PageError},
    layout::Layout,
};
use askama::Template;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    layout: Layout,
    heading: String,
    detail: String,
    /// What is offered instead: text and path.
    ways: Vec<(String, String)>,
}

/// Shows why there is no page.
pub fn show(page: &PageContext<'_>, error: &PageError) -> PageAnswer {
    let t = page.language();
    let home = (t.back_home().to_owned(), "/pages/".to_owned());
    let mut ways = vec![home];
    let (status, heading, detail) = match error {
        PageError::NotFound => (404, t.not_found(), t.not_found_detail().to_owned()),
        PageError::Refused(refused) => match refused.status {
            404 => (404, t.not_found(), t.not_found_detail().to_owned()),
            401 => {
                let layout = Layout::of(page, "");
                ways.extend(layout.sign_in.map(|path| (t.sign_in().to_owned(), path)));
                (401, t.please_sign_in(), t.please_sign_in_detail().to_owned())
            }
            403 => (403, t.wrong_role(), refused.detail.clone()),
            status => {
                ways.push((t.try_again().to_owned(), page.request.here()));
                (status, t.went_wrong(), refused.detail.clone())
            }
        },
    };
    ways.reverse();
    let layout = Layout::of(page, heading);
    PageAnswer::html(status, &ProblemPage { layout, heading: heading.into(), detail, ways })
}
