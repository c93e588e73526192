//! Whether it is worth looking at all: somebody who may not do this with anything is told so before anything is read.

use tasker_core::access::{Principal, may};

use crate::call::forbidden;
use crate::reply::Problem;
use crate::route::Requirement;
use crate::state::ApiState;

/// Refuses whoever has no grant for this at all.
pub(super) fn check(api: &ApiState, principal: &Principal, requirement: Requirement) -> Result<(), Problem> {
    match requirement {
        Requirement::Public => Ok(()),
        Requirement::Known if principal.is_anonymous() && api.options.authentication.is_enabled() => {
            Err(api.options.authentication.missing())
        }
        Requirement::Known => Ok(()),
        Requirement::Permission(permission) if may(principal, permission) => Ok(()),
        Requirement::Permission(permission) => Err(forbidden(permission)),
    }
}
