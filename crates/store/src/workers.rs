//! Workers: their heartbeat, and what it compares.

use std::time::Duration;

use serde::Serialize;
use tasker_core::ids::{Fence, Ordinal, TaskId, WorkerId};
use tasker_core::names::HandlerName;
use tasker_core::record::Claim;
use tasker_core::time::Timestamp;

use crate::write::Work;

/// Identity of one claim.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClaimKey {
    /// The task.
    pub task: TaskId,
    /// The step.
    pub ordinal: Ordinal,
    /// The fence.
    pub fence: Fence,
}

impl From<&Claim> for ClaimKey {
    fn from(claim: &Claim) -> Self {
        Self { task: claim.task, ordinal: claim.ordinal, fence: claim.fence }
    }
}

/// One heartbeat (`engine.md` 5). The first one registers the worker.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// Who.
    pub worker: WorkerId,
    /// Name for people, such as `host:pid`.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Handlers it serves.
    pub handlers: Vec<HandlerName>,
    /// Steps it can run at once.
    pub capacity: u32,
    /// Claims it knows of.
    pub held: Vec<ClaimKey>,
    /// Time without heartbeat after which a worker is lost.
    pub lease: Duration,
    /// Whether this worker may judge others lost: as far as it knows it had unbroken contact for a whole lease.
    pub may_judge: bool,
    /// Most rows of lost workers to return.
    pub rescue_limit: usize,
}

impl Heartbeat {
    /// Time between two heartbeats: a worker beats three times in a lease. Claims younger than this may still be on
    /// their way to their worker.
    pub fn interval(&self) -> Duration {
        self.lease / 3
    }

    /// Whether this heartbeat judges other workers. A worker that the store has not heard for a lease must not, whatever
    /// it thinks: a process that was stopped, or whose machine slept, does not know what it missed.
    pub fn judges(&self, heard_before: Option<Timestamp>, now: Timestamp) -> bool {
        self.may_judge && heard_before.is_some_and(|at| now.since(at) <= self.lease)
    }
}

/// What a worker learns from its heartbeat.
#[derive(Debug, Default)]
pub struct HeartbeatAnswer {
    /// The store's time.
    pub now: Timestamp,
    /// The worker had been judged lost or stopped: it must drop everything it holds and register under a new id.
    pub lost: bool,
    /// Claims it holds whose rows are gone, are held by another, or whose task was cancelled. Besides, those among
    /// `unknown` whose task was cancelled: they are to be given back.
    pub revoked: Vec<ClaimKey>,
    /// Claims in its name that it does not know of, older than one heartbeat: to be run or given back.
    pub unknown: Vec<Work>,
    /// Claims of workers that are lost, stopped or unknown: to be settled as `lease_expired`.
    pub orphans: Vec<ClaimKey>,
}

/// A worker as people see it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct WorkerRow {
    /// Who.
    pub id: WorkerId,
    /// Name for people.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Handlers it serves.
    pub handlers: Vec<HandlerName>,
    /// Steps it can run at once.
    pub capacity: u32,
    /// Steps it runs.
    pub running: u32,
    /// First heartbeat.
    pub started_at: Timestamp,
    /// Last heartbeat.
    pub heartbeat_at: Timestamp,
    /// When it was judged lost.
    pub lost_at: Option<Timestamp>,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
}

impl WorkerRow {
    /// Whether it counts as running now.
    pub fn is_live(&self) -> bool {
        self.lost_at.is_none() && self.stopped_at.is_none()
    }
}
