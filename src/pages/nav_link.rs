//! A link of the navigation.

/// A link of the navigation.
#[derive(Debug, Clone)]
pub struct NavLink {
    pub text: String,
    pub href: String,
    pub is_here: bool,
}
