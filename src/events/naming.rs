//! How an installation names its events and their schemas.

/// How an installation names its events and their schemas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventNames {
    /// What precedes the context in the source of an event.
    source: String,
    /// What precedes `/schemas` in the address of a schema.
    public_url: Option<String>,
}

impl EventNames {
    /// The names of an installation whose events have sources that begin with `source`, and whose schemas are at
    /// `public_url`.
    pub fn new(source: &str, public_url: Option<&str>) -> Self {
        let source = source.trim_end_matches('/').to_owned();
        Self { source, public_url: public_url.map(str::to_owned) }
    }

    /// The source of the events of a context: `/bookrent/rent`.
    pub fn source_of(&self, context: &str) -> String {
        format!("{}/{}", self.source, context.replace('.', "/"))
    }

    /// The context of a source.
    pub fn context_of(&self, source: &str) -> Option<String> {
        let context = source.strip_prefix(&self.source)?.strip_prefix('/')?;
        Some(context.replace('/', "."))
    }

    /// The address of the schema of a type, if it is known from outside.
    pub fn data_schema(&self, kind: &str) -> Option<String> {
        self.public_url.as_ref().map(|url| format!("{url}/schemas/{kind}.json"))
    }

    /// The identifier of the schema of a type: its address, or its path on the server that has it.
    pub fn schema_id(&self, kind: &str) -> String {
        self.data_schema(kind).unwrap_or_else(|| format!("/schemas/{kind}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_schemas_are_those_of_the_installation() {
        let plain = EventNames::default();
        assert_eq!(plain.source_of("bookrent.rent"), "/bookrent/rent");
        assert_eq!(plain.data_schema("T"), None);
        assert_eq!(plain.schema_id("T"), "/schemas/T.json");
        let named = EventNames::new("//rent.example/seoul/", Some("https://rent.example/api"));
        assert_eq!(named.source_of("bookrent.rent"), "//rent.example/seoul/bookrent/rent");
        assert_eq!(
            named.context_of("//rent.example/seoul/bookrent/rent").unwrap(),
            "bookrent.rent"
        );
        assert_eq!(named.context_of("/bookrent/rent"), None);
        assert_eq!(named.data_schema("T").unwrap(), "https://rent.example/api/schemas/T.json");
        assert_eq!(named.schema_id("T"), named.data_schema("T").unwrap());
    }
}
