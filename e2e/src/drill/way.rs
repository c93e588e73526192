//! Drills on the way between nodes and their server.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use tasker_torture::{Proof, Scene, fault};

use super::{AFTER_RETURN, Drill, Place, Wishes};

/// Commits whose answer is lost.
const LOST_ANSWERS: usize = 20;

pub(super) fn all() -> Vec<Box<dyn Drill>> {
    vec![Box::new(Way::Cut), Box::new(Way::LoseAnswers), Box::new(Way::Slow)]
}

enum Way {
    Cut,
    LoseAnswers,
    Slow,
}

#[async_trait(?Send)]
impl Drill for Way {
    fn name(&self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::LoseAnswers => "lose-answers",
            Self::Slow => "slow",
        }
    }

    fn about(&self) -> &'static str {
        match self {
            Self::Cut => "all connections are cut, again and again",
            Self::LoseAnswers => "the server commits, and the connection is cut before the answer",
            Self::Slow => {
                "everything takes its time on the way, and then stands still for longer than a lease"
            }
        }
    }

    fn wishes(&self) -> Wishes {
        Wishes { relay: true, ..Wishes::default() }
    }

    fn limit(&self) -> Option<Duration> {
        Some(AFTER_RETURN)
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        let relay = place.relay()?;
        Ok(match self {
            Self::Cut => fault::cut(scene, relay).await?,
            Self::LoseAnswers => {
                Proof { must_take_up: true, ..fault::lose_answers(scene, relay, LOST_ANSWERS).await? }
            }
            Self::Slow => fault::slow(scene, relay).await?,
        })
    }
}
