//! Not too often: per principal, and per address whoever does not say who they are.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::request::Parts;
use tasker_core::access::Principal;

use crate::limits::{Bucket, Verdict};
use crate::reply::Problem;
use crate::route::Cost;
use crate::server::Peer;
use crate::state::ApiState;

/// Where a request comes from.
pub(super) fn address(parts: &Parts) -> IpAddr {
    // Whoever serves the router by other means than ours tells no address: then all share one.
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    parts.extensions.get::<Peer>().map_or(unknown, |peer| peer.0.ip())
}

/// Counts a request of a principal, and one of nobody in particular by its address.
pub(super) fn by_caller(
    api: &ApiState,
    parts: &Parts,
    principal: &Principal,
    cost: Cost,
) -> Result<Option<Verdict>, Problem> {
    if principal.is_anonymous() {
        return by_peer(api, parts, cost);
    }
    count(api, Bucket::Principal(principal.id()), cost)
}

/// Counts a request of an address.
pub(super) fn by_peer(api: &ApiState, parts: &Parts, cost: Cost) -> Result<Option<Verdict>, Problem> {
    count(api, Bucket::Peer(address(parts)), cost)
}

fn count(api: &ApiState, bucket: Bucket<'_>, cost: Cost) -> Result<Option<Verdict>, Problem> {
    if cost == Cost::Probe {
        return Ok(None);
    }
    let verdict = api.options.limiter.take(bucket, cost);
    if verdict.is_some_and(|verdict| !verdict.is_allowed) {
        api.options.observer.rate_limited(bucket);
    }
    verdict.map(Verdict::check).transpose()
}
