//! Which systems the tests of every system test.

/// All of them, or the one that `HOLDFAST_SYSTEM` names: so that the author of a new one need not wait for the others.
///
/// # Panics
/// If there is no system of that name.
pub fn selected_systems(all: &[&'static str]) -> Vec<&'static str> {
    let Ok(only) = std::env::var("HOLDFAST_SYSTEM") else { return all.to_vec() };
    let chosen: Vec<_> = all.iter().copied().filter(|system| *system == only).collect();
    assert!(!chosen.is_empty(), "HOLDFAST_SYSTEM={only}: the systems are {}", all.join(", "));
    chosen
}
