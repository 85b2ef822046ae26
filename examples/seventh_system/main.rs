//! A seventh business: car share, five contexts in a folder of their own. Nothing in the crate knows of it; routes,
//! storage, events, documents, metrics and administration follow from what the folder declares. Its files would be the
//! same under `src/systems/`.
//!
//! `cargo run --example seventh_system`, and then
//!
//! ```text
//! http POST :8099/members userId=7 phone=010-0000-0000
//! http POST :8099/cars plate=12가3456
//! http :8099/cars plate==12가3456
//! http POST :8099/trips plate=12가3456 userId=7
//! http PATCH :8099/trips/end/1
//! http :8099/usages/7
//! ```
#![allow(missing_docs, reason = "an example is read, not linked to")]

mod carshare;

use holdfast::{
    actors::{GuardSettings, LocalNode, Node, NodeSettings},
    board, domain,
    http::{self, Drain, HttpSettings},
    store::{Options, SledStore},
};
use std::{collections::BTreeMap, net::TcpListener, path::PathBuf, sync::Arc, time::Duration};

/// Runs it: `seventh_system [ADDRESS [DIRECTORY]]`.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(what) = board::find_missing(carshare::lay_out)?.into_iter().next() {
        return Err(what.into());
    }
    let mut arguments = std::env::args().skip(1);
    let listener = TcpListener::bind(arguments.next().unwrap_or_else(|| "127.0.0.1:8099".into()))?;
    let directory = arguments
        .next()
        .map_or_else(|| std::env::temp_dir().join("holdfast-carshare"), PathBuf::from);
    let address = listener.local_addr()?;
    actix_rt::System::new().block_on(async {
        let store = Arc::new(SledStore::open(directory, &Options::default())?);
        let timeout = Duration::from_millis(carshare::ASK_TIMEOUT_MILLIS);
        let guard = GuardSettings { timeout, ..GuardSettings::default() };
        let system_guards = BTreeMap::from([("carshare".to_owned(), guard)]);
        let settings = NodeSettings { system_guards, ..NodeSettings::default() };
        let node =
            Arc::new(LocalNode::start(store.clone(), settings, |board| carshare::lay_out(board))?);
        while !node.is_ready() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!("listening on http://{address}");
        let settings =
            HttpSettings { bare: true, open: true, development: true, ..HttpSettings::default() };
        let ended = async {
            drop(tokio::signal::ctrl_c().await);
            Drain::Announced
        };
        http::serve_http(settings, node, listener, ended).await?;
        store.close();
        Ok(())
    })
}
