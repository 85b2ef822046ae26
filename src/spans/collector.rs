//! Where spans go: over OTLP to a collector, in batches, from a thread of their own. A collector that is away delays nothing:
//! its spans are dropped and counted.

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter},
};
use std::{
    collections::HashMap,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::runtime::Handle;

/// How long the collector may take for a batch, with all tries.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the end of the process waits for the last batch.
const LAST_BATCH: Duration = Duration::from_secs(2);

/// What spans are made with, once a collector is configured.
pub(super) struct Tracing {
    pub(super) tracer: SdkTracer,
}

static TRACING: OnceLock<Tracing> = OnceLock::new();
static ENDED: AtomicU64 = AtomicU64::new(0);
static TAKEN: AtomicU64 = AtomicU64::new(0);

pub(super) fn tracing() -> Option<&'static Tracing> {
    TRACING.get()
}

pub(super) fn count_ended() {
    ENDED.fetch_add(1, Relaxed);
}

/// How many spans there were since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanCounts {
    /// Those that have ended and were to be sent.
    pub ended: u64,
    /// Those that the collector has taken.
    pub taken: u64,
}

/// How many spans there were, if a collector is configured.
pub fn span_counts() -> Option<SpanCounts> {
    tracing().map(|_| SpanCounts { ended: ENDED.load(Relaxed), taken: TAKEN.load(Relaxed) })
}

/// Where spans are sent, and whose they are.
#[derive(Debug)]
pub struct CollectorSettings {
    /// The collector's URL, with the path of its traces.
    pub url: String,
    /// The header `Authorization`, if it wants one.
    pub authorization: Option<String>,
    /// Of how many traces that begin here one is sent. Whether a client's own trace is sent, its `traceparent` says.
    pub one_in: u32,
    /// The name of this node.
    pub node: String,
    /// The client that requests are sent with.
    pub client: reqwest::Client,
    /// Where it runs.
    pub runtime: Handle,
}

/// The way of the spans of this process to the collector.
#[derive(Debug)]
pub struct Spans(SdkTracerProvider);

impl Spans {
    /// From now on there are spans.
    ///
    /// # Errors
    /// What of the settings cannot be used.
    pub fn start(settings: CollectorSettings) -> Result<Self, String> {
        let CollectorSettings { url, authorization, one_in, node, client, runtime } = settings;
        let authorization = authorization.map(|value| ("authorization".to_owned(), value));
        let exporter = OtlpExporter::builder()
            .with_http()
            .with_http_client(OutsideClient { client, runtime })
            .with_endpoint(url)
            .with_timeout(TIMEOUT)
            .with_headers(authorization.into_iter().collect::<HashMap<_, _>>())
            .build()
            .map_err(|why| why.to_string())?;
        let resource = Resource::builder_empty().with_attributes([
            KeyValue::new("service.name", "holdfast"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", node),
        ]);
        let ratio = 1.0 / f64::from(one_in.max(1));
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(CountingExporter { exporter, away: AtomicBool::new(false) })
            .with_resource(resource.build())
            .with_sampler(sampler)
            .build();
        // Of several servers in a process, the first one's collector gets the spans of all.
        let _ = TRACING.set(Tracing { tracer: provider.tracer("holdfast") });
        Ok(Self(provider))
    }

    /// Sends what has not been sent yet, for a moment at the most. Blocks.
    pub fn finish(&self) {
        // What could not be sent was counted and logged.
        let _ = self.0.shutdown_with_timeout(LAST_BATCH);
    }
}

/// Sends on the runtime of everything that is sent: the thread of the batches has none.
#[derive(Debug)]
struct OutsideClient {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for OutsideClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

/// Counts what the collector takes, and says in the log when that changes.
#[derive(Debug)]
struct CountingExporter {
    exporter: OtlpExporter,
    away: AtomicBool,
}

impl SpanExporter for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let done = self.exporter.export(batch).await;
        let was_away = self.away.swap(done.is_err(), Relaxed);
        match &done {
            Ok(()) => {
                TAKEN.fetch_add(count, Relaxed);
                if was_away {
                    tracing::info!("the collector takes traces again");
                }
            }
            Err(why) if !was_away => {
                tracing::warn!(error = %why, "the collector does not take traces; they are dropped");
            }
            Err(_) => {}
        }
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
