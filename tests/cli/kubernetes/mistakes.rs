//! Mistakes that are easily made: each is noticed.

use super::{findings::find_faults, manifests::Manifests};

/// A file, a piece of it, what stands there by mistake, and a word of what is found.
type Mistake = (&'static str, &'static str, &'static str, &'static str);

/// What would start more of a server that there is one of.
const SCALER: &str = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: holdfast\nspec:\n  \
    scaleTargetRef:\n    apiVersion: apps/v1\n    kind: StatefulSet\n    name: holdfast\n  minReplicas: 2\n  \
    maxReplicas: 4\n---\napiVersion: v1\nkind: ServiceAccount";
const BUDGET: &str = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: holdfast\nspec:\n  minAvailable: 1\n  \
    selector:\n    matchLabels:\n      app.kubernetes.io/name: holdfast\n---\napiVersion: v1\nkind: ServiceAccount";

const MISTAKES: &[Mistake] = &[
    (
        "base/serviceaccount.yaml",
        "apiVersion: v1\nkind: ServiceAccount",
        SCALER,
        "cannot be scaled",
    ),
    (
        "base/serviceaccount.yaml",
        "apiVersion: v1\nkind: ServiceAccount",
        BUDGET,
        "no node can ever be drained",
    ),
    (
        "single/statefulset.yaml",
        "      enableServiceLinks:",
        "      enableServiceLink:",
        "enableServiceLink",
    ),
    ("single/statefulset.yaml", "readinessProbe:", "readynessProbe:", "readynessProbe"),
    ("single/statefulset.yaml", "replicas: 1", "replicas: 2", "different servers"),
    (
        "single/statefulset.yaml",
        "serviceName: holdfast",
        "serviceName: holdfast-headless",
        "no Service",
    ),
    ("single/statefulset.yaml", "path: /livez", "path: /healthz", "livenessProbe asks"),
    ("single/statefulset.yaml", "path: /readyz", "path: /ready", "startupProbe asks"),
    ("single/statefulset.yaml", "port: probes", "port: probe", "at the port `probe`"),
    ("single/statefulset.yaml", "containerPort: 8088", "containerPort: 8080", "the port http"),
    ("single/statefulset.yaml", "containerPort: 8089", "containerPort: 8090", "the port probes"),
    (
        "single/statefulset.yaml",
        "- name: ops\n",
        "- name: admin\n",
        "no port of the pod is called ops",
    ),
    (
        "single/statefulset.yaml",
        "name: HOLDFAST_SYSTEMS",
        "name: HOLDFAST_SYSTEM",
        "HOLDFAST_SYSTEM",
    ),
    (
        "single/statefulset.yaml",
        "name: HOLDFAST_STORE__DIR",
        "name: HOLDFAST_STORE_DIR",
        "HOLDFAST_STORE_DIR",
    ),
    ("single/statefulset.yaml", "value: /data/store", "value: /var/lib/store", "is in no volume"),
    (
        "single/statefulset.yaml",
        "                  key: systems",
        "                  key: system",
        "has no key system",
    ),
    (
        "single/statefulset.yaml",
        "              - key: holdfast.toml",
        "              - key: holdfast.yaml",
        "has no key holdfast.yaml",
    ),
    (
        "single/statefulset.yaml",
        "          configMap:\n            name: holdfast",
        "          configMap:\n            name: settings",
        "no ConfigMap settings",
    ),
    (
        "single/statefulset.yaml",
        "            - name: data\n              mountPath",
        "            - name: store\n              mountPath",
        "no volume is called store",
    ),
    (
        "single/statefulset.yaml",
        "/etc/holdfast/holdfast.toml]",
        "/etc/holdfast/config.toml]",
        "config.toml",
    ),
    ("single/statefulset.yaml", "args: [serve,", "args: [server,", "/args/0"),
    ("single/statefulset.yaml", "image: holdfast:0.1.0", "image: holdfast:latest", "the image is"),
    ("single/statefulset.yaml", "GracePeriodSeconds: 45", "GracePeriodSeconds: 30", "of draining"),
    ("single/statefulset.yaml", "runAsUser: 65532", "runAsUser: 0", "runAsUser"),
    (
        "single/statefulset.yaml",
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        "readOnlyRootFilesystem",
    ),
    (
        "single/statefulset.yaml",
        "serviceAccountName: holdfast",
        "serviceAccountName: default",
        "ServiceAccount default",
    ),
    (
        "single/statefulset.yaml",
        "              memory: 1Gi",
        "              cpu: 1",
        "limit of memory",
    ),
    ("single/statefulset.yaml", "kind: StatefulSet", "kind: StatefullSet", "has no StatefullSet"),
    (
        "single/statefulset.yaml",
        "terminationGracePeriodSeconds: 45",
        "terminationGracePeriodSeconds: 45s",
        "45s",
    ),
    ("single/kustomization.yaml", "  - statefulset.yaml\n", "", "is not listed"),
    (
        "single/kustomization.yaml",
        "statefulset.yaml",
        "stateful-set.yaml",
        "there is no stateful-set.yaml",
    ),
    (
        "single/kustomization.yaml",
        "newTag: 0.1.0",
        "newTag: 0.0.9",
        "not the image of this version",
    ),
    (
        "base/service.yaml",
        "targetPort: http",
        "targetPort: web",
        "no port of the pod is called web",
    ),
    (
        "base/service.yaml",
        "  selector:\n    app.kubernetes.io/name: holdfast",
        "  selector:\n    app: holdfast",
        "matches no pod",
    ),
    (
        "base/ingress.yaml",
        "                name: holdfast\n",
        "                name: rent\n",
        "no Service rent",
    ),
    (
        "base/ingress.yaml",
        "                  name: http\n",
        "                  name: https\n",
        "a port https",
    ),
    ("base/ingress.yaml", "pathType: Prefix", "pathtype: Prefix", "pathtype"),
    ("base/ingress.yaml", "hosts: [rent.example]", "hosts: [shop.example]", "is not encrypted"),
    (
        "base/networkpolicy.yaml",
        "app.kubernetes.io/name: holdfast\n  policyTypes",
        "app: holdfast\n  policyTypes",
        "matches no pod",
    ),
    (
        "base/networkpolicy.yaml",
        "port: ops",
        "port: metrics",
        "no port of the pod is called metrics",
    ),
    ("base/configmap.yaml", "systems: bookrent", "systems: bookrents", "bookrents"),
    ("base/configmap.yaml", "drain_delay_ms = 5000", "drain_delay = 5000", "drain_delay"),
    (
        "base/configmap.yaml",
        "drain_delay_ms = 5000",
        "drain_delay_ms = 0",
        "until its Service has seen it",
    ),
    (
        "base/configmap.yaml",
        "listen = \"0.0.0.0:8088\"",
        "listen = \"127.0.0.1:8088\"",
        "reached by no other pod",
    ),
    ("base/configmap.yaml", "mode = \"token\"", "mode = \"open\"", "allow_open_beyond_loopback"),
    (
        "base/configmap.yaml",
        "https://rent.example",
        "https://shop.example",
        "is not the URL of the Ingress",
    ),
];

#[test]
fn each_is_noticed() {
    assert!(MISTAKES.len() >= 22);
    let missed = MISTAKES.iter().filter_map(|(file, from, to, word)| {
        let mut manifests = Manifests::load("single");
        manifests.replace(file, from, to);
        let found = find_faults(&manifests);
        let is_noticed = found.iter().any(|fault| fault.contains(word));
        (!is_noticed).then(|| format!("{file}: `{to}` for `{from}`: {found:?}"))
    });
    let missed: Vec<_> = missed.collect();
    assert!(missed.is_empty(), "{missed:#?}");
}
