//! Every step of a saga fails, is repeated, is delayed, in turn. Nothing here knows a system: it takes how one is laid
//! out, what clients order, and what must be so in the end.

use super::bench::{Bench, eventually, hasty, under};
use holdfast::{
    actors::{
        ChaosPoint, CommandRequest, Fault, Injected, Node, NodeBuilder, NodeSettings, Outcome,
    },
    domain::{Kind, Refusal},
    store::{MemoryStore, Store},
    systems,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Not a context: an order to it lets as many minutes pass as its number.
pub const CLOCK: &str = "clock";

/// A saga to be tested.
#[derive(Clone)]
pub struct Saga {
    pub lay_out: Arc<dyn Fn(&mut NodeBuilder<'_>)>,
    /// What clients order, one after the other: in which context, what.
    pub orders: Vec<(&'static str, CommandRequest)>,
    /// What must be so once everything is quiet.
    pub right: fn(&Bench) -> Result<(), String>,
}

impl Saga {
    /// A saga of one of the systems.
    pub fn of(
        system: &'static str,
        orders: Vec<(&'static str, CommandRequest)>,
        right: fn(&Bench) -> Result<(), String>,
    ) -> Self {
        let lay_out = move |board: &mut NodeBuilder<'_>| assert!(systems::lay_out(system, board));
        Self { lay_out: Arc::new(lay_out), orders, right }
    }
}

/// What goes wrong.
#[derive(Debug, Clone)]
enum Injection {
    None,
    /// The context panics in its n-th turn.
    Panic(ChaosPoint, &'static str, usize),
    /// The context is stopped at its n-th turn and started again.
    Stop(&'static str, usize),
    /// Batches of the context conflict.
    Conflict(&'static str, usize),
    /// Batches are decided elsewhere and later.
    Pending,
    /// Answers of the context come late, or not at all.
    Fault(&'static str, Injected),
    /// The process ends after a commit; the last ones of them were not durable.
    Crash {
        accepted: u64,
        lost: u64,
    },
}

type Turns = Arc<Mutex<BTreeMap<(&'static str, bool), usize>>>;

/// How a node is set up for an injection: asks give up soon, and turns are counted.
fn settings(
    injection: &Injection,
    turns: &Turns,
    reached: UnboundedSender<&'static str>,
    saga: &Saga,
) -> NodeSettings {
    let injection = injection.clone();
    let turns = turns.clone();
    let chaos = move |context: &'static str, point: ChaosPoint| {
        if point == ChaosPoint::Applying {
            return;
        }
        let turn = {
            let mut turns = turns.lock().unwrap();
            let turn = turns.entry((context, point == ChaosPoint::BeforeCommit)).or_default();
            *turn += 1;
            *turn
        };
        match &injection {
            Injection::Panic(at, of, n) if (*at, *of, *n) == (point, context, turn) => {
                panic!("as asked")
            }
            Injection::Stop(of, n)
                if point == ChaosPoint::BeforeCommit && (*of, *n) == (context, turn) =>
            {
                let _ = reached.send(context);
            }
            _ => {}
        }
    };
    let systems = saga
        .orders
        .iter()
        .map(|(context, _)| context.split('.').next().expect("a system").to_owned());
    let system_guards: BTreeMap<_, _> = systems.map(|system| (system, hasty(150))).collect();
    NodeSettings { chaos: Some(Arc::new(chaos)), system_guards, ..NodeSettings::default() }
}

async fn stop_and_start(bench: Arc<Bench>, mut reached: UnboundedReceiver<&'static str>) {
    while let Some(context) = reached.recv().await {
        bench.context(context).stop().await;
        tokio::task::yield_now().await;
        bench.context(context).start().await;
    }
}

/// Runs `saga` with one thing going wrong. Gives how many turns each context took, and how many commits there were.
async fn run(saga: &Saga, injection: Injection) -> (BTreeMap<(&'static str, bool), usize>, u64) {
    let store = MemoryStore::new();
    let turns = Turns::default();
    let (reached, is_reached) = unbounded_channel();
    let set_up = settings(&injection, &turns, reached, saga);
    let mut bench =
        Arc::new(Bench::of(store.clone(), set_up, |board| (saga.lay_out)(board)).ready().await);
    let contexts: Vec<&'static str> =
        bench.node.contexts().iter().map(|context| context.name().context).collect();
    match &injection {
        Injection::Conflict(context, times) => store.conflict_next(context, *times),
        Injection::Pending => store.pending_mode(true),
        Injection::Fault(context, fault) => bench.context(context).set_fault(Some(*fault)),
        Injection::Crash { accepted, lost } => {
            store.crash_after(accepted.saturating_sub(*lost), *accepted)
        }
        Injection::None | Injection::Panic(..) | Injection::Stop(..) => {}
    }
    let stopper = actix_rt::spawn(stop_and_start(bench.clone(), is_reached));

    let mut answers = Vec::new();
    for (place, (context, order)) in saga.orders.iter().enumerate() {
        if *context == CLOCK {
            let by = Duration::from_secs(60 * order.number.unwrap_or_default());
            // A process that is ending saves no clock.
            if let Err(error) = bench.node.advance_clock(by) {
                assert!(store.health().failed.is_some(), "{injection:?}: {error}");
            }
            answers.push(Err(Fault::Away(CLOCK)));
            continue;
        }
        let answer = bench.order(context, under(&format!("order {place}"), order));
        // While nothing becomes durable no client is answered; the next order is sent meanwhile.
        let held = eventually(|| {
            let health = store.health();
            health.durable_commit < health.accepted_commit
                && bench.node.contexts().iter().all(|each| each.health().backlog == 0)
        });
        answers.push(
            tokio::select! { answer = answer => answer, () = held => Err(Fault::Away("no context")) },
        );
    }
    stopper.abort();
    let _ = stopper.await;
    if let Injection::Crash { .. } = injection {
        let (reached, _) = unbounded_channel();
        let left = bench.store.crash();
        bench = Arc::new(
            Bench::of(left, settings(&Injection::None, &turns, reached, saga), |board| {
                (saga.lay_out)(board)
            })
            .ready()
            .await,
        );
    }
    for context in contexts {
        bench.context(context).set_fault(None);
        bench.context(context).start().await;
    }

    // A client without a certain answer asks again under the same key, until there is an answer.
    let asked = answers.iter_mut().enumerate().filter(|(place, _)| saga.orders[*place].0 != CLOCK);
    for (place, answer) in asked {
        let (context, order) = &saga.orders[place];
        let acknowledged = answer.clone();
        for _ in 0..200 {
            let again = bench.order(context, under(&format!("order {place}"), order)).await;
            was_honest(&injection, &acknowledged, &again);
            match again {
                Err(Fault::Busy { .. } | Fault::Away(_) | Fault::Crashed | Fault::Unknown) => {
                    continue;
                }
                Err(Fault::Refused(refusal)) if refusal == Refusal::still_open() => {
                    continue;
                }
                certain => {
                    *answer = certain;
                    break;
                }
            }
        }
        check_promises(&injection, &acknowledged, answer);
    }
    bench.becomes_consistent(saga.right).await;
    let turns = turns.lock().unwrap().clone();
    (turns, bench.store.health().accepted_commit)
}

/// A client that was answered that nothing was done is new when it comes again: nothing had been kept under their key.
fn was_honest(
    injection: &Injection,
    told: &Result<Outcome, Fault>,
    again: &Result<Outcome, Fault>,
) {
    let nothing_done =
        matches!(told, Err(Fault::Busy { .. } | Fault::Away(_) | Fault::Crashed | Fault::Store(_)));
    let was_done =
        matches!(again, Ok(Outcome { replayed: true, .. }) | Err(Fault::RefusedBefore(_)));
    // A client that is not answered yet has no answer to compare.
    if !matches!(told, Err(Fault::Away("no context")))
        && !matches!(injection, Injection::Crash { .. })
    {
        assert!(!(nothing_done && was_done), "{injection:?}: {told:?}, and then {again:?}");
    }
}

/// What a client has been answered stays so: the same number, the same answer.
fn check_promises(
    injection: &Injection,
    told: &Result<Outcome, Fault>,
    again: &Result<Outcome, Fault>,
) {
    match (told, again) {
        (Ok(told), Ok(again)) if told.settled => {
            assert_eq!((told.number, &told.body), (again.number, &again.body), "{injection:?}");
        }
        (Ok(told), _) if !told.settled => {}
        // Try again in a moment: nothing was promised, and the world has gone on.
        (Err(Fault::Refused(told)), _) if told.kind == Kind::RetryLater => {}
        // It was too early: this answer is not kept either.
        (Err(Fault::Refused(told)), _) if *told == Refusal::still_open() => {}
        (Err(Fault::Refused(told)), Err(Fault::Refused(again) | Fault::RefusedBefore(again))) => {
            assert_eq!(told, again, "{injection:?}");
        }
        (Ok(_), Err(fault)) => panic!("{injection:?}: an acknowledged order is gone: {fault}"),
        _ => {}
    }
}

fn late(low: u64, failure_rate: f64) -> Injected {
    Injected { delay_ms: (low, low), failure_rate }
}

/// Every step of `saga` goes wrong in every way.
pub async fn fail_every_step(saga: Saga) {
    let (turns, commits) = run(&saga, Injection::None).await;
    let mut injections = vec![Injection::Pending];
    for ((context, _), count) in turns.iter().filter(|((_, before), _)| *before) {
        for turn in 1..=*count {
            injections.push(Injection::Panic(ChaosPoint::BeforeCommit, context, turn));
            injections.push(Injection::Panic(ChaosPoint::AfterCommit, context, turn));
            injections.push(Injection::Stop(context, turn));
        }
        injections.extend([1, 3, 20].map(|times| Injection::Conflict(context, times)));
        injections.push(Injection::Fault(context, late(20, 0.0)));
        injections.push(Injection::Fault(context, late(300, 0.0)));
        injections.push(Injection::Fault(context, late(0, 1.0)));
    }
    for accepted in 1..=commits {
        injections.extend([0, 1, 3].map(|lost| Injection::Crash { accepted, lost }));
    }
    for injection in injections {
        run(&saga, injection).await;
    }
}
