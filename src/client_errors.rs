//! What the errors of HTTP clients say to people: what went wrong, and the cause below it. The address is left out,
//! because it may hold a secret.

use std::error::Error;

/// Why a request was not answered: `no connection: Connection refused (os error 111)`.
pub fn describe_error(error: &reqwest::Error) -> String {
    if let Some(status) = error.status() {
        return format!("the answer was {status}");
    }
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let what = if error.is_connect() { "no connection" } else { "the connection broke" };
    match find_first_cause(error) {
        Some(cause) => format!("{what}: {cause}"),
        None => what.into(),
    }
}

/// The cause that has no further one.
fn find_first_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let mut cause = error.source()?;
    while let Some(further) = cause.source() {
        cause = further;
    }
    Some(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_has_its_first_cause_and_not_the_address() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://user:secret@{}/path", free.local_addr().unwrap());
        drop(free);
        let error = reqwest::Client::new().get(url).send().await.unwrap_err();
        let text = describe_error(&error);
        assert!(text.starts_with("no connection: ") && text.contains("refused"), "{text}");
        assert!(!text.contains("secret") && !text.contains("path"), "{text}");
    }
}
