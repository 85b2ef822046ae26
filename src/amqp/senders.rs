//! Who sends commands over the broker, and the audit of what they do.

use super::message::InboundCommand;
use crate::{
    actors::Fault,
    api::{
        self, Allowance, Answer, Headers, Problem, RateLimits, RequestCost, Requester, header_text,
    },
    audit::{ActionOutcome, AuditEntry, AuditLog, OpenEntry, is_audited},
    credentials::Identifiers,
    identity::{Credentials, Principal},
};
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

/// How those who send commands over the broker are identified, and where it is written down what they do.
#[derive(Debug, Clone, Default)]
pub struct Senders {
    /// The credentials in the header `authorization` of a message.
    pub identifiers: Identifiers,
    /// Who the users of the broker are, by their names. The broker sees to it that a message names the user that sent it, or
    /// none.
    pub users: BTreeMap<String, Arc<Principal>>,
    /// Who sends a message that shows nothing; `None`: it is refused.
    pub otherwise: Option<Arc<Principal>>,
    /// Who did what.
    pub audit: Option<Arc<AuditLog>>,
    /// How often each may send something, over the broker and HTTP together; `None`: any number of times.
    pub rates: Option<Arc<RateLimits>>,
}

impl Senders {
    /// Who sends `message`: by its header `authorization`, or else by the user of the broker that it names.
    pub(super) async fn identify(
        &self,
        message: &InboundCommand,
    ) -> Result<Arc<Principal>, Problem> {
        let authorization = header_text(message, "authorization");
        let credentials = Credentials {
            authorization,
            acting_as: header_text(message, "x-holdfast-as"),
            ..Credentials::default()
        };
        if let Some(principal) = self.identifiers.identify(credentials).await? {
            return Ok(principal);
        }
        // Credentials of an unknown kind are not passed over for others.
        if message.header("authorization").is_some() {
            return Err(unknown_sender());
        }
        let user = message.user.as_ref().and_then(|user| self.users.get(user.as_str()));
        user.or(self.otherwise.as_ref()).cloned().ok_or_else(unknown_sender)
    }

    /// Takes what a command by `method` costs from what its sender may do, who is `who`, or is not known. What is left, where that
    /// is limited.
    pub(super) fn check_rate(
        &self,
        who: Option<&Principal>,
        message: &InboundCommand,
        method: &str,
    ) -> Result<Option<Allowance>, Problem> {
        let user = message.user.as_ref().map_or("", |user| user.as_str());
        let requester = who.map_or(Requester::BrokerUser(user), Requester::Known);
        let cost = RequestCost { requests: NonZeroU32::MIN, is_post: method == "POST" };
        api::check_rate(self.rates.as_deref(), requester, cost)
    }

    /// Writes down what `who` begins, if that is audited. Where that fails, it must not be done.
    pub(super) async fn begin_audit(
        &self,
        who: &Principal,
        method: &str,
        path: &str,
    ) -> Result<Option<OpenEntry>, Problem> {
        let Some(log) = self.audit.as_ref().filter(|_| is_audited(who)) else { return Ok(None) };
        if !log.has_room() {
            return Err(Fault::DiskFull.into());
        }
        let entry = AuditEntry::new(who, log.now(), method, path);
        Ok(Some(log.begin(entry).await.map_err(Fault::from)?))
    }

    /// Writes down how it ended. Where that fails the line says that the outcome is not known.
    pub(super) async fn finish_audit(&self, open: OpenEntry, reply: &Result<Answer, Problem>) {
        let Some(log) = &self.audit else { return };
        let outcome = match reply {
            Ok(answer) => {
                let location = answer.headers.iter().find(|(name, _)| *name == "location");
                let location = location.map(|(_, url)| url.as_str());
                ActionOutcome::done(answer.status, location, answer.owner.as_deref())
            }
            Err(problem) => ActionOutcome::refused(problem.status(), problem.code()),
        };
        if let Err(error) = log.finish(open, outcome).await {
            tracing::warn!(%error, "failed to audit an outcome");
        }
    }
}

fn unknown_sender() -> Problem {
    Problem::new(
        "invalid-token",
        "a command shows who sends it: by the header `authorization`, or by the property `user_id` with a user of the broker \
         that `amqp.users` lists",
        "명령을 보낸 사람을 알 수 없습니다. `authorization` 헤더, 또는 `amqp.users`에 있는 브로커 사용자의 `user_id` 속성이 필요합니다",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::{Identify, Role, Unidentified},
        store::{MemoryStore, Store},
    };
    use futures_util::{FutureExt, future::BoxFuture};
    use lapin::{
        BasicProperties,
        types::{AMQPValue, FieldTable},
    };

    /// Knows `Bearer good`, and refuses `Bearer bad`.
    struct OneToken;

    impl Identify for OneToken {
        fn identify<'a>(
            &'a self,
            credentials: Credentials<'a>,
        ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
            let found = match credentials.bearer() {
                Some("good") => Ok(Some(named("token", Role::Customer))),
                Some("bad") => Err(Unidentified::Invalid("it is bad")),
                _ => Ok(None),
            };
            std::future::ready(found).boxed()
        }
    }

    fn named(subject: &str, role: Role) -> Arc<Principal> {
        let roles = [role].into_iter().collect();
        Arc::new(Principal { subject: subject.into(), roles, ..Principal::default() })
    }

    fn senders(otherwise: Option<Arc<Principal>>) -> Senders {
        let mut identifiers = Identifiers::default();
        identifiers.push(OneToken);
        let users = BTreeMap::from([("till".to_owned(), named("till", Role::Staff))]);
        Senders { identifiers, users, otherwise, ..Senders::default() }
    }

    fn message(user: Option<&str>, authorization: Option<AMQPValue>) -> InboundCommand {
        let mut headers = FieldTable::default();
        if let Some(value) = authorization {
            headers.insert("Authorization".into(), value);
        }
        let properties = BasicProperties::default().with_headers(headers);
        let properties = match user {
            Some(user) => properties.with_user_id(user.into()),
            None => properties,
        };
        InboundCommand::from_properties(&properties)
    }

    async fn subject(senders: &Senders, message: InboundCommand) -> Result<String, String> {
        let found = senders.identify(&message).await;
        found.map(|who| who.subject.clone()).map_err(|why| why.code().to_string())
    }

    #[tokio::test]
    async fn a_sender_is_known_by_credentials_or_by_its_user_and_is_refused_without_either() {
        let text = |text: &str| Some(AMQPValue::LongString(text.into()));
        let refused = Err("invalid-token".to_owned());
        let closed = senders(None);
        let cases = [
            (None, text("Bearer good"), Ok("token".to_owned())),
            (Some("till"), None, Ok("till".to_owned())),
            // Credentials go before the user, and bad or unknown ones are not passed over for it.
            (Some("till"), text("Bearer good"), Ok("token".to_owned())),
            (Some("till"), text("Bearer bad"), refused.clone()),
            (Some("till"), text("Basic Z29vZA=="), refused.clone()),
            (Some("till"), Some(AMQPValue::Void), refused.clone()),
            (Some("guest"), None, refused.clone()),
            (None, None, refused.clone()),
        ];
        for (user, authorization, expected) in cases {
            let shown = format!("{user:?} {authorization:?}");
            let found = subject(&closed, message(user, authorization)).await;
            assert_eq!(found, expected, "{shown}");
        }
        let open = senders(Some(Arc::new(Principal::development())));
        assert_eq!(subject(&open, message(None, None)).await, Ok("development".to_owned()));
        assert_eq!(subject(&open, message(Some("till"), None)).await, Ok("till".to_owned()));
        assert_eq!(subject(&open, message(None, text("Bearer bad"))).await, refused);
    }

    #[tokio::test]
    async fn what_staff_does_over_the_broker_is_audited_with_its_outcome() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let log = Arc::new(AuditLog::open(&store, Default::default()).unwrap());
        let senders = Senders { audit: Some(log.clone()), ..Senders::default() };
        let customer = named("kim", Role::Customer);
        assert!(senders.begin_audit(&customer, "POST", "/rents").await.unwrap().is_none());
        let till = named("till", Role::Staff);
        let open = senders.begin_audit(&till, "POST", "/books").await.unwrap().unwrap();
        let headers = vec![("location", "http://localhost/books/1".to_owned())];
        let owner = Some("7".into());
        let made = Answer { status: 201, headers, content: None, owner };
        senders.finish_audit(open, &Ok(made)).await;
        let open = senders.begin_audit(&till, "DELETE", "/books/1").await.unwrap().unwrap();
        senders.finish_audit(open, &Err(Problem::not_found())).await;
        let lines = log.list(0, 9).unwrap();
        let lines: Vec<_> = lines.into_iter().map(|line| line.entry.unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].status, lines[0].made.as_deref()), (Some(201), Some("/books/1")));
        assert_eq!((lines[0].owner.as_deref(), lines[1].owner.as_deref()), (Some("7"), None));
        assert_eq!((lines[1].status, lines[1].problem.as_deref()), (Some(404), Some("not-found")));
        assert!(lines.iter().all(|line| line.subject == "till"));
    }
}
