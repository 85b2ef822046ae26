//! How often a caller may call, over any transport: buckets for each customer, each key with a rate, each address and each user of
//! the broker, by governor.

use crate::{
    identity::{Principal, Role},
    sync,
};
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// A higher rate than this is none that could be met.
const HIGHEST_RATE: u32 = 1_000_000;
/// So many callers are known at once. Those that come beyond share one bucket.
const MOST_CALLERS: usize = 20_000;
/// A caller that has been away for so long is forgotten where there are many: all buckets are full again by then, but those of a
/// burst that lasts longer than a minute.
const AWAY: Duration = Duration::from_secs(60);

/// How much customers and callers without credentials may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// How many requests a second.
    pub requests: NonZeroU32,
    /// How many at once, after a pause.
    pub burst: NonZeroU32,
    /// How many requests a second that make something.
    pub posts: NonZeroU32,
}

/// What a request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestCost {
    /// How many requests it counts as.
    pub requests: NonZeroU32,
    /// Whether it makes something.
    pub is_post: bool,
}

/// Who sends a request, as far as is known.
#[derive(Debug, Clone, Copy)]
pub enum Requester<'a> {
    /// One whose credentials are valid.
    Known(&'a Principal),
    /// One without, at this address.
    At(IpAddr),
    /// One without, over the broker, as this user of it.
    BrokerUser(&'a str),
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Caller {
    /// By its identifier.
    Principal(String),
    /// A caller without credentials, at this address.
    Address(IpAddr),
    /// A caller without credentials, as this user of the broker.
    BrokerUser(String),
    /// All that came while too many others were known.
    Rest,
}

/// What is left to a caller that has a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many requests a second.
    pub rate: NonZeroU32,
    /// How many at once.
    pub burst: NonZeroU32,
    /// How many now.
    pub remaining: u32,
}

/// A caller has called too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    /// The limit that was met.
    pub allowance: Allowance,
    /// When the request is worth another try.
    pub wait: Duration,
}

/// The time since the limits were made.
#[derive(Clone)]
struct EdgeClock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock for EdgeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.0)()
    }
}

/// One rate of one caller.
struct Bucket {
    rate: NonZeroU32,
    burst: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, EdgeClock, StateInformationMiddleware>,
    clock: EdgeClock,
}

impl Bucket {
    fn new(rate: NonZeroU32, burst: NonZeroU32, clock: &EdgeClock) -> Self {
        let quota = Quota::per_second(rate).allow_burst(burst);
        let limiter = RateLimiter::new(quota, InMemoryState::default(), clock.clone());
        Self { rate, burst, limiter, clock: clock.clone() }
    }

    fn take(&self, cost: NonZeroU32) -> Result<Allowance, TooOften> {
        let Self { rate, burst, .. } = *self;
        // What costs more than there ever is costs all.
        let taken = self.limiter.check_n(cost.min(burst)).ok();
        let refused = |wait| TooOften { allowance: Allowance { rate, burst, remaining: 0 }, wait };
        match taken {
            Some(Ok(state)) => {
                Ok(Allowance { rate, burst, remaining: state.remaining_burst_capacity() })
            }
            Some(Err(until)) => Err(refused(until.wait_time_from(self.clock.now()))),
            None => Err(refused(Duration::from_secs(1))),
        }
    }
}

/// The buckets of one caller.
struct Buckets {
    all: Bucket,
    posts: Option<Bucket>,
    used: Duration,
}

/// How often each caller may call this node.
pub struct RateLimits {
    settings: RateSettings,
    clock: EdgeClock,
    callers: Mutex<HashMap<Caller, Buckets>>,
    most: usize,
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The network that `address` is counted as: a customer of a provider has a whole /64 of IPv6.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
        address => address,
    }
}

/// Who is counted, and the rate of its own that its credentials name. Those who run the business and its machines have no limit
/// unless their key names one.
fn find_limit(requester: Requester<'_>) -> Option<(Caller, Option<NonZeroU32>)> {
    let principal = match requester {
        Requester::Known(principal) => principal,
        Requester::At(address) => return Some((Caller::Address(network_of(address)), None)),
        Requester::BrokerUser(user) => return Some((Caller::BrokerUser(user.to_owned()), None)),
    };
    let own_rate = principal.rate.and_then(|rate| NonZeroU32::new(rate.min(HIGHEST_RATE)));
    let free = [Role::Staff, Role::Admin, Role::Operator, Role::Auditor, Role::Node];
    let is_free = principal.issuer == "key" || free.iter().any(|role| principal.roles.has(*role));
    (own_rate.is_some() || !is_free).then(|| (Caller::Principal(principal.identifier()), own_rate))
}

impl RateLimits {
    /// Limits on the machine's clock.
    #[must_use]
    pub fn new(settings: RateSettings) -> Self {
        let began = Instant::now();
        Self::with_clock(settings, move || began.elapsed())
    }

    fn with_clock(
        settings: RateSettings,
        since: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        let clock = EdgeClock(Arc::new(since));
        Self { settings, clock, callers: Mutex::default(), most: MOST_CALLERS }
    }

    /// Takes what a request costs from what its sender may do; `None` where the sender has no limit.
    ///
    /// # Errors
    /// [`TooOften`]: then nothing may be done for the request.
    pub fn take(
        &self,
        requester: Requester<'_>,
        cost: RequestCost,
    ) -> Result<Option<Allowance>, TooOften> {
        let Some((caller, own_rate)) = find_limit(requester) else { return Ok(None) };
        let mut callers = sync::lock(&self.callers);
        let now = self.clock.now();
        if !callers.contains_key(&caller) && callers.len() >= self.most {
            callers.retain(|_, buckets| now.saturating_sub(buckets.used) < AWAY);
        }
        let is_known = callers.contains_key(&caller) || callers.len() < self.most;
        let caller = if is_known { caller } else { Caller::Rest };
        let buckets = callers.entry(caller).or_insert_with(|| self.make_buckets(own_rate, now));
        buckets.used = now;
        if let Some(posts) = buckets.posts.as_ref().filter(|_| cost.is_post) {
            posts.take(NonZeroU32::MIN)?;
        }
        buckets.all.take(cost.requests).map(Some)
    }

    fn make_buckets(&self, own_rate: Option<NonZeroU32>, used: Duration) -> Buckets {
        let RateSettings { requests, burst, posts } = self.settings;
        let bucket = |rate, burst| Bucket::new(rate, burst, &self.clock);
        let twice = |rate: NonZeroU32| rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        match own_rate {
            Some(rate) => Buckets { all: bucket(rate, twice(rate)), posts: None, used },
            None => {
                Buckets { all: bucket(requests, burst), posts: Some(bucket(posts, posts)), used }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const GET: RequestCost = RequestCost { requests: NonZeroU32::MIN, is_post: false };
    const POST: RequestCost = RequestCost { is_post: true, ..GET };

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn limits() -> (RateLimits, Arc<AtomicU64>) {
        let millis = Arc::new(AtomicU64::new(0));
        let clock = millis.clone();
        let settings = RateSettings { requests: number(20), burst: number(40), posts: number(5) };
        let limits =
            RateLimits::with_clock(settings, move || Duration::from_millis(clock.load(Relaxed)));
        (limits, millis)
    }

    fn customer(name: &str) -> Principal {
        Principal {
            subject: name.into(),
            roles: [Role::Customer].into_iter().collect(),
            ..Principal::default()
        }
    }

    fn taken(limits: &RateLimits, who: Option<&Principal>, cost: RequestCost) -> u32 {
        let who = who.map_or(Requester::At(HERE), Requester::Known);
        (0..1_000).take_while(|_| limits.take(who, cost).is_ok()).count() as u32
    }

    #[test]
    fn a_customer_has_a_burst_and_then_its_rate_and_gets_to_know_when() {
        let (limits, millis) = limits();
        let one = customer("1");
        let first = limits.take(Requester::Known(&one), GET).unwrap().unwrap();
        assert_eq!((first.rate, first.burst, first.remaining), (number(20), number(40), 39));
        assert_eq!(taken(&limits, Some(&one), GET), 39);
        let refused = limits.take(Requester::Known(&one), GET).unwrap_err();
        assert_eq!(refused.wait, Duration::from_millis(50));
        assert_eq!(taken(&limits, Some(&customer("2")), GET), 40);
        millis.store(1_000, Relaxed);
        assert_eq!(taken(&limits, Some(&one), GET), 20);
    }

    #[test]
    fn what_makes_something_has_a_rate_of_its_own_and_long_reads_cost_more() {
        let (limits, _) = limits();
        let one = customer("1");
        assert_eq!(taken(&limits, Some(&one), POST), 5);
        assert_eq!(taken(&limits, Some(&one), GET), 35);
        let page = RequestCost { requests: number(10), is_post: false };
        assert_eq!(taken(&limits, Some(&customer("2")), page), 4);
        let huge = RequestCost { requests: number(1_000), is_post: false };
        assert_eq!(taken(&limits, Some(&customer("3")), huge), 1);
    }

    #[test]
    fn strangers_are_counted_by_their_network() {
        let (limits, _) = limits();
        let take = |address: &str| limits.take(Requester::At(address.parse().unwrap()), GET);
        assert!((0..40).all(|host| take(&format!("2001:db8::{host:x}")).is_ok()));
        assert!(take("2001:db8::ffff:1").is_err());
        assert!(take("2001:db8:0:1::1").is_ok());
        let user = |name| limits.take(Requester::BrokerUser(name), POST);
        assert!((0..5).all(|_| user("shop").is_ok()));
        assert!(user("shop").is_err() && user("till").is_ok());
        assert!((0..40).all(|_| take("192.0.2.1").is_ok()));
        assert!(take("::ffff:192.0.2.1").is_err());
        assert!(take("192.0.2.2").is_ok());
    }

    #[test]
    fn who_runs_the_business_and_its_machines_have_no_limit_unless_a_key_names_one() {
        let (limits, _) = limits();
        for role in [Role::Staff, Role::Admin, Role::Operator, Role::Auditor, Role::Node] {
            let who = Principal { roles: [role].into_iter().collect(), ..Principal::default() };
            assert_eq!(limits.take(Requester::Known(&who), GET), Ok(None), "{role:?}");
        }
        let key = Principal { issuer: "key".into(), ..customer("a") };
        assert_eq!(limits.take(Requester::Known(&key), POST), Ok(None));
        let limited = Principal { rate: Some(3), ..key.clone() };
        assert_eq!(taken(&limits, Some(&limited), POST), 6);
        let fast = Principal { subject: "b".into(), rate: Some(u32::MAX), ..key };
        assert!(
            limits.take(Requester::Known(&fast), GET).is_ok_and(|allowance| allowance.is_some())
        );
    }

    #[test]
    fn the_memory_for_callers_is_bounded_and_those_beyond_share_a_bucket() {
        let (limits, millis) = limits();
        let limits = RateLimits { most: 3, ..limits };
        for name in ["1", "2", "3"] {
            assert_eq!(taken(&limits, Some(&customer(name)), GET), 40);
        }
        assert_eq!(taken(&limits, Some(&customer("4")), GET), 40);
        assert_eq!(taken(&limits, Some(&customer("5")), GET), 0);
        assert!(sync::lock(&limits.callers).len() <= 4);
        millis.store(60_000, Relaxed);
        assert_eq!(taken(&limits, Some(&customer("6")), GET), 40);
        assert_eq!(sync::lock(&limits.callers).len(), 1);
    }
}
