//! How often may who ask? The place where limits of rates are asked for, and who counts.

mod buckets;
mod failed_logins;

use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};

use crate::reply::{Problem, codes};
use crate::route::Cost;

pub use buckets::{Rate, Rates, TokenBuckets};
pub(crate) use failed_logins::FailedLogins;

/// Who is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bucket<'a> {
    /// Everybody at this address.
    Peer(IpAddr),
    /// This principal.
    Principal(&'a str),
}

/// What a limiter says to one more request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether it may pass.
    pub is_allowed: bool,
    /// Most requests of a minute.
    pub limit: u32,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// Whole seconds until it may be tried again, or until all may be used again.
    pub reset_seconds: u64,
}

/// Counts requests. Called for every request but probes, so it must not wait.
pub trait Limiter: Send + Sync + 'static {
    /// Counts one more; `None` where nothing is limited.
    fn take(&self, bucket: Bucket<'_>, cost: Cost) -> Option<Verdict>;
}

/// Limits nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Limiter for Unlimited {
    fn take(&self, _: Bucket<'_>, _: Cost) -> Option<Verdict> {
        None
    }
}

impl Verdict {
    /// Lets a request pass, or says why not.
    pub(crate) fn check(self) -> Result<Self, Problem> {
        if self.is_allowed {
            return Ok(self);
        }
        let detail =
            format!("more than {} requests a minute; try again in {} s", self.limit, self.reset_seconds);
        let problem = Problem::new(&codes::RATE_LIMITED, detail).retry_after(self.reset_seconds.max(1));
        Err(self.headers().into_iter().fold(problem, |problem, (name, value)| problem.header(name, value)))
    }

    /// Tells the caller where it stands.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.extend(self.headers());
    }

    fn headers(self) -> [(HeaderName, HeaderValue); 3] {
        [
            (HeaderName::from_static("ratelimit-limit"), self.limit.into()),
            (HeaderName::from_static("ratelimit-remaining"), self.remaining.into()),
            (HeaderName::from_static("ratelimit-reset"), self.reset_seconds.into()),
        ]
    }
}

/// Whoever has one address of IPv6 has 2^64 of them: they count as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}
