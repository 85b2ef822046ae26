//! How commands are decided, and what follows from their events.

use super::*;

impl<A: Aggregate> AggregateContext<A> {
    /// Decides `command` on a copy, and writes down what follows.
    pub(super) fn decide(
        &mut self,
        network: &mut Network,
        commit: u64,
        number: u64,
        command: A::Command,
        (from_client, without_undo): (bool, bool),
    ) -> Result<(), Trouble> {
        let id = Id::new(number);
        let withdrawn = command.compensates();
        let (version, before) = self.state(number);
        network.trace.say(format_args!("  #{number} {command:?}"));
        let moment = DecisionContext { id, at: network.now(), settings: &self.settings };
        let events = before.decide(command, &moment).map_err(Trouble::Refused)?;
        if !events.is_empty() {
            let mut after = before.clone();
            events.iter().for_each(|event| after.evolve(event));
            let held = before.held_keys();
            let claimed = after.held_keys();
            let is_taken =
                |key: &&String| self.claims.get(key).is_some_and(|holder| *holder != number);
            if let Some(key) =
                claimed.iter().find(is_taken).filter(|_| network.does(Mitigation::CheckClaims))
            {
                return Err(Trouble::Refused(A::key_refusal(key)));
            }
            let open = before.awaits(id).map(|ask| (ask.callee.context, ask.attempt));
            let opens =
                after.awaits(id).filter(|ask| open != Some((ask.callee.context, ask.attempt)));
            let busy = network.fault_plan.busy;
            if from_client && opens.is_some() && network.happens(busy) {
                return Err(Trouble::Busy);
            }
            held.iter()
                .filter(|key| !claimed.contains(key))
                .for_each(|key| self.claims.remove(commit, key));
            claimed.into_iter().for_each(|key| self.claims.put(commit, key, number));
            if let Some((at, _)) = before.due() {
                self.timers.remove(commit, &(at, number));
            }
            if let Some((at, _)) = after.due() {
                self.timers.put(commit, (at, number), ());
            }
            match after.awaits(id) {
                Some(_) => self.questions.put(commit, number, ()),
                None => self.questions.remove(commit, &number),
            }
            let withheld = events.iter().any(|event| event.as_ref().ends_with("Withheld"));
            let is_mark = version == 0 && (withheld || after.lifecycle() == Lifecycle::Absent);
            self.record(network, commit, (number, version), events, without_undo);
            let version = self.log.borrow().last().map_or(0, |said| said.version);
            if !is_mark || network.does(Mitigation::KeepMarks) {
                self.shown.set(number, &after);
                self.kept.put(commit, number, Kept { state: after, version, commit });
            }
            if let Some(ask) = opens {
                self.put(network, number, ask);
            }
        }
        if let Some(ask) = withdrawn.filter(|_| network.does(Mitigation::KeepWithdrawals)) {
            self.answers.put(commit, ask, Answer::Withdrawn);
        }
        Ok(())
    }

    pub(super) fn put(&mut self, network: &mut Network, number: u64, ask: Ask<A>) {
        let id = AskId::of(Id::<A>::new(number), ask.attempt);
        let put = network.put(id, self.me, ask.callee.context, ask.to, ask.command);
        self.puts.insert(
            put,
            Put { number, callee: ask.callee.context, attempt: ask.attempt, then: ask.then },
        );
    }

    /// A policy, the time or an answer commands, which is never refused.
    pub(super) fn by_itself(
        &mut self,
        network: &mut Network,
        commit: u64,
        number: u64,
        command: A::Command,
        without_undo: bool,
    ) {
        let words = format!("{command:?}");
        if let Err(Trouble::Refused(refusal)) =
            self.decide(network, commit, number, command, (false, without_undo))
        {
            network.wrong(format!(
                "{} #{number} refuses {words}, which no client commands: {refusal}",
                A::NAME
            ));
        }
        self.settled(network, number);
    }

    pub(super) fn admit(
        &mut self,
        network: &mut Network,
        commit: u64,
        order: &Order,
        number: u64,
    ) -> bool {
        if order.is_post() {
            return true;
        }
        match self.state(number).1.lifecycle() {
            Lifecycle::Absent | Lifecycle::Ended(_) => false,
            Lifecycle::Open if network.does(Mitigation::RefuseWhileOpen) => false,
            // What this is against: the order is ended over its open question, as if that had been answered with no.
            Lifecycle::Open => {
                if let Some(ask) = self.state(number).1.awaits(Id::new(number)) {
                    let no = NoAnswer::Refused(Refusal::conflict("cancelled", "", ""));
                    self.by_itself(network, commit, number, (ask.then)(Err(no)), true);
                }
                true
            }
            Lifecycle::Established | Lifecycle::Withdrawn => true,
        }
    }
}
