//! Whether a caller may do what a request asks, over any transport.

use super::problem::Problem;
use crate::{
    actors::{Context, Declaration, Fault, RouteInfo, Seen},
    domain::{Refusal, number::LARGEST},
    identity::{Audience, Lack, Owner, Principal, Role, Verdict, allowed, find_lack},
};

/// For whom the things of `context` are.
pub fn readers_of(context: &dyn Declaration) -> Audience {
    Audience::Readers { context: context.name().context, reads: context.reads() }
}

/// For whom the command of `route` is.
pub fn writers_of(context: &dyn Declaration, route: &RouteInfo) -> Audience {
    Audience::Writers { context: context.name().context, role: route.role }
}

/// Refuses a `caller` who is not of the `audience`, whatever thing is concerned.
///
/// # Errors
/// `invalid-token` without credentials, `insufficient-scope`, or `not-found` where there is nothing for this caller.
pub fn check_audience(audience: Audience, caller: Option<&Principal>) -> Result<(), Problem> {
    match allowed(audience, caller, Owner::Unknown) {
        Verdict::Allow => Ok(()),
        Verdict::NotFound => Err(Problem::not_found()),
        Verdict::Forbidden => Err(forbidden(audience, caller)),
        Verdict::Unauthorized => Err(needs_credentials()),
    }
}

/// The problem of a `caller` who is known, and not of the `audience`: what is missing.
fn forbidden(audience: Audience, caller: Option<&Principal>) -> Problem {
    let roles_of = |roles: &[Role]| {
        let names: Vec<&str> = roles.iter().map(|role| role.into()).collect();
        names.join(", ")
    };
    let own: Vec<Role> = caller.map(|caller| caller.roles.list()).unwrap_or_default();
    let own = if own.is_empty() { "-".to_owned() } else { roles_of(&own) };
    let scopes = caller.map(|caller| caller.scopes.join(", ")).unwrap_or_default();
    let (en, ko) = match find_lack(audience, caller) {
        Lack::Role(roles) => {
            let one_of = if roles.len() == 1 { "the role" } else { "one of the roles" };
            let roles = roles_of(roles);
            (
                format!("this needs {one_of} {roles}; the roles of the credentials are: {own}"),
                format!("필요한 역할: {roles}. 인증 정보의 역할: {own}"),
            )
        }
        Lack::Context(context) => (
            format!("the credentials are for {scopes}, and not for {context}"),
            format!("인증 정보의 범위는 {scopes}이며 {context}은(는) 포함되지 않습니다"),
        ),
        Lack::WholeServer => (
            format!(
                "the credentials are for {scopes}; this concerns the whole server, and needs credentials without scopes"
            ),
            format!(
                "인증 정보의 범위는 {scopes}입니다. 서버 전체에 대한 요청에는 범위 제한이 없는 인증 정보가 필요합니다"
            ),
        ),
        Lack::Customer => (NO_CUSTOMER.0.to_owned(), NO_CUSTOMER.1.to_owned()),
    };
    let challenge = "Bearer error=\"insufficient_scope\"".to_owned();
    Problem::new("insufficient-scope", en, ko).with_parameter("www-authenticate", challenge)
}

/// What is said of the credentials of a customer of no name.
pub(super) const NO_CUSTOMER: (&str, &str) = (
    "the credentials are those of a customer, and do not say of which one",
    "고객의 인증 정보이지만 어느 고객인지 알 수 없습니다",
);

/// The problem of a caller without credentials.
pub fn needs_credentials() -> Problem {
    Problem::new("invalid-token", "this needs credentials", "인증 정보가 필요합니다")
        .with_parameter("www-authenticate", "Bearer".to_owned())
}

/// What was `read` of the thing under `number`, if it is for `caller`, who is of the `audience`. A thing of another customer is
/// absent, in the same words.
///
/// # Errors
/// Why it was not read, or that it is absent.
pub fn check_seen(
    context: &dyn Context,
    audience: Audience,
    caller: Option<&Principal>,
    number: u64,
    read: Result<Seen, Fault>,
) -> Result<Seen, Fault> {
    match read {
        Ok(seen) => {
            let verdict = allowed(audience, caller, Owner::Known(seen.owner.as_deref()));
            if verdict == Verdict::Allow { Ok(seen) } else { Err(absent(context, number)) }
        }
        Err(Fault::Refused(_)) => Err(absent(context, number)),
        Err(fault) => Err(fault),
    }
}

/// Refuses a command to the thing under `number` that is not for `caller`, who is of the `audience`; and one to a number that
/// nothing has and nothing will have. The thing is read only where something depends on it.
///
/// # Errors
/// As [`check_seen`].
pub fn check_item(
    context: &dyn Context,
    audience: Audience,
    caller: Option<&Principal>,
    number: u64,
) -> Result<(), Fault> {
    let depends = allowed(audience, caller, Owner::Known(None)) != Verdict::Allow;
    if !depends && number <= LARGEST {
        return Ok(());
    }
    let read = context.read_item(number);
    if depends {
        return check_seen(context, audience, caller, number, read).map(drop);
    }
    // What has such a number was stored before numbers had a bound.
    if matches!(read, Err(Fault::Refused(_))) { Err(absent(context, number)) } else { Ok(()) }
}

/// The fault of a `number` that nothing has.
fn absent(context: &dyn Context, number: u64) -> Fault {
    if number > LARGEST {
        return Fault::OutOfRange("id".into());
    }
    Fault::Refused(Refusal::absent(context.name()))
}
