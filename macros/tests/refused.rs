//! What the attributes refuse, and that each error points at the token that is wrong and says what is allowed.
//! `TRYBUILD=overwrite cargo test -p holdfast-macros` writes the messages anew.

#[test]
fn an_error_points_at_the_wrong_token_and_names_the_allowed_ones() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
