//! Every metric. The scrape and the documents read this table.

use super::{
    samples::{Metric, MetricKind, new_counter, new_gauge, new_histogram},
    sampling::{
        breaker_state, sample_backups, sample_connections, sample_contexts, sample_guards,
        sample_ingresses, sample_replicas, sample_sinks, sample_store,
    },
};
use crate::actors::{OrderCounts, Phase};

const NONE: &[&str] = &[];
const CONTEXT: &[&str] = &["context"];
const SINK: &[&str] = &["sink"];
const OUTCOME: &[&str] = &["outcome"];
const INGRESS: &[&str] = &["ingress"];

/// The duration of requests, counted as they are answered.
pub const REQUEST_DURATION: Metric = Metric {
    name: "http_server_request_duration_seconds",
    kind: MetricKind::Histogram,
    labels: &[
        "http_request_method",
        "http_route",
        "http_response_status_code",
        "url_scheme",
        "error_type",
    ],
    help: "Duration of requests until they are answered; `error_type` of those that the server failed",
    read: |_, _| {},
};

/// The version that runs.
pub const BUILD: Metric = Metric {
    name: "holdfast_build",
    kind: MetricKind::Info,
    labels: &["version"],
    help: "Version of the server",
    read: |_, _| {},
};

/// Every metric but [`BUILD`] and [`REQUEST_DURATION`].
pub const METRICS: &[Metric] = &[
    new_gauge(
        "holdfast_ready",
        NONE,
        "1 while requests should be sent here: `/readyz`",
        |now, to| {
            to.add_sample(NONE, now.ready.into());
        },
    ),
    new_gauge(
        "holdfast_certificate_end_seconds",
        NONE,
        "When the certificate of the server ends, in seconds since 1970",
        |now, to| now.certificate_end.into_iter().for_each(|end| to.add_sample(NONE, end)),
    ),
    new_counter(
        "holdfast_orders",
        &["system", "outcome"],
        "Orders that ended `established`, `refused`, `failed` or `canceled`, since the start",
        |now, to| {
            for health in &now.contexts {
                let system = health.context.split('.').next().unwrap_or_default();
                for (outcome, count) in health.orders.iter().flat_map(OrderCounts::all) {
                    to.add_sample(&[system, outcome.name()], count);
                }
            }
        },
    ),
    new_gauge("holdfast_context_up", CONTEXT, "1 while the context is running", |now, to| {
        sample_contexts(now, to, |health| u64::from(health.state == Phase::Running));
    }),
    new_counter(
        "holdfast_actor_restarts",
        CONTEXT,
        "Restarts of the context's actor",
        |now, to| {
            sample_contexts(now, to, |health| health.restarts);
        },
    ),
    new_counter(
        "holdfast_actor_crashes",
        CONTEXT,
        "Messages whose handling panicked",
        |now, to| {
            sample_contexts(now, to, |health| health.crashes);
        },
    ),
    new_gauge("holdfast_mailbox_depth", CONTEXT, "Messages waiting in the mailbox", |now, to| {
        sample_contexts(now, to, |health| health.mailbox);
    }),
    new_gauge(
        "holdfast_listener_backlog",
        CONTEXT,
        "Events of its sources that the context has not handled yet",
        |now, to| sample_contexts(now, to, |health| health.backlog),
    ),
    new_gauge(
        "holdfast_saga_waiting",
        CONTEXT,
        "Clients waiting for their command to be settled",
        |now, to| sample_contexts(now, to, |health| health.waiting),
    ),
    new_gauge("holdfast_parked_events", CONTEXT, "Parked events", |now, to| {
        sample_contexts(now, to, |health| health.parked);
    }),
    new_gauge(
        "holdfast_refused_messages",
        &[],
        "Text messages that the gateway refuses, until they are retried or dropped",
        |now, to| to.add_sample(&[], now.refused_messages),
    ),
    new_counter("holdfast_context_damaged", CONTEXT, "Damaged rows found in reads", |now, to| {
        sample_contexts(now, to, |health| health.damaged);
    }),
    new_counter("holdfast_events", CONTEXT, "Events in the log", |now, to| {
        for health in now.contexts.iter().filter(|health| !health.view) {
            to.add_sample(&[health.context], health.last_sequence);
        }
    }),
    new_gauge(
        "holdfast_breaker_state",
        CONTEXT,
        "Circuit breaker of the context: 0 closed, 1 half-open, 2 open",
        |now, to| sample_guards(now, to, breaker_state),
    ),
    new_counter("holdfast_breaker_opened", CONTEXT, "Times that the breaker opened", |now, to| {
        sample_guards(now, to, |guard| guard.opened);
    }),
    new_gauge("holdfast_asks_in_flight", CONTEXT, "Asks in flight to the context", |now, to| {
        sample_guards(now, to, |guard| guard.in_flight);
    }),
    new_histogram(
        "holdfast_ask_duration_seconds",
        &["context", "answered"],
        "Duration of asks to the context, by whether it answered",
        |now, to| {
            for (context, guard) in &now.guards {
                to.add_durations(&[context, "true"], guard.answered.clone());
                to.add_durations(&[context, "false"], guard.unanswered.clone());
            }
        },
    ),
    new_gauge(
        "holdfast_outbox_pending",
        &["sink", "context"],
        "Events or messages that the sink has not confirmed yet",
        |now, to| {
            for flow in &now.outflows {
                to.add_sample(&[flow.sink, flow.context], flow.pending);
            }
        },
    ),
    new_gauge("holdfast_outbox_up", SINK, "1 while the sink is connected", |now, to| {
        sample_sinks(now, to, |sink| sink.up.into());
    }),
    new_counter("holdfast_outbox_sent", SINK, "Items that the sink confirmed", |now, to| {
        sample_sinks(now, to, |sink| sink.sent);
    }),
    new_counter(
        "holdfast_outbox_returned",
        SINK,
        "Events that no queue was bound for",
        |now, to| {
            sample_sinks(now, to, |sink| sink.returned);
        },
    ),
    new_counter("holdfast_outbox_reconnects", SINK, "Reconnects to the sink", |now, to| {
        sample_sinks(now, to, |sink| sink.reconnects);
    }),
    new_gauge(
        "holdfast_inbox_sequence",
        CONTEXT,
        "Last event replicated from another node's context",
        |now, to| sample_replicas(now, to, |replica| replica.last_sequence),
    ),
    new_gauge(
        "holdfast_inbox_fed",
        CONTEXT,
        "1 while the broker delivers its events",
        |now, to| sample_replicas(now, to, |replica| replica.feed.is_some().into()),
    ),
    new_counter(
        "holdfast_inbox_events",
        &["context", "from"],
        "Events replicated, by `broker` or from the `source`",
        |now, to| {
            for replica in &now.replicas {
                to.add_sample(&[replica.context, "broker"], replica.fed);
                to.add_sample(&[replica.context, "source"], replica.asked);
            }
        },
    ),
    new_counter(
        "holdfast_inbox_repeated",
        CONTEXT,
        "Events delivered again, ignored",
        |now, to| sample_replicas(now, to, |replica| replica.again),
    ),
    new_counter("holdfast_inbox_refused", CONTEXT, "Events without a right seal", |now, to| {
        sample_replicas(now, to, |replica| replica.refused)
    }),
    new_gauge(
        "holdfast_history_disputes",
        NONE,
        "Logs whose history differs from what another node knows",
        |now, to| to.add_sample(NONE, now.disputes as u64),
    ),
    new_counter(
        "holdfast_node_tokens_repeated",
        NONE,
        "Tokens of nodes that were shown before, and refused",
        |now, to| to.add_sample(NONE, now.repeated_tokens),
    ),
    new_gauge(
        "holdfast_commands_up",
        INGRESS,
        "1 while commands can arrive this way",
        |now, to| {
            sample_ingresses(now, to, |ingress| ingress.up.into());
        },
    ),
    new_counter("holdfast_commands_answered", INGRESS, "Replies sent", |now, to| {
        sample_ingresses(now, to, |ingress| ingress.answered);
    }),
    new_counter(
        "holdfast_commands_unroutable",
        INGRESS,
        "Replies whose queue no longer existed",
        |now, to| sample_ingresses(now, to, |ingress| ingress.unroutable),
    ),
    new_counter(
        "holdfast_commands_rejected",
        INGRESS,
        "Commands rejected without a queue to reply to",
        |now, to| sample_ingresses(now, to, |ingress| ingress.rejected),
    ),
    new_counter("holdfast_commands_reconnects", INGRESS, "Reconnects to the broker", |now, to| {
        sample_ingresses(now, to, |ingress| ingress.reconnects);
    }),
    new_counter("holdfast_store_commits", NONE, "Accepted batches", |now, to| {
        sample_store(now, to, |store| store.accepted_commit);
    }),
    new_counter("holdfast_store_syncs", NONE, "Groups of batches made durable", |now, to| {
        sample_store(now, to, |store| store.syncs);
    }),
    new_histogram(
        "holdfast_store_sync_duration_seconds",
        NONE,
        "Duration of writing and syncing a group",
        |now, to| to.add_durations(NONE, now.store.sync_durations.clone()),
    ),
    new_counter("holdfast_store_damaged", NONE, "Times that damage was found", |now, to| {
        sample_store(now, to, |store| store.damages);
    }),
    new_counter("holdfast_store_scrubs", NONE, "Complete scrubs of the store", |now, to| {
        sample_store(now, to, |store| store.scrubs);
    }),
    new_gauge(
        "holdfast_store_unwritten_bytes",
        NONE,
        "Bytes accepted and not flushed to the trees yet",
        |now, to| sample_store(now, to, |store| store.unwritten_bytes),
    ),
    new_gauge("holdfast_store_disk_bytes", NONE, "Size of the store on disk", |now, to| {
        sample_store(now, to, |store| store.disk_bytes);
    }),
    new_gauge("holdfast_store_free_bytes", NONE, "Free space on the disk", |now, to| {
        if let Some(free) = now.store.free_bytes {
            to.add_sample(NONE, free);
        }
    }),
    new_gauge("holdfast_store_reserve_bytes", NONE, "Space to be kept free", |now, to| {
        sample_store(now, to, |store| store.reserve_bytes);
    }),
    new_gauge(
        "holdfast_store_full",
        NONE,
        "1 while the disk is too full for commands",
        |now, to| {
            sample_store(now, to, |store| store.full.into());
        },
    ),
    new_gauge("holdfast_store_most_runs", NONE, "Sorted runs of the tree with most", |now, to| {
        sample_store(now, to, |store| store.most_runs);
    }),
    new_gauge(
        "holdfast_backup_age_seconds",
        NONE,
        "Seconds since the newest backup in `backup.directory` was made",
        |now, to| {
            let age = now.backups.as_ref().and_then(|backups| backups.age);
            age.into_iter().for_each(|age| to.add_sample(NONE, age.as_secs()));
        },
    ),
    new_gauge(
        "holdfast_backup_every_seconds",
        NONE,
        "Seconds after which the next backup is due, if they are made on a schedule",
        |now, to| {
            let every = now.backups.as_ref().and_then(|backups| backups.every);
            every.into_iter().for_each(|every| to.add_sample(NONE, every.as_secs()));
        },
    ),
    new_gauge("holdfast_backup_failed", NONE, "1 since the last backup failed", |now, to| {
        sample_backups(now, to, NONE, |status| u64::from(status.failure.is_some()));
    }),
    new_counter(
        "holdfast_backups",
        OUTCOME,
        "Backups that were `made`, or `failed`, since the start",
        |now, to| {
            sample_backups(now, to, &["made"], |status| status.made);
            sample_backups(now, to, &["failed"], |status| status.failed);
        },
    ),
    new_gauge(
        "holdfast_clock_stepped_back_seconds",
        NONE,
        "Seconds by which the machine's clock was set back",
        |now, to| to.add_sample(NONE, u64::try_from(now.clock.stepped_back_seconds).unwrap_or(0)),
    ),
    new_gauge("holdfast_connections", NONE, "Open connections", |now, to| {
        sample_connections(now, to, |stats| stats.open as u64);
    }),
    new_gauge("holdfast_connections_most", NONE, "Limit of open connections", |now, to| {
        sample_connections(now, to, |stats| stats.limit as u64);
    }),
    new_gauge(
        "holdfast_unsent_bytes",
        NONE,
        "Bytes of answers waiting for clients that do not read",
        |now, to| sample_connections(now, to, |stats| stats.unsent as u64),
    ),
    new_gauge("holdfast_streams", NONE, "Open event streams", |now, to| {
        to.add_sample(NONE, now.streams as u64);
    }),
    new_counter(
        "holdfast_connections_spared",
        NONE,
        "Idle connections closed to admit a new one",
        |now, to| sample_connections(now, to, |stats| stats.closed_idle),
    ),
    new_counter(
        "holdfast_connections_refused",
        NONE,
        "Connections refused because no other was idle",
        |now, to| sample_connections(now, to, |stats| stats.refused),
    ),
    new_counter(
        "holdfast_connections_broken",
        NONE,
        "Connections aborted because the client did not read",
        |now, to| sample_connections(now, to, |stats| stats.aborted),
    ),
    new_counter("holdfast_spans", NONE, "Spans that ended, of traces that are sent", |now, to| {
        now.spans.into_iter().for_each(|spans| to.add_sample(NONE, spans.ended));
    }),
    new_counter("holdfast_spans_taken", NONE, "Spans that the collector has taken", |now, to| {
        now.spans.into_iter().for_each(|spans| to.add_sample(NONE, spans.taken));
    }),
    new_counter("process_cpu_seconds", NONE, "Processor time, in seconds", |now, to| {
        now.process.cpu_seconds.into_iter().for_each(|seconds| to.add_seconds(NONE, seconds));
    }),
    new_gauge("process_resident_memory_bytes", NONE, "Resident memory", |now, to| {
        now.process.resident_bytes.into_iter().for_each(|bytes| to.add_sample(NONE, bytes));
    }),
    new_gauge("process_virtual_memory_bytes", NONE, "Virtual memory", |now, to| {
        now.process.virtual_bytes.into_iter().for_each(|bytes| to.add_sample(NONE, bytes));
    }),
    new_gauge("process_threads", NONE, "Threads", |now, to| {
        now.process.threads.into_iter().for_each(|threads| to.add_sample(NONE, threads));
    }),
    new_gauge("process_open_fds", NONE, "Open file descriptors", |now, to| {
        now.process.open_files.into_iter().for_each(|files| to.add_sample(NONE, files));
    }),
    new_gauge("process_max_fds", NONE, "Limit of open file descriptors", |now, to| {
        to.add_sample(NONE, now.process.most_open_files);
    }),
    new_gauge(
        "process_start_time_seconds",
        NONE,
        "Start of the process, in seconds since 1970",
        |now, to| {
            now.process.started.into_iter().for_each(|seconds| to.add_seconds(NONE, seconds));
        },
    ),
];
