//! The names of the cookies.

/// The names of the cookies: where clients speak TLS, browsers let no other host and no plain page set them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CookieNames {
    /// That of a session.
    pub session: &'static str,
    /// That of a login that is under way.
    pub login: &'static str,
    /// Whether they are sent by TLS alone.
    pub is_secure: bool,
}

impl CookieNames {
    /// Those of a server that clients reach by TLS.
    pub const SECURE: Self =
        Self { session: "__Host-holdfast", login: "__Host-holdfast-login", is_secure: true };
    /// Those of a server on loopback, without TLS.
    pub const PLAIN: Self =
        Self { session: "holdfast-session", login: "holdfast-login", is_secure: false };
}

/// The value of the cookie `name` in the header `Cookie`. One that is there twice has none: who knows who has set the other.
pub fn find_cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_name_where_it_is_there_once() {
        let found = |header| find_cookie(header, "holdfast-session");
        assert_eq!(found("holdfast-session=abc"), Some("abc"));
        assert_eq!(found("a=b; holdfast-session=abc ;c=d"), Some("abc"));
        assert_eq!(found("holdfast-session=a=b"), Some("a=b"));
        for none in [
            "",
            "holdfast-session",
            "xholdfast-session=a",
            "holdfast-session=a; holdfast-session=b",
        ] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
