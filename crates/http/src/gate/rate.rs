//! Not too often: per address before anything is known, per principal afterwards.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::request::Parts;
use tasker_core::access::Principal;

use crate::limits::{Bucket, Verdict};
use crate::reply::Problem;
use crate::route::Cost;
use crate::server::Peer;
use crate::state::ApiState;

/// Counts a request of an address.
pub(super) fn by_peer(api: &ApiState, parts: &Parts, cost: Cost) -> Result<Option<Verdict>, Problem> {
    // Whoever serves the router by other means than ours tells no address: then all share one.
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let address = parts.extensions.get::<Peer>().map_or(unknown, |peer| peer.0.ip());
    count(api, Bucket::Peer(address), cost)
}

/// Counts a request of a principal; those of nobody in particular were counted by their address.
pub(super) fn by_principal(
    api: &ApiState,
    principal: &Principal,
    cost: Cost,
) -> Result<Option<Verdict>, Problem> {
    if principal.is_anonymous() {
        return Ok(None);
    }
    count(api, Bucket::Principal(principal.id()), cost)
}

fn count(api: &ApiState, bucket: Bucket<'_>, cost: Cost) -> Result<Option<Verdict>, Problem> {
    if cost == Cost::Probe {
        return Ok(None);
    }
    api.options.limiter.take(bucket, cost).map(Verdict::check).transpose()
}
