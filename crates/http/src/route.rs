//! A route: a method and a path, and everything that must be said about them before a handler can be reached.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use tasker_core::access::{Action, Permission, Resource};

use crate::operation::Operation;
use crate::state::ApiState;

/// What is required of whoever calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Requirement {
    /// Nothing: anybody may call, and nobody is asked who they are.
    Public,
    /// To say who they are.
    Known,
    /// This permission: for anything at all before the handler is reached, for the thing in question in the handler.
    Permission(Permission),
}

/// What a call costs, so that limits can be told apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cost {
    /// A question whether the server lives: never limited, never turned away.
    Probe,
    /// A look at a few rows.
    Read,
    /// A change.
    Write,
    /// A look at many rows.
    Analytics,
    /// A connection that stays open.
    Stream,
}

/// A route of the API. [`Route::new`] leaves nothing out, so a route without a requirement cannot be written.
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path below the base path, with names of parameters in braces: `/tasks/{task_id}`.
    pub path: &'static str,
    /// What is required of whoever calls.
    pub requirement: Requirement,
    /// What a call costs.
    pub cost: Cost,
    /// What it takes and answers.
    pub operation: Operation,
    endpoint: MethodRouter<ApiState>,
}

impl Route {
    /// A route.
    pub(crate) fn new<H, T>(
        method: Method,
        path: &'static str,
        requirement: Requirement,
        cost: Cost,
        operation: Operation,
        handler: H,
    ) -> Self
    where
        H: Handler<T, ApiState>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("the table holds ordinary methods");
        Self { method, path, requirement, cost, operation, endpoint: on(filter, handler) }
    }

    /// The description, and what is called.
    pub(crate) fn into_parts(mut self) -> (Self, MethodRouter<ApiState>) {
        let endpoint = std::mem::take(&mut self.endpoint);
        (self, endpoint)
    }
}

impl Requirement {
    /// The permission for an action.
    pub(crate) const fn to(resource: Resource, action: Action) -> Self {
        Self::Permission(Permission::of(resource, action))
    }
}
