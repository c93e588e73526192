//! A call that passed its gate: who asks, for what, with which parameters.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use tasker_core::access::{Decision, Permission, Principal, Subject, decide};
use tasker_core::ids::TaskId;
use tasker_core::names::Namespace;
use tasker_engine::use_cases::Operator;
use tasker_store::read::TaskDetail;

use crate::layers::identity::RequestIdentity;
use crate::reply::{Problem, codes, etag};
use crate::request::path::Ids;
use crate::request::query::Query;
use crate::route::Requirement;
use crate::state::ApiState;

/// A call that passed its gate. Handlers take it as their argument.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) principal: Arc<Principal>,
    pub(crate) query: Query,
    requirement: Requirement,
    ids: Ids,
    headers: HeaderMap,
    correlation_id: String,
}

impl Call {
    pub(crate) fn new(
        parts: &Parts,
        principal: Arc<Principal>,
        requirement: Requirement,
        ids: Ids,
        query: Query,
    ) -> Self {
        let identity = parts.extensions.get::<RequestIdentity>();
        Self {
            principal,
            query,
            requirement,
            ids,
            headers: parts.headers.clone(),
            correlation_id: identity.map(|identity| identity.correlation_id.clone()).unwrap_or_default(),
        }
    }

    /// The task that the path names.
    ///
    /// # Panics
    /// The route has no such parameter.
    pub(crate) fn task_id(&self) -> TaskId {
        self.ids.task.expect("the path of this route names a task")
    }

    /// The step that the path names.
    ///
    /// # Panics
    /// The route has no such parameter.
    pub(crate) fn step_name(&self) -> &str {
        self.ids.step.as_ref().expect("the path of this route names a step").as_str()
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What ties the call to whatever caused it.
    pub(crate) fn correlation_id(&self) -> &str {
        &self.correlation_id
    }

    /// The task that the path names, if this may be done with it.
    pub(crate) async fn task(&self, api: &ApiState) -> Result<TaskDetail, Problem> {
        let id = self.task_id();
        let detail = api.engine.task_detail(id).await?;
        let namespace = &detail.plan.definition.namespace;
        match self.decide(Subject::Task { namespace, creator: None }) {
            Decision::Allowed => Ok(detail),
            Decision::Denied => Err(self.forbidden()),
            Decision::Hidden => Err(tasker_engine::UseCaseError::task_not_found(id).into()),
        }
    }

    /// Whether something new may be made in a namespace.
    pub(crate) fn permit_in(&self, namespace: &Namespace) -> Result<(), Problem> {
        match self.decide(Subject::Namespace(namespace)) {
            Decision::Allowed => Ok(()),
            Decision::Denied | Decision::Hidden => Err(self.forbidden()),
        }
    }

    /// Whoever acts, and why.
    ///
    /// # Errors
    /// `If-Match` is not well-formed.
    pub(crate) fn operator(&self, reason: Option<String>) -> Result<Operator, Problem> {
        Ok(Operator {
            actor: self.principal.id().to_owned(),
            reason,
            expected: etag::expected(&self.headers)?,
        })
    }

    /// What the route asks for.
    ///
    /// # Panics
    /// It asks for none.
    pub(crate) fn permission(&self) -> Permission {
        match self.requirement {
            Requirement::Permission(permission) => permission,
            Requirement::Public | Requirement::Known => panic!("this route asks for no permission"),
        }
    }

    fn decide(&self, subject: Subject<'_>) -> Decision {
        decide(&self.principal, self.permission(), subject)
    }

    fn forbidden(&self) -> Problem {
        forbidden(self.permission())
    }
}

/// Refuses whoever lacks a permission.
pub(crate) fn forbidden(permission: Permission) -> Problem {
    Problem::new(&codes::AUTHORIZATION_FAILED, format!("this needs the permission {permission}"))
        .with("permission", permission.to_string())
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let call = parts.extensions.remove::<Self>();
        call.ok_or_else(|| {
            Problem::new(&codes::INTERNAL_ERROR, "the request could not be served")
                .caused_by("a handler was reached without passing its gate")
        })
    }
}
