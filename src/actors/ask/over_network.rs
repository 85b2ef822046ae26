//! An asked context with a network in front of it: questions and answers are delayed, doubled, lost and reordered.

use super::{
    directory::{AskRequest, Askable},
    guard::AnswerReceiver,
};
use crate::{
    actors::port::network::{Network, Transmission, TransmissionKind},
    domain::NoAnswer,
    sync,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

/// An asker has given up long before.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The way back to one asker: the first answer counts.
type Reply = Arc<Mutex<Option<oneshot::Sender<Result<(), NoAnswer>>>>>;

/// A context that is asked over a network.
pub struct OverNetwork {
    pub context: &'static str,
    pub askable: Arc<dyn Askable>,
    pub network: Arc<dyn Network>,
}

impl Askable for OverNetwork {
    fn owner_of(&self, number: u64) -> Option<Arc<str>> {
        self.askable.owner_of(number)
    }
    fn put_question(&self, question: AskRequest) -> AnswerReceiver {
        let (reply, answer) = oneshot::channel();
        let reply: Reply = Arc::new(Mutex::new(Some(reply)));
        let asker = question.id.context.clone();
        let asked = Transmission { kind: TransmissionKind::Ask, from: &asker, to: self.context };
        for pause in self.network.deliveries(asked) {
            let question = question.again();
            let reply = reply.clone();
            let asker = asker.clone();
            let context = self.context;
            let askable = self.askable.clone();
            let network = self.network.clone();
            let id = question.id.clone();
            actix::spawn(async move {
                sleep(pause).await;
                // A context that is away drops the question, and its asker is not told.
                let Ok(Ok(answer)) = timeout(FORGOTTEN, askable.put_question(question)).await
                else {
                    return;
                };
                network.observe_answer(context, &id, &answer);
                let answered =
                    Transmission { kind: TransmissionKind::Answer, from: context, to: &asker };
                for pause in network.deliveries(answered) {
                    let reply = reply.clone();
                    let answer = answer.clone();
                    actix::spawn(async move {
                        sleep(pause).await;
                        if let Some(reply) = sync::lock(&reply).take() {
                            let _ = reply.send(answer);
                        }
                    });
                }
            });
        }
        // What is lost is not noticed by the one who waits for it.
        actix::spawn(async move {
            sleep(FORGOTTEN).await;
            drop(reply);
        });
        answer
    }
}
