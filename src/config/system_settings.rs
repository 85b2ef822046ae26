//! Whether the contexts of a system can read what is configured for it.

use crate::{
    domain::{Aggregate, Board, View},
    systems,
};
use serde_json::Value;

/// The key of the first value that a context of `system` cannot read.
pub(super) fn first_wrong(system: &str, given: &Value) -> Option<String> {
    let mut reading = SettingsReading { given, wrong: None };
    systems::lay_out(system, &mut reading);
    reading.wrong.map(|key| format!("systems.{system}.{key}"))
}

struct SettingsReading<'a> {
    given: &'a Value,
    wrong: Option<String>,
}

impl Board for SettingsReading<'_> {
    fn aggregate<A: Aggregate>(&mut self) {
        // A context that reads no settings has the unit type for them.
        if size_of::<A::Settings>() > 0 && self.wrong.is_none() {
            let read = serde_path_to_error::deserialize::<_, A::Settings>(self.given);
            self.wrong = read.err().map(|error| error.path().to_string());
        }
    }
    fn view<V: View>(&mut self) {}
}
