//! Whether a caller may do what a request asks, over any transport.

use super::problem::Problem;
use crate::{
    actors::{Context, Declaration, Fault, RouteInfo, Seen},
    domain::{Refusal, number::LARGEST},
    identity::{Audience, Owner, Principal, Verdict, allowed},
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
        Verdict::Forbidden => Err(Problem::new(
            "insufficient-scope",
            "none of the caller's roles may do this",
            "호출자의 역할로는 할 수 없습니다",
        )
        .with_parameter("www-authenticate", "Bearer error=\"insufficient_scope\"".to_owned())),
        Verdict::Unauthorized => Err(needs_credentials()),
    }
}

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
