//! The values of metrics that are of one kind of thing each.

use super::{samples::Samples, snapshot::Snapshot};
use crate::{
    actors::{ContextHealth, GuardHealth, ReplicaHealth, SinkHealth},
    api::IngressHealth,
    backups::BackupStatus,
    http::middleware::connection_limit::ConnectionStats,
    store::StoreHealth,
};

const NONE: &[&str] = &[];

pub fn breaker_state(guard: &GuardHealth) -> u64 {
    match guard.breaker {
        "open" => 2,
        "halfOpen" => 1,
        _ => 0,
    }
}

pub fn sample_contexts(now: &Snapshot, to: &mut Samples, value: impl Fn(&ContextHealth) -> u64) {
    now.contexts.iter().for_each(|health| to.add_sample(&[health.context], value(health)));
}

pub fn sample_guards(now: &Snapshot, to: &mut Samples, value: impl Fn(&GuardHealth) -> u64) {
    now.guards.iter().for_each(|(context, guard)| to.add_sample(&[context], value(guard)));
}

pub fn sample_sinks(now: &Snapshot, to: &mut Samples, value: impl Fn(&SinkHealth) -> u64) {
    now.sinks.iter().for_each(|sink| to.add_sample(&[sink.sink], value(sink)));
}

pub fn sample_replicas(now: &Snapshot, to: &mut Samples, value: impl Fn(&ReplicaHealth) -> u64) {
    now.replicas.iter().for_each(|replica| to.add_sample(&[replica.context], value(replica)));
}

pub fn sample_ingresses(now: &Snapshot, to: &mut Samples, value: impl Fn(&IngressHealth) -> u64) {
    now.ingresses.iter().for_each(|ingress| to.add_sample(&[ingress.inlet], value(ingress)));
}

pub fn sample_store(now: &Snapshot, to: &mut Samples, value: impl Fn(&StoreHealth) -> u64) {
    to.add_sample(NONE, value(&now.store));
}

pub fn sample_connections(
    now: &Snapshot,
    to: &mut Samples,
    value: impl Fn(&ConnectionStats) -> u64,
) {
    to.add_sample(NONE, value(&now.connections));
}

pub fn sample_backups(
    now: &Snapshot,
    to: &mut Samples,
    labels: &[&'static str],
    value: impl Fn(&BackupStatus) -> u64,
) {
    let backups = now.backups.iter();
    backups.for_each(|backups| to.add_sample(labels, value(&backups.status)));
}
