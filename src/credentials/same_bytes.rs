//! Comparing secrets.

/// Compares in a time that does not depend on how many bytes are right.
pub fn same_bytes(shown: &[u8], expected: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(shown, expected).is_ok()
}
