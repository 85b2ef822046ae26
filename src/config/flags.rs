//! The flags of the command line, as a layer of the configuration.

use super::{origin::Origin, raw::RawValue, reader::LayerReader};

/// The flags of the command line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flags {
    /// `--listen`
    pub listen: Option<String>,
    /// `--data`
    pub data: Option<String>,
    /// `--system`, each
    pub systems: Vec<String>,
    /// `--contexts`
    pub contexts: Option<Vec<String>>,
    /// `--accept-data-loss`
    pub accept_data_loss: bool,
    /// `--accept-history`, each
    pub accept_history: Vec<String>,
}

/// Reads the flags.
pub(super) fn read_flags(flags: Flags, reader: &mut LayerReader) {
    let list = |items: Vec<String>| RawValue::List(items.into_iter().map(RawValue::Text).collect());
    let some = |items: Vec<String>| (!items.is_empty()).then(|| list(items));
    let given = [
        ("listen", "http.listen", flags.listen.map(RawValue::Text)),
        ("data", "store.dir", flags.data.map(RawValue::Text)),
        ("system", "systems.enabled", some(flags.systems)),
        ("contexts", "node.contexts", flags.contexts.map(list)),
        (
            "accept-data-loss",
            "store.accept_data_loss",
            flags.accept_data_loss.then_some(RawValue::Boolean(true)),
        ),
        ("accept-history", "node.accept_history", some(flags.accept_history)),
    ];
    for (flag, key, value) in given {
        if let Some(value) = value {
            reader.read_value(key, &value, Origin::Flag(flag));
        }
    }
}
