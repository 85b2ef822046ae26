//! Holds the declarations of refusals to the sources: a code that is refused with is declared, and what is declared is used.
use crate::tidy::sources;
use holdfast::{api, systems};
use std::{collections::BTreeSet, path::Path};

/// The codes that a source refuses with. Those of its tests, and of the declarations themselves, do not count.
fn codes_in(text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let calls = ["Refusal::conflict(", "Refusal::invalid(", "no("];
    let starts = calls.iter().flat_map(|call| text.match_indices(call));
    let arguments = starts.filter_map(|(at, call)| {
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let argument = text[at + call.len()..].trim_start().strip_prefix('"')?;
        (!before.is_alphanumeric() && before != '_').then_some(argument)
    });
    arguments.filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
}

/// The codes of constants such as `const CAR_TAKEN: RefusalCode` that `text` refuses with.
fn codes_of_constants(text: &str) -> BTreeSet<String> {
    let constants = text.split("const ").skip(1).filter_map(|rest| {
        let (name, value) = rest.split_once(": RefusalCode =")?;
        Some((name, value.split('"').nth(1)?))
    });
    let is_used = |name: &str| text.contains(&format!("{name}.into()"));
    constants.filter(|(name, _)| is_used(name)).map(|(_, code)| code.to_owned()).collect()
}

/// The codes that the sources below `folder` refuse with.
fn codes_below(folder: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&root.join(folder));
    let own = sources.into_iter().filter(|(path, _)| !path.ends_with("tests.rs"));
    let own: Vec<_> = own.map(|(_, text)| text).collect();
    let called = own.iter().flat_map(|text| codes_in(text));
    called.chain(codes_of_constants(&own.concat())).collect()
}

#[test]
fn a_constant_counts_where_it_is_refused_with() {
    let text = "pub const CAR_TAKEN: RefusalCode =\n    RefusalCode::conflict(\"car-taken\", \"a\", \"b\");";
    assert!(codes_of_constants(text).is_empty());
    let used = format!("{text} (Some(_), Unlock) => Err(CAR_TAKEN.into()),");
    assert_eq!(codes_of_constants(&used), BTreeSet::from(["car-taken".to_owned()]));
}

#[test]
fn a_system_declares_the_codes_that_it_refuses_with() {
    let of_server: BTreeSet<_> = api::PROBLEM_CODES.iter().map(|problem| problem.code).collect();
    let shared = codes_below("src/systems");
    assert!(shared.contains("payment-declined") && shared.contains("seat-taken"), "{shared:?}");
    let mut declared_by_any = BTreeSet::new();
    for system in systems::NAMES {
        let used = codes_below(&format!("src/systems/{system}"));
        let refusals = systems::refusals(system);
        let declared: BTreeSet<_> =
            refusals.iter().map(|refusal| refusal.code.to_owned()).collect();
        assert_eq!(declared.len(), refusals.len(), "{system} declares a code twice");
        let missing: Vec<_> = used.difference(&declared).collect();
        assert!(missing.is_empty(), "{system} does not declare {missing:?}");
        let unused = declared.difference(&shared).filter(|code| !of_server.contains(code.as_str()));
        let unused: Vec<_> = unused.collect();
        assert!(unused.is_empty(), "{system} declares {unused:?}, with which it does not refuse");
        declared_by_any.extend(declared);
    }
    let missing: Vec<_> = shared.difference(&declared_by_any).collect();
    assert!(missing.is_empty(), "no system declares {missing:?}");
}

/// A command of another context's type is sent by no caller.
const UNHEARD: &str = "foreign-command";

#[test]
fn the_server_declares_the_codes_that_it_refuses_with() {
    for room in ["domain", "actors", "amqp", "http", "api", "notifications"] {
        for code in codes_below(&format!("src/{room}")).iter().filter(|code| *code != UNHEARD) {
            let is_declared = api::PROBLEM_CODES.iter().any(|problem| problem.code == code);
            assert!(is_declared, "`{code}` of src/{room} is not in the table of problems");
        }
    }
}
