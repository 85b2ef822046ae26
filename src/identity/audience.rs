//! Who may do what: one table, whatever carries a request.

use super::{DEVELOPMENT, Principal, Role};
use crate::domain::{self, Reads};

/// Whom something is for: each route declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everyone: the condition of the server in one word, the documents.
    Public,
    /// Those who may read the things of a context.
    Readers {
        /// `bookrent.rent`
        context: &'static str,
        /// What the context declares.
        reads: Reads,
    },
    /// Those who may send a command to a context.
    Writers {
        /// `bookrent.rent`
        context: &'static str,
        /// Whose command it is.
        role: domain::Role,
    },
    /// Those who administer the server, or one of its contexts.
    Administration(Access),
    /// Those who read metrics and the condition of the server in detail.
    Metrics,
    /// Those who read the events of all contexts, and nodes, which read those of the contexts that theirs listen to.
    Events,
    /// Other nodes. Others must not learn that there is something.
    Node,
}

/// What is done in administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read.
    Read,
    /// Contexts are stopped and started, views rebuilt, events retried.
    Act,
    /// Keys are listed, made and revoked.
    Keys,
    /// Everything that is stored is handed out: a backup.
    Copy,
    /// Faults are injected, the clock is moved. In development only; there is no such thing elsewhere.
    Development,
}

/// Whose a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// It has not been looked up, or no single thing is concerned: the answer is for the audience alone.
    Unknown,
    /// Of this customer, or of staff where there is none.
    Known(Option<&'a str>),
}

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Allow,
    /// There is no such thing for this caller.
    NotFound,
    /// Not to this caller.
    Forbidden,
    /// Not without saying who one is.
    Unauthorized,
}

/// Whether `principal` may do what is for this audience, with a thing of that owner.
pub fn allowed(audience: Audience, principal: Option<&Principal>, owner: Owner<'_>) -> Verdict {
    match (audience, principal) {
        (Audience::Public, _) => Verdict::Allow,
        (Audience::Node, caller) => {
            let is_node = caller.is_some_and(|caller| caller.roles.has(Role::Node));
            if is_node { Verdict::Allow } else { Verdict::NotFound }
        }
        (Audience::Administration(Access::Development), caller)
            if caller.is_none_or(|caller| caller.issuer != DEVELOPMENT) =>
        {
            Verdict::NotFound
        }
        (Audience::Readers { reads: Reads::Public | Reads::PublicWithout(_), .. }, None) => {
            Verdict::Allow
        }
        (_, None) => Verdict::Unauthorized,
        (audience, Some(caller)) if !is_in_scope(audience, caller) => Verdict::Forbidden,
        (audience, Some(caller)) => judge(audience, caller, owner),
    }
}

/// What a caller lacks who is known and may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// One of these roles.
    Role(&'static [Role]),
    /// A scope that this context is in.
    Context(&'static str),
    /// Credentials that are not restricted to some contexts.
    WholeServer,
    /// The claim that says which customer it is.
    Customer,
}

/// What `caller` lacks to whom something for `audience` is forbidden.
pub fn find_lack(audience: Audience, caller: Option<&Principal>) -> Lack {
    let in_scope = caller.is_none_or(|caller| is_in_scope(audience, caller));
    match audience {
        Audience::Readers { context, .. } | Audience::Writers { context, .. } if !in_scope => {
            Lack::Context(context)
        }
        _ if !in_scope => Lack::WholeServer,
        Audience::Readers { reads: Reads::Owner, .. }
        | Audience::Writers { role: domain::Role::Customer | domain::Role::Both, .. }
            if caller.is_some_and(|caller| caller.roles.has(Role::Customer)) =>
        {
            Lack::Customer
        }
        _ => Lack::Role(roles_of(audience)),
    }
}

/// The roles of those whom something is for. Admins are staff too.
fn roles_of(audience: Audience) -> &'static [Role] {
    match audience {
        Audience::Public => &[],
        // Nodes read logs, and nothing else.
        Audience::Readers { reads: Reads::Public | Reads::PublicWithout(_), .. } => {
            &[Role::Customer, Role::Staff, Role::Admin, Role::Operator, Role::Auditor]
        }
        Audience::Readers { reads: Reads::Staff, .. }
        | Audience::Writers { role: domain::Role::Admin, .. } => &[Role::Staff, Role::Admin],
        Audience::Readers { reads: Reads::Owner, .. }
        | Audience::Writers { role: domain::Role::Customer | domain::Role::Both, .. } => {
            &[Role::Customer, Role::Staff, Role::Admin]
        }
        Audience::Administration(Access::Read | Access::Act) | Audience::Metrics => {
            &[Role::Admin, Role::Operator]
        }
        Audience::Administration(Access::Keys | Access::Copy | Access::Development) => {
            &[Role::Admin]
        }
        Audience::Events => &[Role::Admin, Role::Auditor],
        Audience::Node => &[Role::Node],
    }
}

/// To whose things alone lists for `audience` restrict `principal`, who may read them; `None`: they show all.
pub fn restricted_to(audience: Audience, principal: Option<&Principal>) -> Option<&str> {
    let depends = allowed(audience, principal, Owner::Known(None)) == Verdict::NotFound;
    principal.filter(|_| depends)?.customer.as_deref()
}

/// Whether what is for `audience` is among the contexts that `caller` is restricted to.
fn is_in_scope(audience: Audience, caller: &Principal) -> bool {
    match audience {
        Audience::Public | Audience::Node => true,
        Audience::Readers { context, .. } | Audience::Writers { context, .. } => {
            caller.reaches(context)
        }
        // What a node reads of them follows from the contexts that it hosts.
        Audience::Events if caller.roles.has(Role::Node) => true,
        // What concerns the whole server is not for a part of it.
        Audience::Administration(_) | Audience::Metrics | Audience::Events => {
            caller.scopes.is_empty()
        }
    }
}

fn judge(audience: Audience, caller: &Principal, owner: Owner<'_>) -> Verdict {
    let has = |role| caller.roles.has(role);
    let is_one_of_them = || {
        let is_one = roles_of(audience).iter().any(|role| has(*role));
        if is_one { Verdict::Allow } else { Verdict::Forbidden }
    };
    match audience {
        Audience::Public => Verdict::Allow,
        Audience::Readers { reads: Reads::Owner, .. }
        | Audience::Writers { role: domain::Role::Customer | domain::Role::Both, .. } => {
            if has(Role::Staff) {
                return Verdict::Allow;
            }
            match (has(Role::Customer), owner) {
                (false, _) => Verdict::Forbidden,
                // A customer of no name has nothing and can get nothing.
                (true, Owner::Unknown) if caller.customer.is_none() => Verdict::Forbidden,
                (true, Owner::Unknown) => Verdict::Allow,
                (true, Owner::Known(owner))
                    if owner.is_some() && owner == caller.customer.as_deref() =>
                {
                    Verdict::Allow
                }
                (true, Owner::Known(_)) => Verdict::NotFound,
            }
        }
        // Not among the roles that others are advised to get.
        Audience::Events if has(Role::Node) => Verdict::Allow,
        Audience::Node
        | Audience::Readers { .. }
        | Audience::Writers { .. }
        | Audience::Administration(_)
        | Audience::Metrics
        | Audience::Events => is_one_of_them(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Allow, Forbidden, NotFound, Unauthorized};
    use strum::IntoEnumIterator;

    const CONTEXT: &str = "bookrent.rent";

    fn caller(issuer: &str, role: Role, customer: Option<&str>) -> Principal {
        let customer = customer.map(str::to_owned);
        let roles = [role].into_iter().collect();
        Principal { issuer: issuer.into(), roles, customer, ..Principal::default() }
    }

    /// What each of these gets: without credentials, the customer whose it is, another customer, staff, admin, operator,
    /// auditor, node.
    fn row(issuer: &str, audience: Audience, of_thing: bool) -> [Verdict; 8] {
        let owner = if of_thing { Owner::Known(Some("7")) } else { Owner::Unknown };
        let given =
            |role, customer| allowed(audience, Some(&caller(issuer, role, customer)), owner);
        [
            allowed(audience, None, owner),
            given(Role::Customer, Some("7")),
            given(Role::Customer, Some("8")),
            given(Role::Staff, None),
            given(Role::Admin, None),
            given(Role::Operator, None),
            given(Role::Auditor, None),
            given(Role::Node, None),
        ]
    }

    #[test]
    fn the_table_holds_cell_by_cell() {
        const A: Verdict = Allow;
        const F: Verdict = Forbidden;
        const N: Verdict = NotFound;
        const U: Verdict = Unauthorized;
        let readers = |reads| Audience::Readers { context: CONTEXT, reads };
        let writers = |role| Audience::Writers { context: CONTEXT, role };
        let reduced = Reads::PublicWithout(&["userId"]);
        let rows = [
            (Audience::Public, false, [A, A, A, A, A, A, A, A]),
            (readers(Reads::Public), false, [A, A, A, A, A, A, A, F]),
            (readers(Reads::Public), true, [A, A, A, A, A, A, A, F]),
            (readers(reduced), true, [A, A, A, A, A, A, A, F]),
            (readers(Reads::Owner), false, [U, A, A, A, A, F, F, F]),
            (readers(Reads::Owner), true, [U, A, N, A, A, F, F, F]),
            (readers(Reads::Staff), true, [U, F, F, A, A, F, F, F]),
            (writers(domain::Role::Customer), false, [U, A, A, A, A, F, F, F]),
            (writers(domain::Role::Customer), true, [U, A, N, A, A, F, F, F]),
            (writers(domain::Role::Both), true, [U, A, N, A, A, F, F, F]),
            (writers(domain::Role::Admin), true, [U, F, F, A, A, F, F, F]),
            (Audience::Administration(Access::Read), false, [U, F, F, F, A, A, F, F]),
            (Audience::Administration(Access::Act), false, [U, F, F, F, A, A, F, F]),
            (Audience::Administration(Access::Keys), false, [U, F, F, F, A, F, F, F]),
            (Audience::Administration(Access::Copy), false, [U, F, F, F, A, F, F, F]),
            (Audience::Administration(Access::Development), false, [N; 8]),
            (Audience::Metrics, false, [U, F, F, F, A, A, F, F]),
            (Audience::Events, false, [U, F, F, F, A, F, A, A]),
            (Audience::Node, false, [N, N, N, N, N, N, N, A]),
        ];
        for (audience, of_thing, expected) in rows {
            assert_eq!(row("https://id.example", audience, of_thing), expected, "{audience:?}");
        }
        let development = Audience::Administration(Access::Development);
        assert_eq!(row(DEVELOPMENT, development, false), [N, F, F, F, A, F, F, F]);
    }

    #[test]
    fn what_has_no_owner_belongs_to_staff() {
        let audience = Audience::Readers { context: CONTEXT, reads: Reads::Owner };
        for customer in [Some("7"), None] {
            let customer = caller("key", Role::Customer, customer);
            assert_eq!(allowed(audience, Some(&customer), Owner::Known(None)), NotFound);
            let listed = if customer.customer.is_some() { Allow } else { Forbidden };
            assert_eq!(allowed(audience, Some(&customer), Owner::Unknown), listed);
            assert_eq!(restricted_to(audience, Some(&customer)), customer.customer.as_deref());
        }
        let staff = caller("key", Role::Staff, None);
        assert_eq!(allowed(audience, Some(&staff), Owner::Known(None)), Allow);
        assert_eq!(restricted_to(audience, Some(&staff)), None);
        let public = Audience::Readers { context: CONTEXT, reads: Reads::Public };
        let customer = caller("key", Role::Customer, Some("7"));
        assert_eq!(restricted_to(public, Some(&customer)), None);
    }

    #[test]
    fn a_scope_restricts_to_its_contexts() {
        let mut staff = caller("key", Role::Admin, None);
        let audience = Audience::Writers { context: CONTEXT, role: domain::Role::Admin };
        for (scope, expected) in [
            ("bookrent", Allow),
            (CONTEXT, Allow),
            ("bookrent.re", Forbidden),
            ("bookrent.rents", Forbidden),
            ("movie", Forbidden),
        ] {
            staff.scopes = vec![scope.into()];
            assert_eq!(allowed(audience, Some(&staff), Owner::Unknown), expected, "{scope}");
            assert_eq!(allowed(Audience::Events, Some(&staff), Owner::Unknown), Forbidden);
            assert_eq!(allowed(Audience::Public, Some(&staff), Owner::Unknown), Allow);
        }
    }

    #[test]
    fn a_node_reads_events_whatever_it_hosts_and_no_key_becomes_a_node_by_its_scope() {
        let mut node = caller("node", Role::Node, None);
        node.scopes = vec![CONTEXT.into()];
        assert_eq!(allowed(Audience::Events, Some(&node), Owner::Unknown), Allow);
        let mut auditor = caller("key", Role::Auditor, None);
        auditor.scopes = vec![CONTEXT.into()];
        assert_eq!(allowed(Audience::Events, Some(&auditor), Owner::Unknown), Forbidden);
    }

    #[test]
    fn without_a_role_nothing_is_allowed_but_what_is_for_everyone() {
        let roleless =
            Principal { issuer: "key".into(), customer: Some("7".into()), ..Principal::default() };
        let audience = Audience::Readers { context: CONTEXT, reads: Reads::Owner };
        assert_eq!(allowed(audience, Some(&roleless), Owner::Known(Some("7"))), Forbidden);
        assert_eq!(allowed(Audience::Public, Some(&roleless), Owner::Unknown), Allow);
    }

    #[test]
    fn who_is_refused_lacks_something_that_would_let_them_in() {
        let readers = |reads| Audience::Readers { context: CONTEXT, reads };
        let writers = |role| Audience::Writers { context: CONTEXT, role };
        let audiences = [
            readers(Reads::Public),
            readers(Reads::Owner),
            readers(Reads::Staff),
            writers(domain::Role::Customer),
            writers(domain::Role::Both),
            writers(domain::Role::Admin),
            Audience::Administration(Access::Read),
            Audience::Administration(Access::Act),
            Audience::Administration(Access::Keys),
            Audience::Metrics,
            Audience::Events,
        ];
        for audience in audiences {
            for role in Role::iter() {
                for scope in ["", "movie", "bookrent", CONTEXT] {
                    let mut refused = caller("key", role, None);
                    refused.scopes.extend(Some(scope.to_owned()).filter(|scope| !scope.is_empty()));
                    let mut steps = 0;
                    while allowed(audience, Some(&refused), Owner::Unknown) == Forbidden {
                        match find_lack(audience, Some(&refused)) {
                            Lack::Role(roles) => {
                                refused.roles = roles.iter().copied().take(1).collect()
                            }
                            Lack::Context(context) => refused.scopes.push(context.to_owned()),
                            Lack::WholeServer => refused.scopes.clear(),
                            Lack::Customer => refused.customer = Some("7".to_owned()),
                        }
                        steps += 1;
                        assert!(steps < 4, "{audience:?} {refused:?}");
                    }
                }
            }
        }
    }
}
