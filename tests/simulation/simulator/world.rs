//! All of a system: its contexts, laid out on nodes, and what may happen to them.

pub use super::client::{Order, Things};

use super::{
    aggregate::AggregateContext,
    mitigation::Mitigation,
    network::{Flight, Network},
    subscription::Logs,
    systems::Business,
    trace::Trace,
    view::ViewContext,
};
use holdfast::{
    domain::{Aggregate, Board, Name, NoAnswer, View},
    systems,
};
use serde_json::Value;

/// A context, whichever. What a view does not do has a body here.
pub trait Context {
    fn name(&self) -> Name;
    fn things(&self) -> &Things;
    /// A client's request.
    fn enter(&mut self, network: &mut Network, order: &Order);
    /// A question, or the answer to one of ours; says whether it was still waited for.
    fn asked(&mut self, _: &mut Network, _: Flight) {}
    fn settle(&mut self, _: &mut Network, _put: u64, _: Result<(), NoAnswer>) -> bool {
        false
    }
    fn puts(&self) -> Vec<u64> {
        Vec::new()
    }
    fn ears(&self) -> usize;
    fn hears_more(&self, network: &Network, ear: usize) -> bool;
    fn hear(&mut self, network: &mut Network, ear: usize);
    /// Takes something that was set aside again, if anything was.
    fn retry(&mut self, network: &mut Network) -> bool;
    /// Runs the next timer that is due, if one is.
    fn ring(&mut self, _: &mut Network) -> bool {
        false
    }
    fn rebuild(&mut self, _: &mut Network) -> bool {
        false
    }
    fn stop(&mut self, _: &mut Network) {}
    /// Memory is gone, and everything after commit `to`.
    fn crash(&mut self, network: &mut Network, to: u64);
    fn start(&mut self, _: &mut Network) {}
    /// The digest of all that has happened to a thing up to a version.
    fn history(&self, _number: u64, _version: u64) -> Option<u64> {
        None
    }
    /// How often a thing has said that.
    fn said(&self, _number: u64, _event: &str) -> usize {
        0
    }
    /// Everything that it has said: of which thing, and the event as JSON.
    fn events(&self) -> Vec<(u64, Value)> {
        Vec::new()
    }
    /// The names of the events that it may say, by a search through its states.
    fn sayable(&self) -> Vec<String> {
        Vec::new()
    }
    /// What must hold of any context when nothing is left to do.
    fn at_rest(&self, network: &Network) -> Result<(), String>;
}

pub struct World {
    pub network: Network,
    pub contexts: Vec<Box<dyn Context>>,
    pub business: &'static Business,
    /// What clients have sent, to be sent again.
    pub sent: Vec<Order>,
    logs: Logs,
    settings: Value,
}

impl Board for World {
    fn aggregate<A: Aggregate>(&mut self) {
        let me = self.network.place(A::NAME.context);
        self.contexts.push(Box::new(AggregateContext::<A>::new(
            me,
            &mut self.logs,
            &self.settings,
        )));
    }
    fn view<V: View>(&mut self) {
        let me = self.network.place(V::NAME.context);
        self.contexts.push(Box::new(ViewContext::<V>::new(me, &mut self.logs)));
    }
}

impl World {
    pub fn new(
        business: &'static Business,
        seed: u64,
        off: Option<Mitigation>,
        trace: Trace,
    ) -> Self {
        let start: holdfast::domain::Timestamp = business.clock.parse().expect("a time");
        let network = Network::new(seed, start.micros(), off, trace);
        let settings = (business.settings)();
        let mut world = Self {
            network,
            contexts: Vec::new(),
            business,
            sent: Vec::new(),
            logs: Logs::default(),
            settings,
        };
        assert!(
            systems::lay_out(business.system, &mut world),
            "there is no system {}",
            business.system
        );
        world
    }

    fn find(&self, context: &str) -> &dyn Context {
        let found = self.contexts.iter().find(|known| known.name().short() == context);
        found.unwrap_or_else(|| panic!("there is no context {context}")).as_ref()
    }
    /// What there is to see of the context with that short name.
    pub fn all(&self, context: &str) -> &Things {
        self.find(context).things()
    }
    /// How often thing `number` of that context has said `event`.
    pub fn said(&self, context: &str, number: u64, event: &str) -> usize {
        self.find(context).said(number, event)
    }
    /// Each thing that was said in the context of `A`, in order: by which of them, and what.
    pub fn each_said<A: Aggregate>(&self, mut look: impl FnMut(u64, &A::Event)) {
        self.logs.known::<A>().borrow().iter().for_each(|said| look(said.number, &said.event));
    }
    /// Business time.
    pub fn now(&self) -> holdfast::domain::Timestamp {
        self.network.now()
    }
    /// Everything that a context has said, as JSON.
    pub fn events(&self, context: &str) -> Vec<(u64, Value)> {
        self.find(context).events()
    }
    /// A client's request comes to its context, if that is there.
    pub fn enter(&mut self, order: &Order) {
        self.network.trace.say(format_args!("client: {order:?}"));
        let Some(context) =
            self.contexts.iter().position(|known| known.name().collection == order.collection)
        else {
            return self.network.wrong(format!("there is no collection for {order:?}"));
        };
        if self.network.runs(context) {
            self.contexts[context].enter(&mut self.network, order)
        } else {
            self.network.trace.say(format_args!("  no context is there"))
        }
    }

    /// What clients were told stands.
    pub fn acknowledged_stands(&mut self) {
        for ((context, number), (version, history)) in &self.network.acknowledged {
            if self.contexts[*context].history(*number, *version) != Some(*history) {
                let name = self.contexts[*context].name();
                return self.network.wrong(format!(
                    "{name} #{number} was acknowledged as of version {version}, and is gone"
                ));
            }
        }
    }
}
