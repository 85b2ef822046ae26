//! What is wrong with a URL, in the words of an error.

use reqwest::Url;

/// What keeps requests from being sent to `url`.
pub(super) fn wrong_target(url: &str) -> Option<&'static str> {
    let Ok(url) = url.parse::<Url>() else { return Some("is not a URL") };
    let is_http = matches!(url.scheme(), "http" | "https");
    (!is_http).then_some("begins with neither `http://` nor `https://`")
}

/// What keeps paths from being appended to `url`, and clients from using it.
pub(super) fn wrong_public_url(url: &str) -> Option<&'static str> {
    let Ok(url) = url.parse::<Url>() else { return Some("is not a URL") };
    if !matches!(url.scheme(), "http" | "https") {
        return Some("begins with neither `http://` nor `https://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("has a user or a password, which every client would see");
    }
    let is_closed = url.query().is_some() || url.fragment().is_some();
    is_closed.then_some("has a `?` or a `#`, which no path can follow")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_could_never_work_are_refused() {
        assert_eq!(wrong_target("http://book:8088"), None);
        assert_eq!(wrong_target("https://book:8443"), None);
        for (url, word) in [("ftp://book", "http://"), ("book:8088", "http://"), ("", "URL")] {
            assert!(wrong_target(url).is_some_and(|wrong| wrong.contains(word)), "{url}");
        }
        assert_eq!(wrong_public_url("https://rent.example/api/"), None);
        for (url, word) in [
            ("rent.example", "not a URL"),
            ("amqp://rent.example", "neither"),
            ("https://me@rent.example", "password"),
            ("https://rent.example/?a", "`?`"),
            ("https://rent.example/#a", "`#`"),
        ] {
            assert!(wrong_public_url(url).is_some_and(|wrong| wrong.contains(word)), "{url}");
        }
    }
}
