//! Which names requests may be for.

/// The names that requests may be for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostList {
    /// The names that are answered; `None`: any.
    pub names: Option<Vec<String>>,
    /// Whether the server listens on loopback: the names of that are answered too, and requests that a proxy has passed on are
    /// refused, unless it is trusted.
    pub is_loopback: bool,
}
