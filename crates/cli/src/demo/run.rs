//! The demo's main loop: orders come in at a steady pace, the engine works on them, the log is shown.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tasker_core::definition::{LoadOptions, load};
use tasker_engine::Engine;
use tasker_store::read::{Cursor, LogQuery};
use tokio::time::{MissedTickBehavior, interval};

use super::orders;
use super::progress::Progress;
use super::screen::Screen;
use crate::exit::Status;

/// The workflow of an order; the file that people read is the one that runs.
const DEFINITION: &str = include_str!("order.yaml");

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Log entries that are read at once.
const PAGE: usize = 1_000;

/// A demo under way.
pub struct Run<'a> {
    /// Where tasks go.
    pub engine: &'a Engine,
    /// Where the shop is.
    pub shop_url: String,
    /// How many orders.
    pub orders: u32,
    /// How many of them a second.
    pub rate: u32,
    /// Where it is shown.
    pub screen: &'a mut Screen,
    /// What the log told so far.
    pub progress: Progress,
    /// How far the log is read.
    pub cursor: Cursor,
}

/// How a demo ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// All orders ended.
    Whole,
    /// It was stopped before, and the program is to end like this.
    Interrupted(Status),
}

impl Run<'_> {
    /// Registers the workflow, submits the orders, follows them until all ended or `interruption` resolves.
    pub async fn play(&mut self, interruption: impl Future<Output = Status>) -> Result<Ended> {
        self.register().await?;
        let mut interruption = std::pin::pin!(interruption);
        let mut pace = interval(Duration::from_secs(1) / self.rate.max(1));
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut submitted = 0;
        loop {
            tokio::select! {
                status = &mut interruption => return Ok(Ended::Interrupted(status)),
                _ = pace.tick(), if submitted < self.orders => {
                    submitted += 1;
                    self.submit(submitted).await?;
                }
                _ = look.tick() => {
                    self.follow().await?;
                    if submitted == self.orders && self.progress.all_ended() {
                        return Ok(Ended::Whole);
                    }
                }
            }
        }
    }

    async fn register(&self) -> Result<()> {
        let loaded = load(DEFINITION, &LoadOptions::default());
        let Some(definition) = loaded.definition else {
            bail!("the demo's own definition is broken: {:?}", loaded.problems);
        };
        self.engine.register(definition, true).await.context("registering the demo's workflow")?;
        Ok(())
    }

    async fn submit(&mut self, number: u32) -> Result<()> {
        let request = orders::request(number, &self.shop_url)?;
        let task = self.engine.submit(request).await.with_context(|| format!("submitting order {number}"))?;
        self.progress.expect(task.task_id, number);
        Ok(())
    }

    /// Takes in everything that is new in the log.
    pub async fn follow(&mut self) -> Result<()> {
        loop {
            let query = LogQuery { task: None, after: self.cursor, limit: PAGE };
            let entries = self.engine.log(query).await.context("reading the log")?;
            for entry in &entries {
                self.cursor = entry.cursor;
                if let Some(news) = self.progress.note(entry) {
                    self.screen.news(&news);
                }
            }
            if entries.len() < PAGE {
                self.screen.draw(&self.progress);
                return Ok(());
            }
        }
    }
}
