//! The transcripts of all systems over nodes, by the script that starts a process for each context: where a transcript stops
//! a context, its process is killed, and where it starts it again, so is the process. What it comes to is still so when
//! every process has been killed and started once more.
use crate::script::Cluster;
use holdfast::systems;
use support::{
    Answer, Client, causes, eventually,
    transcript::{Step, Transcript},
};

/// The script's command for a line that stops or starts a context.
fn as_command(step: &Step) -> Option<[String; 2]> {
    let path = step.path();
    let (context, verb) = path.strip_prefix("/admin/contexts/")?.split_once('/')?;
    let (_, node) = context.split_once('.')?;
    Some([if verb == "stop" { "kill" } else { "start" }.to_owned(), node.to_owned()])
}

/// A conflict with what another node does not know yet has no effect, and passes.
fn may_pass(answer: &Answer) -> bool {
    matches!(answer.status, 404 | 409)
}

/// Sends the request of a step until it is answered as on the page.
fn replay(step: &Step, gateway: &Client) {
    let path = step.path();
    let is_read = step.method() == "GET";
    if path.starts_with("/admin/") {
        // The answer also lists which nodes were asked.
        assert_eq!(step.send(gateway).status, step.status().unwrap_or(200), "{}", step.line);
        return;
    }
    match path.strip_prefix("/notifications/").filter(|_| is_read) {
        // Which of two nodes answers first is not determined, so neither is the number of a message.
        Some(_) => eventually(&step.line, || {
            let sent = gateway.get("/notifications?size=100");
            let mut items = sent.body["_embedded"]["notifications"].as_array()?.iter();
            items.any(|item| step.is_reported(item)).then_some(())
        }),
        None => step.replay_until(gateway, |answer| is_read || may_pass(answer)),
    }
}

fn replay_over_nodes(system: &str, broker: &[&str]) {
    let transcript = Transcript::of_system(system);
    let further = transcript.arguments.iter().map(String::as_str);
    let further: Vec<_> = ["--system", system].into_iter().chain(further).collect();
    let cluster = Cluster::up(&[&further, broker].concat());
    let gateway = cluster.gateway();
    for step in &transcript.steps {
        match as_command(step) {
            Some([verb, node]) => drop(cluster.does(&[&verb, &node])),
            None => replay(step, &gateway),
        }
    }
    for (node, _) in cluster.nodes() {
        cluster.does(&["kill", &node]);
        cluster.does(&["start", &node]);
    }
    let changes = |step: &Step| step.method() != "GET" && step.status().is_none_or(|s| s < 400);
    let last_change = transcript.steps.iter().rposition(changes).unwrap();
    let lasting = &transcript.steps[last_change + 1..];
    let lasting: Vec<_> = lasting.iter().filter(|step| step.method() == "GET").collect();
    assert!(!lasting.is_empty(), "{system}: nothing is read at the end");
    lasting.into_iter().for_each(|step| replay(step, &gateway));
    let contexts = systems::contexts(system);
    let with_logs = contexts.iter().filter(|context| !context.is_view);
    let names: Vec<_> = with_logs.map(|context| context.name.context).collect();
    causes::lead_to_commands(&gateway, &names);
    assert!(!cluster.does(&["down"]).contains("killed"));
}

/// Without a broker, nodes fetch the events of others.
const ALONE: &[&str] = &["--no-broker"];
/// With one, the broker delivers them.
const WITH_BROKER: &[&str] = &[];

#[test]
fn bookrent_goes_over_nodes_alone_as_its_page_says() {
    replay_over_nodes("bookrent", ALONE);
}

#[test]
fn bookrent_goes_over_nodes_with_a_broker_as_its_page_says() {
    replay_over_nodes("bookrent", WITH_BROKER);
}

#[test]
fn purifier_goes_over_nodes_alone_as_its_page_says() {
    replay_over_nodes("purifier", ALONE);
}

#[test]
fn purifier_goes_over_nodes_with_a_broker_as_its_page_says() {
    replay_over_nodes("purifier", WITH_BROKER);
}

#[test]
fn ebook_goes_over_nodes_alone_as_its_page_says() {
    replay_over_nodes("ebook", ALONE);
}

#[test]
fn ebook_goes_over_nodes_with_a_broker_as_its_page_says() {
    replay_over_nodes("ebook", WITH_BROKER);
}

#[test]
fn movie_goes_over_nodes_alone_as_its_page_says() {
    replay_over_nodes("movie", ALONE);
}

#[test]
fn movie_goes_over_nodes_with_a_broker_as_its_page_says() {
    replay_over_nodes("movie", WITH_BROKER);
}

#[test]
fn ticketing_goes_over_nodes_alone_as_its_page_says() {
    replay_over_nodes("ticketing", ALONE);
}

#[test]
fn ticketing_goes_over_nodes_with_a_broker_as_its_page_says() {
    replay_over_nodes("ticketing", WITH_BROKER);
}

#[test]
fn gbike_goes_over_nodes_alone_as_its_page_says() {
    replay_over_nodes("gbike", ALONE);
}

#[test]
fn gbike_goes_over_nodes_with_a_broker_as_its_page_says() {
    replay_over_nodes("gbike", WITH_BROKER);
}
