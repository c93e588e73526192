//! Who did what: one line of the log for every change that somebody asked for, target `tasker::audit`.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use tasker_core::access::Principal;

use crate::layers::identity::RequestIdentity;
use crate::route::{Cost, Requirement};

/// A change that somebody asked for.
pub(super) struct Change {
    principal: Arc<Principal>,
    permission: String,
    method: Method,
    path: String,
    request_id: String,
}

impl Change {
    /// `None` for what changes nothing.
    pub(super) fn of(
        parts: &Parts,
        principal: &Arc<Principal>,
        requirement: Requirement,
        cost: Cost,
    ) -> Option<Self> {
        let Requirement::Permission(permission) = requirement else { return None };
        let identity = parts.extensions.get::<RequestIdentity>();
        (cost == Cost::Write).then(|| Self {
            principal: principal.clone(),
            permission: permission.to_string(),
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            request_id: identity.map(|identity| identity.request_id.clone()).unwrap_or_default(),
        })
    }

    /// Logs what came of it.
    pub(super) fn tell(&self, status: StatusCode) {
        let decision = match status {
            StatusCode::FORBIDDEN => "denied",
            StatusCode::NOT_FOUND => "not_found",
            _ => "allowed",
        };
        tracing::info!(
            target: "tasker::audit",
            principal = self.principal.id(),
            strategy = self.principal.claims().strategy,
            is_admin = self.principal.is_admin(),
            permission = self.permission,
            decision,
            target.method = %self.method,
            target.path = self.path,
            status = status.as_u16(),
            request.id = self.request_id,
            "a change was asked for"
        );
    }
}
