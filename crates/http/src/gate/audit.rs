//! Who did what: one line of the log for every change that somebody asked for, target `tasker::audit`.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use tasker_core::access::{Permission, Principal};
use tasker_core::ids::TaskId;

use crate::call::Call;
use crate::layers::identity::RequestIdentity;
use crate::route::{Cost, Requirement};

/// A change that somebody asked for.
pub(crate) struct Change {
    principal: Arc<Principal>,
    permission: String,
    method: Method,
    path: String,
    request_id: String,
}

impl Change {
    /// `None` for what changes nothing, and for what changes many tasks: of those each is told by itself.
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

    /// One task's part of a change of many.
    pub(crate) fn of_task(call: &Call, permission: Permission, task: TaskId) -> Self {
        Self {
            principal: call.principal.clone(),
            permission: permission.to_string(),
            method: Method::POST,
            path: format!("/tasks/{task}"),
            request_id: call.request_id().to_owned(),
        }
    }

    /// Logs what came of it.
    pub(crate) fn tell(&self, status: StatusCode) {
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
