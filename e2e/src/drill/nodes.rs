//! Drills on nodes: nothing done to them, killed, frozen.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use tasker_torture::{Proof, Scene, fault};

use super::{Drill, Place, Store};

/// How long it may take until the steps of a dead node run again: on a server its lease has to run out, with a file the
/// operating system tells that it is gone.
fn after_death(store: Store) -> Duration {
    match store {
        Store::Postgres => Duration::from_secs(10),
        Store::Sqlite => Duration::from_secs(2),
    }
}

/// Nothing is done; what is judged is how random workflows run.
pub(super) struct Quiet;

#[async_trait(?Send)]
impl Drill for Quiet {
    fn name(&self) -> &'static str {
        "quiet"
    }

    fn about(&self) -> &'static str {
        "nothing, while random workflows run"
    }

    async fn inflict(&self, _: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        scene.warmed_up(200).await?;
        Ok(Proof { told: "nothing was done".into(), ..Proof::default() })
    }
}

/// `kill -9` for one.
pub(super) struct Kill(pub(super) Store);

#[async_trait(?Send)]
impl Drill for Kill {
    fn name(&self) -> &'static str {
        "kill"
    }

    fn about(&self) -> &'static str {
        "kill -9 for a node"
    }

    fn limit(&self) -> Option<Duration> {
        Some(after_death(self.0))
    }

    async fn inflict(&self, _: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        Ok(Proof { must_lose: true, ..fault::kill(scene).await? })
    }
}

/// `kill -9` for all.
pub(super) struct KillAll(pub(super) Store);

#[async_trait(?Send)]
impl Drill for KillAll {
    fn name(&self) -> &'static str {
        "kill-all"
    }

    fn about(&self) -> &'static str {
        "kill -9 for all nodes at once"
    }

    fn limit(&self) -> Option<Duration> {
        Some(after_death(self.0))
    }

    async fn inflict(&self, _: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        Ok(Proof { must_lose: true, ..fault::kill_all(scene).await? })
    }
}

/// SIGSTOP beyond the lease.
pub(super) struct Freeze;

#[async_trait(?Send)]
impl Drill for Freeze {
    fn name(&self) -> &'static str {
        "freeze"
    }

    fn about(&self) -> &'static str {
        "SIGSTOP for a node, beyond its lease"
    }

    async fn inflict(&self, _: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        Ok(fault::freeze(scene).await?)
    }
}
