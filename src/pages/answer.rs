//! What a page answers with.

use askama::Template;

/// A file that pages are made of.
#[derive(Debug, Clone)]
pub struct Asset {
    /// `text/css`
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What is in an answer.
#[derive(Debug, Clone)]
pub enum PageBody {
    /// A page.
    Html(String),
    /// Another page is to be shown: its path.
    Redirect(String),
    /// A file under a name that changes with it.
    Asset(Asset),
}

/// The answer to a request for a page.
#[derive(Debug, Clone)]
pub struct PageAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: PageBody,
    /// Cookies to set: name, value, seconds.
    pub cookies: Vec<(&'static str, String, u32)>,
    /// Cookies that the server has set, as they are.
    pub set_cookies: Vec<String>,
}

impl PageAnswer {
    /// A page. Only a template of our own that cannot be written is an error, and says so.
    pub fn html(status: u16, template: &impl Template) -> Self {
        let (status, text) = match template.render() {
            Ok(text) => (status, text),
            Err(error) => {
                tracing::error!(%error, "failed to write a page");
                (500, String::new())
            }
        };
        Self { status, body: PageBody::Html(text), cookies: Vec::new(), set_cookies: Vec::new() }
    }

    /// This, as it is.
    pub fn of(body: PageBody) -> Self {
        Self { status: 200, body, cookies: Vec::new(), set_cookies: Vec::new() }
    }

    /// Leads to another page.
    pub fn redirect(path: impl Into<String>) -> Self {
        Self {
            status: 303,
            body: PageBody::Redirect(path.into()),
            cookies: Vec::new(),
            set_cookies: Vec::new(),
        }
    }
}
