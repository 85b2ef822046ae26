//! The manifests of `deploy/k8s`: Kubernetes understands each of their fields, they agree with each other, and the server knows
//! what they give it.

mod findings;
mod kubelet;
mod manifests;
mod mistakes;
mod pod;
mod typed;

use findings::find_faults;
use holdfast::systems;
use manifests::Manifests;

/// The ways to run it.
const WAYS: [&str; 1] = ["single"];

#[test]
fn the_manifests_say_what_kubernetes_and_the_server_understand() {
    for way in WAYS {
        let found = find_faults(&Manifests::load(way));
        assert!(found.is_empty(), "{way}: {found:#?}");
    }
}

#[test]
fn they_run_any_of_the_systems() {
    for way in WAYS {
        for system in systems::NAMES {
            let mut manifests = Manifests::load(way);
            manifests.replace(
                "base/configmap.yaml",
                "systems: bookrent",
                &format!("systems: {system}"),
            );
            let found = find_faults(&manifests);
            assert!(found.is_empty(), "{way} with {system}: {found:#?}");
        }
    }
}
