//! What is wrong with a URL, in the words of an error.

use reqwest::Url;

/// What keeps requests from being sent to `url`.
pub(super) fn wrong_target(url: &str) -> Option<&'static str> {
    let Ok(url) = url.parse::<Url>() else { return Some("is not a URL") };
    let is_http = matches!(url.scheme(), "http" | "https");
    (!is_http).then_some("begins with neither `http://` nor `https://`")
}

/// What keeps this node from asking another one at `url`.
pub(super) fn wrong_peer(url: &str) -> Option<&'static str> {
    wrong_target(url).or_else(|| {
        let url = url.parse::<Url>().ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return Some("has a user or a password, and nodes authenticate by `node.credential`");
        }
        let is_root = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        (!is_root)
            .then_some("has more than a host and a port, and a node is asked by its own paths")
    })
}

/// Whether a browser names a page's origin like this: without a path, and without the port that the scheme implies.
pub(super) fn is_origin(text: &str) -> bool {
    let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.is_some_and(|url| url.origin().ascii_serialization() == text)
}

/// Whether clients name a host like this, without a port: in ASCII, an address of version 6 in brackets.
pub(super) fn is_host(text: &str) -> bool {
    let url = format!("http://{text}/").parse::<Url>();
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
    let is_same = |url: Url| url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(text));
    is_plain && !text.ends_with('.') && url.is_ok_and(is_same)
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
        assert_eq!(wrong_peer("http://book:8088"), None);
        assert_eq!(wrong_peer("https://book:8443"), None);
        assert_eq!(wrong_peer("http://[::1]:8088/"), None);
        for (url, word) in [
            ("http://book:8088/holdfast", "port"),
            ("http://book:8088/?a", "port"),
            ("http://book:8088/#a", "port"),
            ("http://me@book:8088", "password"),
        ] {
            assert!(wrong_peer(url).is_some_and(|wrong| wrong.contains(word)), "{url}");
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

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for origin in ["https://shop.example", "http://localhost:3000", "http://[::1]:3000"] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in [
            "shop.example",
            "null",
            "",
            "https://shop.example/",
            "https://shop.example/a",
            "https://shop.example:443",
            "https://SHOP.example",
            "https://me@shop.example",
            "ftp://shop.example",
        ] {
            assert!(!is_origin(other), "{other}");
        }
    }

    #[test]
    fn a_host_is_written_as_clients_write_it() {
        for host in [
            "rent.example",
            "Rent.Example",
            "localhost",
            "10.0.0.7",
            "[::1]",
            "xn--vk1bw27a.example",
        ] {
            assert!(is_host(host), "{host}");
        }
        for other in [
            "",
            "*",
            "*.rent.example",
            "https://rent.example",
            "rent.example:80",
            "rent.example:8443",
            "rent.example/",
            "rent.example.",
            "me@rent.example",
            "::1",
            "대여.example",
            "a b",
        ] {
            assert!(!is_host(other), "{other}");
        }
    }
}
