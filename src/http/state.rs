//! What all workers share.

use crate::{
    actors::{Context, Fault, Node},
    api::{Paths, PersonalFields, Problem},
    http::{
        document::Document, forwarder::Forwarder, metrics::requests::RequestMetrics,
        middleware::connection_limit::ConnectionLimit, nodes::OtherNodes, read_pool::ReadPool,
        settings::HttpSettings, stream_permits::StreamPermits,
    },
    identity::Audience,
    pages::Site,
};
use actix_web::HttpRequest;
use std::sync::Arc;
use tokio::sync::watch;

/// What all workers share.
pub struct AppState {
    pub settings: HttpSettings,
    /// What operators are not shown.
    pub personal: PersonalFields,
    pub node: Arc<dyn Node>,
    /// Which path leads to which collection.
    pub paths: Paths<Host>,
    pub forwarder: Forwarder,
    pub nodes: Arc<OtherNodes>,
    /// Runs long reads of lists.
    pub list_reads: ReadPool,
    /// Runs long reads of logs.
    pub log_reads: ReadPool,
    pub requests: RequestMetrics,
    pub draining: watch::Sender<bool>,
    pub connections: Arc<ConnectionLimit>,
    /// A permit for each event stream.
    pub streams: StreamPermits,
    /// `/openapi.json`, which does not change while the server runs.
    pub openapi: Document,
    /// `/asyncapi.json`
    pub asyncapi: Document,
    /// The pages.
    pub site: Site,
}

/// The node that hosts a context.
#[derive(Debug, Clone, Copy)]
pub enum Host {
    /// This node, with the index among its contexts.
    Local(usize),
    /// Another node, with the index among the contexts elsewhere.
    Remote(usize),
}

/// What a port serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// All contexts.
    Main,
    /// One context, by its index.
    Context(usize),
    /// What is for operators.
    Operations,
}

impl Port {
    /// The port on which `request` came in.
    pub fn of_request(request: &HttpRequest) -> Self {
        request.app_data::<Self>().copied().unwrap_or(Self::Main)
    }

    /// Whether the contexts of `host` are served here.
    pub fn serves_host(self, host: Host) -> bool {
        match self {
            Self::Main => true,
            Self::Context(index) => matches!(host, Host::Local(at) if at == index),
            Self::Operations => false,
        }
    }
}

impl AppState {
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Whether what is for `audience` is served at `port`: where operators have a port of their own, what is for them is there
    /// alone, and nothing else but what is for everyone.
    pub fn serves(&self, audience: Audience, port: Port) -> bool {
        let is_for_operators = matches!(audience, Audience::Administration(_) | Audience::Metrics);
        match port {
            _ if audience == Audience::Public => true,
            Port::Operations => is_for_operators,
            Port::Main | Port::Context(_) => !(is_for_operators && self.settings.has_ops_port),
        }
    }

    /// Refuses administration outside development.
    pub fn check_development(&self) -> Result<(), Problem> {
        if self.settings.development {
            return Ok(());
        }
        Err(Problem::new(
            "admin-closed",
            "administration is open in development only: while `http.listen` is on loopback",
            "관리 기능은 개발 모드, 즉 `http.listen`이 루프백 주소일 때만 열립니다",
        ))
    }

    /// Resolves when the server is to stop.
    pub async fn wait_drained(&self) {
        let _ = self.draining.subscribe().wait_for(|draining| *draining).await;
    }

    /// The context of this node with that name.
    pub fn find_context(&self, name: &str) -> Option<&Arc<dyn Context>> {
        self.node.contexts().iter().find(|context| context.name().context == name)
    }

    /// The problem of `fault`. One that was judged by accepted state waits until that state is durable.
    pub async fn durable_problem(&self, fault: Fault) -> Problem {
        let was_judged = matches!(
            fault,
            Fault::Refused(_)
                | Fault::RefusedBefore(_)
                | Fault::VersionMismatch { .. }
                | Fault::KeyReused
        );
        if was_judged {
            let commit = self.node.accepted_commit();
            if !self.node.is_durable(commit)
                && let Err(worse) = self.node.wait_durable(commit).await
            {
                return worse.into();
            }
        }
        fault.into()
    }
}
