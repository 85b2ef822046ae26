//! What must hold when nothing is left to do.

use super::{
    super::{
        mirror::Mirror,
        owners::{Owners, saga_of},
    },
    World,
};
use holdfast::actors::Context;
use std::sync::Arc;

impl World {
    /// What must hold when nothing is left to do.
    pub fn judge(&mut self) {
        // What was read as it happened may have been changed since.
        self.mirrors.all.iter_mut().for_each(|mirror| mirror.forget());
        let mut found = Vec::from_iter(self.read_logs_and_say(&mut |_| ()).err());
        self.mirrors.begun.borrow_mut().clear();
        self.acknowledged_stands();
        let contexts = self.contexts();
        for (mirror, context) in self.mirrors.all.iter_mut().zip(&contexts) {
            let rest = mirror.at_rest(context.as_ref());
            found.extend(rest.err().map(|what| format!("{}: {what}", mirror.name())));
            let host = self.cluster.hosts[mirror.name().context];
            let damaged = context.health().damage.filter(|_| !self.lives[host].disk.was_damaged());
            found.extend(damaged.map(|what| format!("{} is damaged: {what}", mirror.name())));
        }
        found.extend(self.holds_for_owners(&contexts).err());
        found.extend(self.holds_for_orders().err());
        found.extend(self.mirrors.ledger.holds_at_rest().err());
        let models = self.business.models.iter().zip(self.scenes());
        found.extend(models.filter_map(|(model, scene)| (model.finally)(&scene).err()));
        found.into_iter().for_each(|what| self.wrong(what));
    }

    /// What is held for an order is held for one that is there.
    fn holds_for_orders(&self) -> Result<(), String> {
        for mirror in self.each() {
            for (number, order, of) in mirror.held_for() {
                if self.find(order.system, order.short()).things().get(of).is_none() {
                    let name = mirror.name();
                    return Err(format!(
                        "{name} #{number} is held for {order} #{of}, which is not there"
                    ));
                }
            }
        }
        Ok(())
    }

    /// The customer who began a saga is on each of its events, and each row that belongs to it is that customer's.
    fn holds_for_owners(&self, contexts: &[Arc<dyn Context>]) -> Result<(), String> {
        let mut owners = Owners::default();
        let of = |mirror: &dyn Mirror, what: String| format!("{}: {what}", mirror.name());
        for mirror in self.each() {
            mirror.note_owners(&mut owners).map_err(|what| of(mirror, what))?;
        }
        for ((context, number), customer) in &self.promises.made_for {
            let saga = saga_of(self.mirrors.all[*context].name().context, *number);
            owners.holds(&saga, customer)?;
        }
        let decides =
            |context: &&Arc<dyn Context>| context.is_order() && context.event_log().is_some();
        for (mirror, context) in self.each().zip(contexts).filter(|(mirror, _)| mirror.is_owned()) {
            let is_near = |order: &&Arc<dyn Context>| order.name().system == mirror.name().system;
            let order = contexts.iter().filter(decides).find(is_near);
            let order = order.map_or("", |context| context.name().context);
            let rows = mirror.has_owned_rows(context.as_ref(), order, &owners);
            rows.map_err(|what| of(mirror, what))?;
        }
        Ok(())
    }
}
