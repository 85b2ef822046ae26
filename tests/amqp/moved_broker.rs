//! A broker whose name gets another address is found there without a restart.
//!
//! The name is in a list of hosts that the server alone sees. Where a process cannot have mounts of its own this is
//! skipped.

use support::{Server, broker::Broker, eventually, free_ports, hosts::Hosts, relay::Relay};
use tempfile::TempDir;

#[test]
fn a_broker_that_moves_is_found_at_its_new_address() {
    let Some(mut hosts) = Hosts::of_one_server() else {
        eprintln!("skipped: no process can have mounts of its own here");
        return;
    };
    let broker = Broker::start();
    let url = broker.url();
    let place = url.rsplit('@').next().unwrap().trim_start_matches("amqp://");
    let place = place.split('/').next().unwrap().to_owned();
    let port = free_ports(1);
    let moved = url.replace(&place, &format!("broker.moves.example:{port}"));

    hosts.set("broker.moves.example", "127.0.0.1");
    let before = Relay::at(&format!("127.0.0.1:{port}"), place.clone());
    let data = TempDir::new().unwrap();
    let server =
        Server::through(hosts.launcher(), data.path(), &format!("[amqp]\nurl = '{moved}'\n"));
    let is_up = || server.metric("holdfast_outbox_up{sink=\"amqp\"}") == 1.0;
    eventually("it is connected", || is_up().then_some(()));
    assert!(before.taken() > 0);

    drop(before);
    eventually("it has noticed that the broker is away", || (!is_up()).then_some(()));
    let after = Relay::at(&format!("127.0.0.2:{port}"), place);
    hosts.set("broker.moves.example", "127.0.0.2");
    eventually("it is connected again", || is_up().then_some(()));
    assert!(after.taken() > 0);
}
