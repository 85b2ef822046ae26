//! Holds the files of `deploy` that follow from the contexts of a system: a service, a volume and a peer for each. What is
//! the same for all systems is written by hand, in the files of bookrent.

use super::{COMMAND, is_writing};
use holdfast::{domain::Facts, systems};
use std::{fs, path::Path};

/// What is written by hand before and after the services of the contexts.
struct ByHand {
    before: String,
    after: String,
}

fn folder(system: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(system)
}

/// The file of bookrent, cut where the part of the contexts begins and ends.
fn by_hand(file: &str, begin: &str, end: &str) -> ByHand {
    let text = fs::read_to_string(folder("bookrent").join(file)).unwrap();
    let (before, rest) = text.split_once(begin).unwrap_or_else(|| panic!("no {begin:?} in {file}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("no {end:?} in {file}"));
    ByHand { before: format!("{before}{begin}"), after: format!("{end}{after}") }
}

/// A host name is the same in any case, so a service's is in lower case.
fn service(context: &Facts) -> String {
    context.name.short().to_lowercase()
}

fn compose(system: &str, contexts: &[Facts]) -> String {
    let ByHand { before, after } = by_hand("compose.yaml", "\nservices:\n", "\n  rabbitmq:\n");
    let mut text = before.replace("bookrent", system);
    let mut waits = String::new();
    for context in contexts {
        let name = service(context);
        text.push_str(&format!(
            "  {name}:\n    <<: *node\n    environment:\n      HOLDFAST_NODE__NAME: {name}\n      \
             HOLDFAST_NODE__CONTEXTS: {}\n",
            context.name.context
        ));
        if let Some(port) = context.port {
            text.push_str(&format!("    ports: [\"127.0.0.1:{port}:{port}\"]\n"));
        }
        text.push_str(&format!("    volumes: [\"{name}:/data\"]\n\n"));
        waits.push_str(&format!("      {name}:\n        condition: service_healthy\n"));
    }
    text.push_str(
        "  gateway:\n    <<: *node\n    environment:\n      HOLDFAST_NODE__NAME: gateway\n      \
         HOLDFAST_NODE__CONTEXTS: none\n    ports: [\"127.0.0.1:8088:8088\"]\n    # A gateway has no data to keep.\n    \
         tmpfs: [\"/data:uid=65532,gid=65532,mode=0700\"]\n    depends_on:\n",
    );
    text.push_str(&waits);
    let (after, _) = after.split_once("\nvolumes:\n").unwrap();
    text.push_str(after);
    text.push_str("\nvolumes:\n");
    for name in contexts.iter().map(service).chain(["rabbitmq".to_owned()]) {
        text.push_str(&format!("  {name}:\n"));
    }
    text
}

fn settings(system: &str, contexts: &[Facts]) -> String {
    let ByHand { before, after } = by_hand("holdfast.toml", "\n[peers]\n", "\n[amqp]\n");
    let mut text = before.replace("bookrent", system);
    for context in contexts {
        text.push_str(&format!(
            "\"{}\" = \"http://{}:8088\"\n",
            context.name.context,
            service(context)
        ));
    }
    text.push_str(&after);
    text
}

#[test]
fn the_files_of_a_deployment_have_the_contexts_of_its_system() {
    for system in systems::NAMES {
        let contexts = systems::contexts(system);
        for (file, now) in [
            ("compose.yaml", compose(system, &contexts)),
            ("holdfast.toml", settings(system, &contexts)),
        ] {
            let path = folder(system).join(file);
            if fs::read_to_string(&path).is_ok_and(|then| then == now) {
                continue;
            }
            assert!(is_writing(), "{} is not current; {COMMAND}", path.display());
            fs::create_dir_all(folder(system)).unwrap();
            fs::write(path, now).unwrap();
        }
    }
}
