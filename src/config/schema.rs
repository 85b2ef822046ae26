//! The one schema of everything that can be configured: the sections of the server, the settings of every system, and what
//! is there once for each context. Files, variables and flags are read by it, and the documents list it.

use super::settings::Settings;
use crate::{
    domain::{Aggregate, Board, View},
    systems,
};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// What a setting takes.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingKind {
    /// A whole number within bounds.
    Integer {
        /// The least that is allowed.
        least: u64,
        /// The most that is allowed.
        most: u64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(Vec<String>),
    /// A text.
    Text {
        /// How many characters it may have.
        longest: Option<u64>,
    },
    /// A list.
    List(Box<SettingKind>),
    /// A list of tables with these settings, whose keys are their names.
    Tables(Vec<Setting>),
}

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its key: `http.listen`.
    pub key: String,
    /// What it takes.
    pub kind: SettingKind,
    /// What it takes, where the kind alone does not say it: `a time zone such as ...`.
    pub expected: Option<String>,
    /// The default, in words or as code.
    pub default: Option<String>,
    /// The default as a value, where there is one.
    pub default_value: Value,
    /// The unit of a number.
    pub unit: String,
    /// What it is for.
    pub meaning: String,
    /// Whether no output may show it.
    pub is_secret: bool,
    /// The key in the documents, where there is one for each context: `peers.SYSTEM.CONTEXT`.
    pub pattern: Option<String>,
}

/// All settings, in the order of the documents.
pub fn all_settings() -> &'static [Setting] {
    static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(gather_all);
    &SETTINGS
}

fn gather_all() -> Vec<Setting> {
    let schema = inlined_schema::<Settings>();
    let mut found = Vec::new();
    for (name, section) in schema_properties(&schema) {
        if name == "systems" {
            let enabled = schema_properties(section).find(|(name, _)| *name == "enabled");
            found.extend(enabled.map(|(_, schema)| read_setting("systems.enabled", schema)));
            for system in systems::NAMES {
                found.extend(of_system(system));
            }
        } else {
            gather_settings(name, section, &mut found);
        }
    }
    found
}

/// The settings of the contexts of `system`.
fn of_system(system: &'static str) -> Vec<Setting> {
    let mut found = SystemSettings { system, found: Vec::new() };
    systems::lay_out(system, &mut found);
    found.found
}

/// Adds what is under `key`: one setting, those of a section, or those of each context.
fn gather_settings(key: &str, schema: &Value, found: &mut Vec<Setting>) {
    if let Some(contexts) = schema.get("x-each-context").and_then(Value::as_str) {
        let each = schema.pointer("/additionalProperties/additionalProperties");
        for context in
            ContextList::collect_contexts().into_iter().filter(|one| one.is_among(contexts))
        {
            let mut settings = Vec::new();
            gather_settings(
                &format!("{key}.{}", context.name),
                each.unwrap_or(&Value::Null),
                &mut settings,
            );
            for setting in &mut settings {
                if contexts == "written" {
                    let (least, most) = context.versions;
                    setting.kind = SettingKind::Integer { least: least.into(), most: most.into() };
                }
                let rest = setting.key.split('.').skip(key.split('.').count() + 2);
                let rest = rest.map(|part| format!(".{part}")).collect::<String>();
                setting.pattern = Some(format!("{key}.SYSTEM.CONTEXT{rest}"));
                if rest.is_empty() {
                    setting.meaning = schema_text(schema, "description");
                    let expected = schema.get("x-expected").and_then(Value::as_str);
                    setting.expected = expected.map(str::to_owned);
                }
            }
            found.extend(settings);
        }
        return;
    }
    let mut inner = schema_properties(schema).peekable();
    if inner.peek().is_none() {
        return found.push(read_setting(key, schema));
    }
    for (name, schema) in inner {
        gather_settings(&format!("{key}.{name}"), schema, found);
    }
}

/// A context, as far as it has settings of its own.
struct ContextFacts {
    name: &'static str,
    is_view: bool,
    /// The versions that its events can be written in.
    versions: (u16, u16),
}

impl ContextFacts {
    fn is_among(&self, which: &str) -> bool {
        which == "any" || !self.is_view
    }
}

/// All contexts of all systems.
struct ContextList(Vec<ContextFacts>);

impl ContextList {
    fn collect_contexts() -> Vec<ContextFacts> {
        let mut list = Self(Vec::new());
        for system in systems::NAMES {
            systems::lay_out(system, &mut list);
        }
        list.0
    }
}

impl Board for ContextList {
    fn aggregate<A: Aggregate>(&mut self) {
        let name = A::NAME.context;
        let versions = (A::WRITTEN_VERSION, A::EVENT_VERSION);
        self.0.push(ContextFacts { name, is_view: false, versions });
    }
    fn view<V: View>(&mut self) {
        self.0.push(ContextFacts { name: V::NAME.context, is_view: true, versions: (0, 0) });
    }
}

fn read_setting(key: &str, schema: &Value) -> Setting {
    let value = present_schema(schema);
    let default_value = schema.get("default").cloned().unwrap_or_default();
    let default = schema.get("x-default").and_then(Value::as_str).map(str::to_owned);
    let unit = schema.get("x-unit").and_then(Value::as_str).unwrap_or_else(|| unit_of(key));
    let expected =
        [schema, value].into_iter().find_map(|schema| schema.get("x-expected")?.as_str());
    Setting {
        key: key.to_owned(),
        kind: setting_kind(schema, value),
        expected: expected.map(str::to_owned),
        default: default.or_else(|| show_default(&default_value)),
        default_value,
        unit: unit.to_owned(),
        meaning: schema_text(schema, "description"),
        is_secret: [schema, value]
            .iter()
            .any(|schema| schema.get("writeOnly") == Some(&json!(true))),
        pattern: None,
    }
}

/// The schema of a value that is there, where it may also be absent.
fn present_schema(schema: &Value) -> &Value {
    let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    choices.into_iter().find(|choice| choice.get("type") != Some(&json!("null"))).unwrap_or(schema)
}

/// What a schema takes; bounds beside the schema of an optional value are its bounds.
fn setting_kind(outer: &Value, schema: &Value) -> SettingKind {
    let bound = |name: &str| [outer, schema].iter().find_map(|schema| schema.get(name)?.as_u64());
    let choices = list_choices(outer, schema);
    if !choices.is_empty() {
        return SettingKind::Choice(choices);
    }
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    match types.first().copied() {
        Some("integer") => SettingKind::Integer {
            least: bound("minimum").unwrap_or(0),
            most: bound("maximum").unwrap_or_else(|| widest_maximum(schema)),
        },
        Some("boolean") => SettingKind::Boolean,
        Some("array") => {
            let items = schema.get("items").cloned().unwrap_or_default();
            let mut fields = Vec::new();
            for (name, field) in schema_properties(&items) {
                gather_settings(name, field, &mut fields);
            }
            if !fields.is_empty() {
                return SettingKind::Tables(fields);
            }
            let mut of = setting_kind(&items, present_schema(&items));
            if let Some(which) = outer.get("x-items").and_then(Value::as_str) {
                of = SettingKind::Choice(allowed_names(which));
            }
            SettingKind::List(Box::new(of))
        }
        _ => SettingKind::Text { longest: bound("maxLength") },
    }
}

/// The names that the items of a list are taken from.
fn allowed_names(which: &str) -> Vec<String> {
    let none = (which == "contexts or none").then(|| super::node::NO_CONTEXTS.to_owned());
    let contexts =
        || ContextList::collect_contexts().into_iter().map(|context| context.name.to_owned());
    match which {
        "systems" => systems::NAMES.iter().map(|name| (*name).to_owned()).collect(),
        _ => contexts().chain(none).collect(),
    }
}

/// The largest number of the type; a whole number in JSON is exact up to this one.
fn widest_maximum(schema: &Value) -> u64 {
    match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => u8::MAX.into(),
        Some("uint16") => u16::MAX.into(),
        Some("uint32") => u32::MAX.into(),
        _ => u64::MAX,
    }
}

/// The words of an enumeration.
fn list_choices(outer: &Value, schema: &Value) -> Vec<String> {
    let listed = |schema: &Value| {
        let listed = schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
        let variants = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
        let variants = variants.into_iter().filter_map(|variant| variant.get("const").cloned());
        let words = listed.into_iter().chain(variants);
        words.filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    Some(listed(outer)).filter(|words| !words.is_empty()).unwrap_or_else(|| listed(schema))
}

fn schema_text(schema: &Value, name: &str) -> String {
    schema.get(name).and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

fn show_default(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::String(text) => (!text.is_empty()).then(|| format!("`{text}`")),
        value => Some(format!("`{value}`")),
    }
}

/// The unit that the end of a key names.
fn unit_of(key: &str) -> &'static str {
    let units = [
        ("_ms", "ms"),
        ("_s", "s"),
        ("_hours", "hours"),
        ("_mb", "MiB"),
        ("_mb_per_second", "MiB/s"),
        ("_percent", "percent"),
    ];
    units.into_iter().find(|(suffix, _)| key.ends_with(suffix)).map_or("", |(_, unit)| unit)
}

fn schema_properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

/// The schema of a type, without references.
fn inlined_schema<T: schemars::JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Collects the settings of the contexts of one system. What two contexts read is one setting.
struct SystemSettings {
    system: &'static str,
    found: Vec<Setting>,
}

impl Board for SystemSettings {
    fn aggregate<A: Aggregate>(&mut self) {
        let mut schema = inlined_schema::<A::Settings>();
        let defaults = serde_json::to_value(A::Settings::default()).unwrap_or_default();
        set_defaults(schema.get_mut("properties").and_then(Value::as_object_mut), &defaults);
        let mut found = Vec::new();
        for (name, schema) in schema_properties(&schema) {
            gather_settings(&format!("systems.{}.{name}", self.system), schema, &mut found);
        }
        found.retain(|setting| self.found.iter().all(|known| known.key != setting.key));
        self.found.extend(found);
    }
    fn view<V: View>(&mut self) {}
}

/// Notes the default of every property.
fn set_defaults(properties: Option<&mut Map<String, Value>>, defaults: &Value) {
    for (name, property) in properties.into_iter().flatten() {
        if let (Some(property), Some(default)) = (property.as_object_mut(), defaults.get(name)) {
            property.insert("default".into(), default.clone());
        }
    }
}

impl Setting {
    /// What is allowed, in the words of an error.
    pub fn allowed(&self) -> String {
        self.expected.clone().unwrap_or_else(|| describe_allowed(&self.kind))
    }
}

fn quote_all(choices: &[String]) -> Vec<String> {
    let quote = |choice: &String| match choice.as_str() {
        "" => "nothing".to_owned(),
        choice => format!("`{choice}`"),
    };
    choices.iter().map(quote).collect()
}

fn describe_allowed(kind: &SettingKind) -> String {
    match kind {
        SettingKind::Integer { least, most: u64::MAX } => format!("a whole number from {least}"),
        SettingKind::Integer { least, most } => format!("a whole number from {least} to {most}"),
        SettingKind::Boolean => "`true` or `false`".to_owned(),
        SettingKind::Choice(choices) => quote_all(choices).join(" or "),
        SettingKind::Text { longest: Some(longest) } => {
            format!("text of at most {longest} characters")
        }
        SettingKind::Text { longest: None } => "text".to_owned(),
        SettingKind::List(of) => match of.as_ref() {
            SettingKind::Choice(choices) => {
                format!("a list of some of {}", quote_all(choices).join(", "))
            }
            _ => "a list".to_owned(),
        },
        SettingKind::Tables(fields) => {
            let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.key)).collect();
            format!("a list of tables with {}", names.join(", "))
        }
    }
}
