//! How one execution of a step ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::payload::Payload;

/// How one execution ended, as its worker (or the rescuer) reports it.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// The handler gave a result.
    Success(Payload),
    /// The handler failed, or its attempt was ended for it (timeout, result too large, ...).
    Failure(Failure),
    /// The worker that held the claim is lost.
    LeaseExpired,
    /// The worker stopped and its grace period was over. Counted; tried again at once while attempts remain.
    Interrupted,
}

/// Why an execution failed.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    /// What may happen next.
    pub kind: FailureKind,
    /// Kind of error in CamelCase, such as `StepTimeout`.
    pub class: String,
    /// Stable code, such as `step_timeout` or `HTTP_422`.
    pub code: String,
    /// What went wrong, for people.
    pub message: String,
    /// Whatever helps to understand it, secrets masked.
    pub context: Option<Value>,
}

/// What may happen after a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// May be tried again while attempts remain.
    Retryable {
        /// Whole seconds to wait, asked for by the server or the error.
        retry_after: Option<u32>,
    },
    /// Must not be tried again.
    Permanent,
}

/// The last failure of a step, as it is stored and shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StepError {
    /// Kind of error in CamelCase.
    pub class: String,
    /// Stable code.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// Whether this failure allows another execution (attempts permitting).
    pub retryable: bool,
    /// Whatever helps to understand it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
}

impl Failure {
    /// A failure that may be tried again.
    pub fn retryable(class: &str, code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Retryable { retry_after: None }, class, code, message)
    }

    /// A failure that must not be tried again.
    pub fn permanent(class: &str, code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Permanent, class, code, message)
    }

    /// The same failure, to be tried again no sooner than after so many seconds.
    pub fn after(mut self, seconds: u32) -> Self {
        self.kind = FailureKind::Retryable { retry_after: Some(seconds) };
        self
    }

    /// The same failure with something that helps to understand it.
    pub fn with_context(mut self, context: Value) -> Self {
        self.context = Some(context);
        self
    }

    /// Whole seconds to wait that the failure asks for.
    pub fn retry_after(&self) -> Option<u32> {
        match self.kind {
            FailureKind::Retryable { retry_after } => retry_after,
            FailureKind::Permanent => None,
        }
    }

    /// Whether another execution is allowed, attempts permitting.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, FailureKind::Retryable { .. })
    }

    fn new(kind: FailureKind, class: &str, code: &str, message: impl Into<String>) -> Self {
        Self { kind, class: class.into(), code: code.into(), message: message.into(), context: None }
    }
}

impl From<&Failure> for StepError {
    fn from(failure: &Failure) -> Self {
        Self {
            class: failure.class.clone(),
            code: failure.code.clone(),
            message: failure.message.clone(),
            retryable: failure.is_retryable(),
            context: failure.context.clone(),
        }
    }
}
