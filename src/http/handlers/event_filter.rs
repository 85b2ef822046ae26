//! Which events a reader asks for: the query of `/events`.

use crate::{actors::RecordedEvent, api::Problem, events::kind_of, http::handlers::query};
use std::collections::BTreeMap;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// The query of `/events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Where to begin, if the reader chooses: a cursor, or [`EventQuery::NOW`].
    pub from: Option<String>,
    /// How many events a page may have.
    pub limit: usize,
    /// Whether the events of a stream have their types as names.
    pub named: bool,
    /// The only system whose events are wanted.
    pub system: Option<String>,
    /// Which of the events are wanted.
    pub filter: EventFilter,
    /// The parameters that the next page has too.
    pub shared: String,
}

/// Which events of a log are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Types or names of events; none for all.
    types: Vec<String>,
    /// The number of the thing.
    subject: Option<u64>,
}

impl EventQuery {
    /// The parameters that it may have.
    pub const PARAMETERS: &'static [&'static str] =
        &["from", "limit", "type", "system", "subject", "named"];
    /// What happens from now on.
    pub const NOW: &'static str = "now";

    /// Reads the query; `types` are the types of the events that there are.
    ///
    /// # Errors
    /// A parameter that is malformed.
    pub fn parse_query<'a>(
        query: &str,
        types: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, Problem> {
        let mut given: BTreeMap<String, String> = query::parse_pairs(query)?.into_iter().collect();
        let shared = ["type", "system", "subject", "named"].into_iter().filter_map(|name| {
            let value = given.get(name)?;
            Some(format!("&{name}={}", percent_encoded(value)))
        });
        let shared = shared.collect();
        let limit = given.get("limit").map(String::as_str);
        let limit = query::parse_limit(limit, DEFAULT_LIMIT, MAX_LIMIT, bad_limit)?;
        let named = match given.get("named").map(String::as_str) {
            None | Some("false") => false,
            Some("true" | "") => true,
            Some(_) => return Err(bad_named()),
        };
        let subject = given.get("subject");
        let subject = subject.map(|subject| query::parse_thing("subject", subject, bad_subject));
        let wanted = given.get("type").map_or("", String::as_str).split(',').map(str::trim);
        let wanted: Vec<String> = wanted.filter(|kind| !kind.is_empty()).map(Into::into).collect();
        for kind in &wanted {
            if types.clone().next().is_some() && !types.clone().any(|known| is_of(known, kind)) {
                return Err(unknown_type(kind));
            }
        }
        Ok(Self {
            from: given.remove("from").filter(|from| !from.is_empty()),
            limit,
            named,
            system: given.remove("system"),
            filter: EventFilter { types: wanted, subject: subject.transpose()? },
            shared,
        })
    }

    /// Those of `logs`, each of the context that `context` gives, that are of the wanted system.
    ///
    /// # Errors
    /// There is no such system here.
    pub fn narrow_logs<L>(
        &self,
        logs: Vec<L>,
        context: impl Fn(&L) -> &'static str,
    ) -> Result<Vec<L>, Problem> {
        let Some(system) = &self.system else { return Ok(logs) };
        let of = |log: &L| context(log).split('.').next().unwrap_or_default();
        let mut known: Vec<&str> = logs.iter().map(of).collect();
        known.dedup();
        let found: Vec<L> = logs.into_iter().filter(|log| of(log) == system).collect();
        if found.is_empty() {
            return Err(unknown_system(&known.join(", ")));
        }
        Ok(found)
    }
}

impl EventFilter {
    /// Whether every event is wanted.
    pub fn is_open(&self) -> bool {
        self.types.is_empty() && self.subject.is_none()
    }

    /// Whether this event of `context` is wanted.
    pub fn accepts(&self, context: &str, event: &RecordedEvent) -> bool {
        if self.subject.is_some_and(|subject| subject != event.number) {
            return false;
        }
        let kind = || kind_of(context, &event.name, event.schema);
        self.types.is_empty() || self.types.iter().any(|wanted| is_of(&kind(), wanted))
    }
}

/// Whether `wanted` is the type `kind`, its name alone, or another version of it.
fn is_of(kind: &str, wanted: &str) -> bool {
    let unversioned = kind.rsplit_once(".v").map_or(kind, |(unversioned, _)| unversioned);
    let name = unversioned.rsplit('.').next();
    kind == wanted || unversioned == wanted || name == Some(wanted)
}

/// `value` for a query.
fn percent_encoded(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte);
    let encode = |byte: u8| {
        if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    value.bytes().map(encode).collect()
}

fn bad_filter(en: impl Into<String>, ko: impl Into<String>) -> Problem {
    Problem::new("bad-request", en.into(), ko.into())
}

fn bad_limit() -> Problem {
    bad_filter(
        format!("`limit` must be a number from 1 to {MAX_LIMIT}"),
        format!("`limit`은 1부터 {MAX_LIMIT}까지의 숫자여야 합니다"),
    )
}

fn bad_named() -> Problem {
    bad_filter("`named` must be true or false", "`named`는 true 또는 false여야 합니다")
}

fn bad_subject() -> Problem {
    bad_filter("`subject` must be a number", "`subject`는 숫자여야 합니다")
}

fn unknown_type(kind: &str) -> Problem {
    bad_filter(
        format!("no event has the type `{kind}`; types are listed in `/asyncapi.json`"),
        format!("`{kind}` 유형의 이벤트는 없습니다. 유형 목록은 `/asyncapi.json`에 있습니다"),
    )
}

fn unknown_system(known: &str) -> Problem {
    bad_filter(
        format!("no such system here; systems are: {known}"),
        format!("이 서버에 없는 시스템입니다. 사용할 수 있는 시스템: {known}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [&str; 2] =
        ["io.holdfast.bookrent.rent.BookRented.v1", "io.holdfast.bookrent.book.Registered.v2"];

    fn parse(query: &str) -> Result<EventQuery, Problem> {
        EventQuery::parse_query(query, TYPES.into_iter())
    }

    #[test]
    fn an_event_is_named_by_its_type_with_or_without_version_or_by_its_name() {
        let kind = TYPES[0];
        for wanted in [kind, "io.holdfast.bookrent.rent.BookRented", "BookRented"] {
            assert!(is_of(kind, wanted), "{wanted}");
        }
        for other in ["Rented", "BookRented.v1", "io.holdfast.bookrent.rent.BookRented.v2", ""] {
            assert!(!is_of(kind, other), "{other}");
        }
    }

    #[test]
    fn a_parameter_is_well_formed() {
        let query = parse("limit=5&type=BookRented,Registered&subject=7&named=true").unwrap();
        assert_eq!((query.limit, query.named), (5, true));
        assert_eq!(query.shared, "&type=BookRented,Registered&subject=7&named=true");
        assert!(!query.filter.is_open() && parse("").unwrap().filter.is_open());
        for wrong in [
            "limit=x",
            "limit=0",
            "subject=x",
            "subject=07",
            "subject=%2B7",
            "subject=18446744073709551616",
            "named=1",
            "type=Rented",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_put_into_a_link_is_encoded() {
        assert_eq!(percent_encoded("a&b=가>"), "a%26b%3D%EA%B0%80%3E");
    }
}
