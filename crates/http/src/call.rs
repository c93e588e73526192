//! A call that passed its gate: who asks, for what, with which parameters.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use tasker_core::access::{Decision, Extent, Permission, Principal, Reach, Subject, decide, reach};
use tasker_core::ids::TaskId;
use tasker_core::names::Namespace;
use tasker_engine::use_cases::Operator;
use tasker_store::definitions::Selector;
use tasker_store::read::TaskDetail;

use crate::gate;
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
    request_id: String,
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
            request_id: identity.map(|identity| identity.request_id.clone()).unwrap_or_default(),
        }
    }

    /// The same call, if it would be let in again now.
    ///
    /// # Errors
    /// Why it would not.
    pub(crate) async fn asked_again(self, api: &ApiState, parts: &Parts) -> Result<Self, Problem> {
        let principal = gate::ask_again(api, parts, self.requirement).await?;
        Ok(Self { principal, ..self })
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

    /// The namespace that the path names, if this may be done there. Else it is as if there were none.
    ///
    /// # Panics
    /// The route has no such parameter.
    pub(crate) fn namespace(&self) -> Result<&Namespace, Problem> {
        let namespace = self.ids.namespace.as_ref().expect("the path of this route names a namespace");
        match decide(&self.principal, self.permission(), Subject::Namespace(namespace)) {
            Decision::Allowed => Ok(namespace),
            Decision::Denied | Decision::Hidden => {
                Err(tasker_engine::UseCaseError::namespace_not_found(namespace).into())
            }
        }
    }

    /// The definition that the path names, in the version that the path or the query names; without one, or with `latest`,
    /// the latest.
    ///
    /// # Panics
    /// The route has no such parameters.
    pub(crate) fn selector(&self) -> Result<Selector, Problem> {
        let version = match (&self.ids.version, self.query.text("version")) {
            (Some(version), _) => Some(version.clone()),
            (None, None | Some("latest")) => None,
            (None, Some(_)) => self.query.parsed("version")?,
        };
        let name = self.ids.definition.clone().expect("the path of this route names a definition");
        Ok(Selector { namespace: self.namespace()?.clone(), name, version })
    }

    /// The namespaces that a list may tell of.
    pub(crate) fn extent(&self) -> Result<Extent, Problem> {
        let extent = reach(&self.principal, self.permission()).all;
        if extent.is_nowhere() { Err(forbidden(self.permission())) } else { Ok(extent) }
    }

    /// Whether something may be told that is about all namespaces together. Where nothing is required, it may.
    pub(crate) fn permit_everywhere(&self) -> Result<(), Problem> {
        match self.requirement {
            Requirement::Public | Requirement::Known => Ok(()),
            Requirement::Permission(_) if self.extent()? == Extent::Everywhere => Ok(()),
            Requirement::Permission(permission) => Err(forbidden(permission)
                .help("this is about all namespaces, and the caller is limited to some".to_owned())),
        }
    }

    /// The part of a list of tasks with which something may be done.
    pub(crate) fn reach(&self, permission: Permission) -> Result<Reach, Problem> {
        let reach = reach(&self.principal, permission);
        if reach.is_nothing() { Err(forbidden(permission)) } else { Ok(reach) }
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The id of the call.
    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// What ties the call to whatever caused it.
    pub(crate) fn correlation_id(&self) -> &str {
        &self.correlation_id
    }

    /// The task that the path names, if this may be done with it.
    pub(crate) async fn task(&self, api: &ApiState) -> Result<TaskDetail, Problem> {
        self.task_for(api, self.task_id(), self.permission()).await
    }

    /// A task, if this may be done with it.
    pub(crate) async fn task_for(
        &self,
        api: &ApiState,
        id: TaskId,
        permission: Permission,
    ) -> Result<TaskDetail, Problem> {
        let detail = api.engine.task_detail(id).await?;
        self.permit(&detail, permission)?;
        Ok(detail)
    }

    /// Whether something may be done with a task.
    pub(crate) fn permit(&self, task: &TaskDetail, permission: Permission) -> Result<(), Problem> {
        let namespace = &task.plan.definition.namespace;
        let subject = Subject::Task { namespace, creator: task.input.created_by.as_deref() };
        match decide(&self.principal, permission, subject) {
            Decision::Allowed => Ok(()),
            Decision::Denied => Err(forbidden(permission)),
            Decision::Hidden => Err(tasker_engine::UseCaseError::task_not_found(task.record.id).into()),
        }
    }

    /// Whether something new may be made in a namespace.
    pub(crate) fn permit_in(&self, namespace: &Namespace) -> Result<(), Problem> {
        match decide(&self.principal, self.permission(), Subject::Namespace(namespace)) {
            Decision::Allowed => Ok(()),
            Decision::Denied | Decision::Hidden => {
                let permission = self.permission();
                let detail = format!("this needs the permission {permission} in the namespace {namespace}");
                Err(Problem::new(&codes::AUTHORIZATION_FAILED, detail)
                    .with("permission", format!("{permission}@{namespace}")))
            }
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
