//! The drawings of the boards, as the code has them.

use super::{compare, names};
use holdfast::systems;
use support::{holdfast, run};

#[test]
fn every_board_is_drawn_as_the_code_has_it() {
    let draw = |system: &str| {
        let output = run(holdfast().args(["board", system]));
        assert!(output.status.success(), "{system}");
        String::from_utf8(output.stdout).unwrap()
    };
    let wrong: Vec<_> = systems::NAMES
        .iter()
        .filter_map(|system| compare(&format!("board_{system}.txt"), &draw(system)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let drawn: Vec<_> = names("", "board_", ".txt").into_iter().collect();
    assert!(drawn.iter().all(|name| systems::NAMES.contains(&name.as_str())), "{drawn:?}");
}
