//! A claim stays as cheap as on an empty database (where nothing but a few steps were executed), whatever else is in it and
//! whoever holds an old snapshot meanwhile.
//!
//! Counted are the buffers that statements touch, by `pg_stat_statements`. `TASKER_FLAT=full` uses the sizes of the
//! acceptance test and measures each load by itself too (ten minutes), otherwise it is a fiftieth of all of it:
//! `TASKER_FLAT=full cargo nextest run -p tasker-store-postgres --test flat --no-capture`.

mod load;
mod marks;
mod world;

use std::time::{Duration, Instant};

use tasker_testkit::postgres::{Cluster, Durability, Server};

use crate::world::{Touched, World};

/// How much of everything there is.
struct Sizes {
    full: bool,
    finished_steps: usize,
    in_backoff: usize,
    unserved: usize,
    steps_while_held: usize,
}

impl Sizes {
    fn chosen() -> Self {
        let full = std::env::var("TASKER_FLAT").is_ok_and(|sizes| sizes == "full");
        let share = if full { 1 } else { 50 };
        Self {
            full,
            finished_steps: 1_000_000 / share,
            in_backoff: 100_000 / share,
            unserved: 100_000 / share,
            steps_while_held: 200_000 / share,
        }
    }
}

/// So many steps are executed at least.
const STEPS: usize = 2_500;

/// What is touched under one condition.
#[derive(Clone, Copy, Debug)]
struct Costs {
    /// Everything that is done to execute many steps, 500 at a time, while others look at an old snapshot.
    during: Touched,
    /// Claims of the only step that is due.
    alone: Touched,
    /// Claims of one step while 1,000 are due.
    one: Touched,
    /// Claims of ten.
    ten: Touched,
    /// Settlements of ten.
    settled: Touched,
}

impl Costs {
    /// Measures on a database of its own.
    async fn measure(server: &Server, name: &str, loads: &[String], steps_while_held: usize) -> Self {
        let mut world = World::alone_on(server).await;
        for load in loads {
            world.run(load).await;
        }
        let held = if steps_while_held > 0 { Some(world.hold().await) } else { None };
        let during = world.execute(steps_while_held.max(STEPS)).await;
        let (node, other) = (world.another_node().await, world.another_node().await);
        // A node learns from its first looks where the lists begin.
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(500) {
            world.submit(1).await;
            world.claims(&node, 1, 1).await;
        }
        let mut alone = Vec::new();
        for _ in 0..10 {
            world.submit(1).await;
            alone.push(world.claims(&node, 1, 1).await);
        }
        world.submit(1_000).await;
        let costs = Self {
            during,
            alone: Touched::median(&alone),
            one: world.claims(&node, 25, 1).await,
            ten: world.claims(&node, 15, 10).await,
            settled: world.settlements(&other, 10, 10).await,
        };
        drop(held);
        costs.print(name);
        costs
    }

    fn print(&self, name: &str) {
        let Self { during, alone, one, ten, settled } = self;
        println!(
            "{name:28} executing, a step: looks {:4.1}, all {:5.1}; only step due: look {:5.1}, all {:5.1}; 1 of 1,000: look {:5.1}, all {:5.1}; 10 of 1,000, a step: \
             look {:4.1}, all {:4.1}; settling 10, a step: reads {:4.1}, all {:4.1}",
            during.by_looks,
            during.by_step,
            alone.by_look,
            alone.by_step,
            one.by_look,
            one.by_step,
            ten.by_look / 10.0,
            ten.by_step,
            settled.by_reads,
            settled.by_step,
        );
    }

    /// Claims touch at most twice what they touch on an empty database.
    fn assert_flat(&self, empty: &Self, name: &str) {
        let twice = |what: &str, now: f64, before: f64| {
            assert!(now <= 2.0 * before, "{name}: {what}: {now} buffers, on an empty database {before}");
        };
        twice("executing", self.during.by_step, empty.during.by_step);
        twice("a look that finds many", self.one.by_look, empty.one.by_look);
        twice("a claim of one", self.one.by_step, empty.one.by_step);
        twice("a claim of ten", self.ten.by_step, empty.ten.by_step);
        twice("a claim of the only step", self.alone.by_step, empty.alone.by_step);
        twice("what settling reads", self.settled.by_reads, empty.settled.by_reads);
    }
}

#[tokio::test]
async fn claims_stay_flat() {
    let sizes = Sizes::chosen();
    let cluster = Cluster::start(Durability::None);
    let server = Server::at(&cluster.url("postgres"));
    let loads = [
        ("finished steps", load::finished(sizes.finished_steps)),
        ("rows in backoff", load::in_backoff(sizes.in_backoff)),
        ("rows of an unserved handler", load::unserved(sizes.unserved)),
    ];
    let held = sizes.steps_while_held;
    let empty = Costs::measure(&server, "empty", &[], 0).await;
    // One by one: tells which of them it is.
    if sizes.full {
        for (name, load) in &loads {
            let costs = Costs::measure(&server, name, std::slice::from_ref(load), 0).await;
            costs.assert_flat(&empty, name);
        }
        let name = "a held transaction";
        Costs::measure(&server, name, &[], held).await.assert_flat(&empty, name);
    }
    let all = loads.map(|(_, load)| load);
    Costs::measure(&server, "all of it", &all, held).await.assert_flat(&empty, "all of it");
}
