//! What is missing on a board: undos that no policy sends, and questions that say of themselves what is not so.

use super::{
    draw::is_undo,
    explore::{FoundAsk, FoundUndo},
    walk::{BoardContext, Wall},
};

/// What is missing on `wall`, in words for the author of the context.
pub(super) fn find_missing(wall: &Wall) -> Vec<String> {
    let asks =
        wall.contexts.iter().flat_map(|asker| asker.asks.iter().map(move |ask| (asker, ask)));
    asks.flat_map(|(asker, ask)| missing_of(asker, ask, wall)).collect()
}

fn missing_of(asker: &BoardContext, ask: &FoundAsk, wall: &Wall) -> Vec<String> {
    let name = asker.name.context;
    let question = format!("{name} asks {}: {}", ask.callee, ask.command);
    match &ask.undo {
        FoundUndo::By(undo, false) => vec![format!("{question}, and {undo} names another asker")],
        FoundUndo::By(undo, true) if ask.unanswered.is_empty() => {
            vec![format!("{question}, and is never given up, so that {undo} never follows")]
        }
        FoundUndo::By(undo, true) => {
            let follows = |event: &&String| {
                let policies = wall.policies.iter();
                let mut after = policies.filter(|policy| policy.event == **event);
                !after.any(|policy| policy.source == asker.name && is_undo(ask, policy))
            };
            let forgotten = ask.unanswered.iter().filter(follows);
            let say = |event: &String| {
                format!("{question}, and no policy has {undo} follow from {event}")
            };
            forgotten.map(say).collect()
        }
        FoundUndo::UntilAnswered if !ask.unanswered.is_empty() => {
            vec![format!(
                "{question} until it is answered, and gives up: {}",
                ask.unanswered.join(", ")
            )]
        }
        FoundUndo::NotNeeded => {
            let callee = wall.contexts.iter().find(|callee| callee.name.context == ask.callee);
            let arrows = callee.iter().flat_map(|callee| &callee.arrows);
            let changes =
                arrows.filter(|(command, events)| *command == ask.command && !events.is_empty());
            let say = |events: &[String]| {
                format!("{question}, which is not to change anything: {}", events.join(", "))
            };
            changes.map(|(_, events)| say(events)).collect()
        }
        FoundUndo::UntilAnswered => Vec::new(),
    }
}
