//! What is said of rates: what is left to a sender, and that one has sent too much.

use super::{
    problem::Problem,
    rate_limits::{Allowance, RateLimits, RequestCost, Requester, TooOften},
};

/// The name of the one policy of rates.
const POLICY: &str = "requests";

/// Takes what a request costs from what its sender may do; what is left, where that is limited.
///
/// # Errors
/// `quota-exceeded`: then nothing may be done for the request.
pub fn check_rate(
    limits: Option<&RateLimits>,
    requester: Requester<'_>,
    cost: RequestCost,
) -> Result<Option<Allowance>, Problem> {
    limits.map_or(Ok(None), |limits| limits.take(requester, cost).map_err(too_often))
}

/// The headers that say what is left.
pub fn allowance_fields(allowance: &Allowance) -> [(&'static str, String); 2] {
    let Allowance { rate, burst, remaining } = allowance;
    let window = burst.get().div_ceil(rate.get());
    [
        ("ratelimit", format!("\"{POLICY}\";r={remaining};t=1")),
        ("ratelimit-policy", format!("\"{POLICY}\";q={burst};w={window}")),
    ]
}

fn too_often(refused: TooOften) -> Problem {
    let TooOften { allowance, wait } = refused;
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let en = format!(
        "too many requests: {} a second, {} at once; nothing was done",
        allowance.rate, allowance.burst
    );
    let ko = format!(
        "요청이 너무 많습니다. 초당 {}개, 한 번에 {}개까지입니다. 아무것도 처리되지 않았습니다",
        allowance.rate, allowance.burst
    );
    let problem = Problem::new("quota-exceeded", en, ko);
    let problem = problem.with_parameter("retry-after", seconds.to_string());
    let fields = allowance_fields(&allowance).into_iter();
    fields.fold(problem, |problem, (name, value)| problem.with_parameter(name, value))
}
