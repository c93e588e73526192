//! So much at once and no more, and nothing new once the server stops: whoever comes then is told to come back.

use tokio::sync::OwnedSemaphorePermit;

use crate::reply::{Problem, codes};
use crate::route::Cost;
use crate::state::ApiState;

/// A request that is worked on; held until it is answered.
pub(super) struct Admission {
    _place: Option<OwnedSemaphorePermit>,
}

/// Lets a request in, if there is a place for it. Probes need none.
pub(super) fn admit(api: &ApiState, cost: Cost) -> Result<Admission, Problem> {
    if cost == Cost::Probe {
        return Ok(Admission { _place: None });
    }
    if api.draining.is_cancelled() {
        return Err(refusal("this server is stopping").retry_after(1));
    }
    match api.requests.clone().try_acquire_owned() {
        Ok(place) => Ok(Admission { _place: Some(place) }),
        Err(_) => Err(refusal("this server has as much to do as it may").retry_after(1)),
    }
}

fn refusal(why: &str) -> Problem {
    Problem::new(&codes::SERVICE_UNAVAILABLE, why)
}
