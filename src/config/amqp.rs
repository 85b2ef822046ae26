//! `[amqp]`: the broker that events are published to and commands come from.

use super::{
    check::{Invalid, require_setting},
    secret::Secrets,
};
use crate::{amqp, credentials::ActAs, identity::Principal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// The broker that events are published to and commands come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Amqp {
    /// URLs of the nodes of a RabbitMQ broker, tried in turn. With one, events are published.
    #[schemars(extend("x-expected" = "a list of URLs such as `amqp://user:password@host:5672/%2f`"))]
    pub url: Secrets,
    /// File that contains the URLs.
    pub url_file: Option<PathBuf>,
    /// Topic exchange that events are published to.
    pub exchange: String,
    /// Whether commands are consumed from queues of the broker too.
    pub commands: bool,
    /// Who the users of the broker are whose commands are taken: `user=role`, with `user=customer/7` for a customer. Messages name
    /// their user in the property `user_id`, which the broker verifies.
    #[schemars(extend("x-expected" = "a list of users with what they are, such as `till=staff` or `shop=customer/7`"))]
    pub users: Vec<String>,
    /// How long a connection to the broker may take to be established.
    #[schemars(range(min = 1, max = 600_000))]
    pub connect_timeout_ms: u64,
    /// How long the broker may take to confirm a published event.
    #[schemars(range(min = 1, max = 600_000))]
    pub confirm_timeout_ms: u64,
    /// Interval of the heartbeats of a connection.
    #[schemars(range(min = 1, max = 600))]
    pub heartbeat_s: u16,
}

impl Default for Amqp {
    fn default() -> Self {
        Self {
            url: Secrets::default(),
            url_file: None,
            exchange: "holdfast.events".into(),
            commands: false,
            users: Vec::new(),
            connect_timeout_ms: 5000,
            confirm_timeout_ms: 3000,
            heartbeat_s: 5,
        }
    }
}

impl Amqp {
    /// Who the users of the broker are, by their names.
    ///
    /// # Errors
    /// What is wrong with the setting.
    pub fn principals(&self) -> Result<BTreeMap<String, Arc<Principal>>, Invalid> {
        let mut found = BTreeMap::new();
        for written in &self.users {
            let invalid = |why: &str| Invalid {
                key: "amqp.users".into(),
                reason: format!("`{written}`: {why}"),
            };
            let parts = written.rsplit_once('=').map(|(user, who)| (user.trim(), who.trim()));
            let (user, who) = parts
                .filter(|(user, _)| !user.is_empty())
                .ok_or_else(|| invalid("expected a user and what it is, such as `till=staff`"))?;
            let who: ActAs = who.parse().map_err(|_| {
                invalid("expected customer/7, customer/7/VIP for one of a grade, staff, admin, operator or auditor")
            })?;
            let principal = Arc::new(who.principal_of("broker", user.to_owned()));
            if found.insert(user.to_owned(), principal).is_some() {
                return Err(invalid("the user is listed twice"));
            }
        }
        Ok(found)
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        let urls = self.url.reveal();
        require_setting(!self.commands || !urls.is_empty(), "amqp.commands", || {
            "commands need a broker: set `amqp.url` too".into()
        })?;
        self.principals()?;
        let wrong = amqp::check_exchange(&self.exchange).err();
        require_setting(wrong.is_none(), "amqp.exchange", || {
            let wrong = wrong.unwrap_or_default();
            format!("`{}` {wrong}; expected a name such as `holdfast.events`", self.exchange)
        })?;
        let error = urls.iter().find_map(|url| amqp::check_url(url).err());
        require_setting(error.is_none(), "amqp.url", || {
            let error = error.unwrap_or_default();
            format!(
                "one of the URLs {error}; expected one such as `amqp://user:password@host:5672/%2f`"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Role;

    fn listed(users: &[&str]) -> Result<BTreeMap<String, Arc<Principal>>, Invalid> {
        let users = users.iter().map(ToString::to_string).collect();
        Amqp { users, ..Amqp::default() }.principals()
    }

    #[test]
    fn a_user_of_the_broker_is_one_principal_and_what_is_no_identity_is_refused() {
        let users = listed(&["till=staff", "a=b = customer/7/VIP"]).unwrap();
        let till = &users["till"];
        assert_eq!((till.issuer.as_str(), till.subject.as_str()), ("broker", "till"));
        assert!(till.roles.has(Role::Staff) && till.customer.is_none());
        let shop = &users["a=b"];
        assert_eq!((shop.customer.as_deref(), shop.grade.as_deref()), (Some("7"), Some("VIP")));
        for wrong in
            ["till", "=staff", "till=", "till=root", "till=node", "till=customer", "a=staff/x/y"]
        {
            let refused = listed(&[wrong]).unwrap_err();
            assert!(refused.key == "amqp.users" && refused.reason.contains(wrong), "{refused:?}");
        }
        assert!(listed(&["till=staff", "till=admin"]).is_err());
    }
}
