//! What breaks a client between two OpenAPI documents: what it may call is gone, what it sends is no longer taken, or what
//! it reads is no longer there. Names of components, prose and examples break no client.

use serde_json::Value;
use std::collections::{BTreeSet, HashSet};

/// Who sends a value decides which changes of its schema break a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sender {
    Client,
    Server,
}

/// Compares two documents, and collects what breaks.
struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    found: Vec<String>,
    /// Pairs of references that have been compared: schemas may refer to themselves.
    compared: HashSet<(&'a str, &'a str, Sender)>,
}

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// What of `old` a client can no longer rest on in `new`, each with its place.
pub fn breaking_changes(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison { old, new, found: Vec::new(), compared: HashSet::new() };
    comparison.paths();
    comparison.found
}

/// Whether an operation may be called without credentials.
fn needs_no_credentials(operation: &Value) -> bool {
    let is_empty = |ways: &Value| ways == &serde_json::json!({});
    let ways = operation["security"].as_array();
    ways.is_none_or(|ways| ways.is_empty() || ways.iter().any(is_empty))
}

/// Follows references within `document`.
fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    while let Some(reference) = value["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        value = target.unwrap_or_else(|| panic!("{reference} leads nowhere"));
    }
    value
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn branches<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let all = items(&schema["oneOf"]).chain(items(&schema["anyOf"]));
    all.map(|branch| resolve(document, branch)).collect()
}

/// The types that a value may have; `None` for any.
fn types(document: &Value, schema: &Value) -> Option<BTreeSet<String>> {
    let named = |value: &Value| value.as_str().map(str::to_owned);
    match &schema["type"] {
        Value::String(one) => return Some(BTreeSet::from([one.clone()])),
        Value::Array(several) => return Some(several.iter().filter_map(named).collect()),
        _ => {}
    }
    let branches = branches(document, schema);
    let all = branches.iter().map(|branch| types(document, branch));
    let union = all.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    (!branches.is_empty()).then_some(union)
}

/// The values that are listed, as JSON; `None` where the list is open.
fn listed(document: &Value, schema: &Value) -> Option<BTreeSet<String>> {
    if let Some(one) = schema.get("const") {
        return Some(BTreeSet::from([one.to_string()]));
    }
    if let Some(several) = schema["enum"].as_array() {
        return Some(several.iter().map(Value::to_string).collect());
    }
    if schema["type"] == "null" {
        return Some(BTreeSet::from(["null".to_owned()]));
    }
    let branches = branches(document, schema);
    let all = branches.iter().map(|branch| listed(document, branch));
    let union = all.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    (!branches.is_empty()).then_some(union)
}

/// The names in a pattern: `^(id|status)$` has two.
fn names_in(pattern: &str) -> BTreeSet<&str> {
    pattern
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|name| !name.is_empty())
        .collect()
}

impl<'a> Comparison<'a> {
    fn breaks(&mut self, at: &str, what: impl std::fmt::Display) {
        self.found.push(format!("{at}: {what}"));
    }

    fn paths(&mut self) {
        for (path, old) in entries(&self.old["paths"]) {
            let Some(new) = self.new["paths"].get(path) else {
                self.breaks(path, "the path is gone");
                continue;
            };
            for method in METHODS.into_iter().filter(|method| old.get(*method).is_some()) {
                let at = format!("{} {path}", method.to_uppercase());
                match new.get(method) {
                    Some(now) => self.operation(&at, (old, &old[method]), (new, now)),
                    None => self.breaks(&at, "the method is gone"),
                }
            }
        }
    }

    /// Compares two operations, each with the path that it belongs to.
    fn operation(&mut self, at: &str, old: (&'a Value, &'a Value), new: (&'a Value, &'a Value)) {
        self.parameters(at, old, new);
        self.request(at, &old.1["requestBody"], &new.1["requestBody"]);
        for (status, response) in entries(&old.1["responses"]) {
            let at = format!("{at} → {status}");
            match new.1["responses"].get(status) {
                Some(now) => self.response(&at, response, now),
                None => self.breaks(&at, "the status is gone"),
            }
        }
        if needs_no_credentials(old.1) && !needs_no_credentials(new.1) {
            self.breaks(at, "credentials are required now");
        }
    }

    fn parameters(&mut self, at: &str, old: (&'a Value, &'a Value), new: (&'a Value, &'a Value)) {
        let all = |document: &'a Value, (path, operation): (&'a Value, &'a Value)| -> Vec<_> {
            let all = items(&path["parameters"]).chain(items(&operation["parameters"]));
            all.map(|parameter| resolve(document, parameter)).collect()
        };
        let old = all(self.old, old);
        let new = all(self.new, new);
        let same =
            |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        for parameter in &old {
            let at = format!("{at} parameter {}", parameter["name"]);
            match new.iter().find(|now| same(now, parameter)) {
                Some(now) => {
                    if now["required"] == true && parameter["required"] != true {
                        self.breaks(&at, "it is required now");
                    }
                    self.schema(&at, Sender::Client, &parameter["schema"], &now["schema"]);
                }
                None => self.breaks(&at, "it is gone"),
            }
        }
        for parameter in new.iter().filter(|parameter| parameter["required"] == true) {
            if !old.iter().any(|then| same(then, parameter)) {
                self.breaks(
                    &format!("{at} parameter {}", parameter["name"]),
                    "it is new and required",
                );
            }
        }
    }

    fn request(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        let at = format!("{at} request");
        let old = resolve(self.old, old);
        let new = resolve(self.new, new);
        if new["required"] == true && old["required"] != true {
            self.breaks(&at, "a body is required now");
        }
        if !old.is_null() && new.is_null() {
            self.breaks(&at, "no body is taken now");
            return;
        }
        self.content(&at, Sender::Client, &old["content"], &new["content"]);
    }

    fn response(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        let old = resolve(self.old, old);
        let new = resolve(self.new, new);
        for (name, header) in entries(&old["headers"]) {
            let at = format!("{at} header {name}");
            match new["headers"].get(name) {
                Some(now) => {
                    let header = resolve(self.old, header);
                    let now = resolve(self.new, now);
                    self.schema(&at, Sender::Server, &header["schema"], &now["schema"]);
                }
                None => self.breaks(&at, "it is gone"),
            }
        }
        self.content(at, Sender::Server, &old["content"], &new["content"]);
    }

    fn content(&mut self, at: &str, sender: Sender, old: &'a Value, new: &'a Value) {
        for (media_type, content) in entries(old) {
            let at = format!("{at} {media_type}");
            match new.get(media_type) {
                Some(now) => self.schema(&at, sender, &content["schema"], &now["schema"]),
                None => self.breaks(&at, "the media type is gone"),
            }
        }
    }

    fn schema(&mut self, at: &str, sender: Sender, old: &'a Value, new: &'a Value) {
        if let (Some(old), Some(new)) = (old["$ref"].as_str(), new["$ref"].as_str())
            && !self.compared.insert((old, new, sender))
        {
            return;
        }
        let old = resolve(self.old, old);
        let new = resolve(self.new, new);
        self.types(at, sender, old, new);
        self.values(at, sender, old, new);
        self.bounds(at, sender, old, new);
        self.fields(at, sender, old, new);
        if !old["items"].is_null() {
            self.schema(&format!("{at}[]"), sender, &old["items"], &new["items"]);
        }
        for (place, part) in items(&old["allOf"]).enumerate() {
            self.schema(&format!("{at} part {place}"), sender, part, &new["allOf"][place]);
        }
        self.branches(at, sender, old, new);
    }

    fn types(&mut self, at: &str, sender: Sender, old: &Value, new: &Value) {
        let old = types(self.old, old);
        let new = types(self.new, new);
        let (taken, given) = match sender {
            Sender::Client => (&new, &old),
            Sender::Server => (&old, &new),
        };
        // What is given must be among what is taken; whole numbers are numbers.
        let fits = |name: &String| {
            taken.as_ref().is_none_or(|taken| {
                taken.contains(name) || name == "integer" && taken.contains("number")
            })
        };
        let all_fit = match given {
            Some(given) => given.iter().all(fits),
            None => taken.is_none(),
        };
        if !all_fit {
            let shown = |types: &Option<BTreeSet<String>>| match types {
                Some(types) => format!("{types:?}"),
                None => "any type".into(),
            };
            self.breaks(at, format!("{} was {}", shown(&new), shown(&old)));
        }
    }

    /// A new value in a list of what the server sends is an addition: clients pass over what they do not know.
    fn values(&mut self, at: &str, sender: Sender, old: &Value, new: &Value) {
        match (listed(self.old, old), listed(self.new, new)) {
            (Some(old), Some(new)) => {
                for gone in old.difference(&new) {
                    self.breaks(at, format!("{gone} is gone"));
                }
            }
            (Some(_), None) if sender == Sender::Server => {
                self.breaks(at, "any value may come now")
            }
            (None, Some(_)) if sender == Sender::Client => {
                self.breaks(at, "only listed values are taken now");
            }
            _ => {}
        }
        let formats = (old["format"].as_str(), new["format"].as_str());
        match (sender, formats) {
            (Sender::Client, (was, Some(is))) if was != Some(is) => {
                self.breaks(at, format!("the format {is} is required now"));
            }
            (Sender::Server, (Some(was), is)) if is != Some(was) => {
                self.breaks(at, format!("the format {was} is gone"));
            }
            _ => {}
        }
    }

    /// A bound on what the server sends narrows it, which breaks no client; on what a client sends it may.
    fn bounds(&mut self, at: &str, sender: Sender, old: &Value, new: &Value) {
        if sender == Sender::Server {
            return;
        }
        for (bound, lower) in [
            ("minimum", true),
            ("exclusiveMinimum", true),
            ("minLength", true),
            ("minItems", true),
            ("minProperties", true),
            ("maximum", false),
            ("exclusiveMaximum", false),
            ("maxLength", false),
            ("maxItems", false),
            ("maxProperties", false),
        ] {
            let Some(is) = new[bound].as_f64() else { continue };
            let tighter =
                old[bound].as_f64().is_none_or(|was| if lower { is > was } else { is < was });
            if tighter {
                self.breaks(at, format!("{bound} is {}, was {}", new[bound], old[bound]));
            }
        }
        let Some(is) = new["pattern"].as_str() else { return };
        let grown =
            |was: &str| was == is || names_in(was).is_subset(&names_in(is)) && was.contains('|');
        if !old["pattern"].as_str().is_some_and(grown) {
            self.breaks(at, format!("the pattern is {is}, was {}", old["pattern"]));
        }
    }

    fn fields(&mut self, at: &str, sender: Sender, old: &'a Value, new: &'a Value) {
        for (name, field) in entries(&old["properties"]) {
            let at = format!("{at}.{name}");
            match new["properties"].get(name) {
                Some(now) => self.schema(&at, sender, field, now),
                None => self.breaks(&at, "the field is gone"),
            }
        }
        let required = |schema: &'a Value| items(&schema["required"]).filter_map(Value::as_str);
        let was: BTreeSet<_> = required(old).collect();
        let is: BTreeSet<_> = required(new).collect();
        match sender {
            Sender::Client => is
                .difference(&was)
                .for_each(|name| self.breaks(&format!("{at}.{name}"), "the field is required now")),
            Sender::Server => was.difference(&is).for_each(|name| {
                self.breaks(&format!("{at}.{name}"), "the field may be absent now")
            }),
        }
        if sender == Sender::Client
            && old["additionalProperties"] != false
            && new["additionalProperties"] == false
        {
            self.breaks(at, "further fields are refused now");
        }
        if old["additionalProperties"].is_object() {
            let at = format!("{at}.*");
            self.schema(&at, sender, &old["additionalProperties"], &new["additionalProperties"]);
        }
    }

    /// Each branch of a union has one that it fits in the new union, or in what is no union any more.
    fn branches(&mut self, at: &str, sender: Sender, old: &'a Value, new: &'a Value) {
        // Lists of values have been compared.
        if listed(self.old, old).is_some() && listed(self.new, new).is_some() {
            return;
        }
        let now = match branches(self.new, new) {
            now if now.is_empty() => vec![new],
            now => now,
        };
        for (place, branch) in branches(self.old, old).into_iter().enumerate() {
            let fits = now.iter().any(|now| {
                let old = self.old;
                let new = self.new;
                let mut alone =
                    Comparison { old, new, found: Vec::new(), compared: self.compared.clone() };
                alone.schema(at, sender, branch, now);
                alone.found.is_empty()
            });
            if !fits {
                self.breaks(at, format!("variant {place} is gone or has changed"));
            }
        }
    }
}
