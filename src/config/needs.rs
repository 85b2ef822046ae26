//! The contexts that those of this node ask or listen to.

use crate::{
    domain::{Aggregate, Board, Folds, Policies, React, ReactByKey, View},
    systems,
};

/// How a context needs another whose events it takes.
pub const LISTENS: &str = "listens to";

/// One context needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The context that needs it.
    pub by: &'static str,
    /// The context that is needed.
    pub context: &'static str,
    /// `asks` or [`LISTENS`].
    pub how: &'static str,
}

impl Need {
    /// Whether it asks; otherwise it listens.
    pub fn is_ask(&self) -> bool {
        self.how != LISTENS
    }
}

/// What the contexts of `system` need of each other.
pub fn needs_of(system: &str) -> Vec<Need> {
    let mut needs = NeedList(Vec::new());
    systems::lay_out(system, &mut needs);
    needs.0
}

struct NeedList(Vec<Need>);

impl Board for NeedList {
    fn aggregate<A: Aggregate>(&mut self) {
        let by = A::NAME.context;
        let asked = A::MAY_ASK.iter().flat_map(|(_, asked)| asked.iter());
        let asked = asked.map(|name| Need { by, context: name.context, how: "asks" });
        self.0.extend(asked);
        A::whenever(&mut NeededSources { by, needs: &mut self.0 });
    }
    fn view<V: View>(&mut self) {
        V::folds(&mut NeededSources { by: V::NAME.context, needs: &mut self.0 });
    }
}

struct NeededSources<'a> {
    by: &'static str,
    needs: &'a mut Vec<Need>,
}

impl NeededSources<'_> {
    fn add_source(&mut self, context: &'static str) {
        self.needs.push(Need { by: self.by, context, how: LISTENS });
    }
}

impl<A: Aggregate> Policies<A> for NeededSources<'_> {
    fn on<S: Aggregate>(&mut self, _: React<A, S>) {
        self.add_source(S::NAME.context);
    }
    fn on_key<S: Aggregate>(&mut self, _: ReactByKey<A, S>) {
        self.add_source(S::NAME.context);
    }
    fn creating<S: Aggregate>(&mut self, _: fn(&S::Event) -> Option<A::Command>) {
        self.add_source(S::NAME.context);
    }
}

impl<V: View> Folds<V> for NeededSources<'_> {
    fn on<S: Aggregate>(&mut self, _: fn(&S::Event) -> Option<u64>, _: fn(&mut V, &S::Event)) {
        self.add_source(S::NAME.context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rents_ask_books_and_deliveries_listen_to_rents() {
        let needs = needs_of("bookrent");
        for (by, how, context) in [
            ("bookrent.rent", "asks", "bookrent.book"),
            ("bookrent.delivery", "listens to", "bookrent.rent"),
            ("bookrent.book", "listens to", "bookrent.delivery"),
            ("bookrent.view", "listens to", "bookrent.rent"),
        ] {
            assert!(needs.contains(&Need { by, context, how }), "{by} {how} {context}: {needs:?}");
        }
    }
}
