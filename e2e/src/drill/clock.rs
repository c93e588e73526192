//! A drill on clocks: those of nodes are set, with libfaketime and never those of the machine.
//!
//! On PostgreSQL the clock of one node is set, by a day, and nothing may come of it: time is the server's. On SQLite time is
//! that of the machine, so the clocks of all nodes are set, by less than a minute: what waits for a time waits longer, or not
//! as long, and that is all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use rustix::process::Signal;
use tasker_core::time::Timestamp;
use tasker_torture::{Node, Nodes, Proof, Scene};

use super::{Drill, Place, Store, Wishes};

/// How long clocks stay set: longer than a lease.
const WHILE: Duration = Duration::from_secs(8);

/// Where Debian keeps the library, below the folder of the architecture.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Sets clocks.
pub(super) struct Clock(pub(super) Store);

#[async_trait(?Send)]
impl Drill for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn about(&self) -> &'static str {
        match self.0 {
            Store::Postgres => "the clock of a node is set back by an hour and forward by a day",
            Store::Sqlite => "the clocks of all nodes are set forward and back by twenty seconds",
        }
    }

    fn wishes(&self) -> Wishes {
        Wishes { clocks: true, ..Wishes::default() }
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        let steps: &[i64] = match self.0 {
            Store::Postgres => &[-3_600, 86_400],
            Store::Sqlite => &[20, -20],
        };
        let mut told = Vec::new();
        for &seconds in steps {
            scene.warmed_up(60).await?;
            let wrong = self.wrong(scene, place.home.path());
            set(&wrong, seconds)?;
            tokio::time::sleep(WHILE).await;
            // One of them goes, and says when it thinks that this is.
            let witness = scene.nodes.take_oldest();
            let name = witness.name.clone();
            told.push(format!("{name} told a time {} s away", told_by(witness, seconds)?));
            // Before another one begins: nodes of one file have one machine, and so never different times.
            set(&wrong, 0)?;
            scene.nodes.add()?;
        }
        scene.warmed_up(60).await?;
        Ok(Proof { told: told.join(", "), sets_clock: self.0 == Store::Sqlite, ..Proof::default() })
    }
}

impl Clock {
    /// The clocks that are to be set.
    fn wrong(&self, scene: &Scene<'_>, home: &Path) -> Vec<PathBuf> {
        let count = if self.0 == Store::Postgres { 1 } else { usize::MAX };
        scene.nodes.running.iter().take(count).map(|node| file_of(home, &node.name)).collect()
    }
}

/// Lets the clock of each node be set.
pub(super) fn with_clocks(nodes: Nodes, home: &Path) -> Result<Nodes> {
    let (library, home) = (library()?, home.to_owned());
    Ok(nodes.changed(move |name, mut command| {
        let file = file_of(&home, name);
        // A node whose clock cannot be set is found by what it tells.
        let _ = set(std::slice::from_ref(&file), 0);
        command.env("LD_PRELOAD", &library).env("FAKETIME_TIMESTAMP_FILE", file);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.env("RUST_LOG", "info");
        command
    }))
}

fn file_of(home: &Path, name: &str) -> PathBuf {
    home.join(format!("clock-of-{name}"))
}

/// Sets clocks so far away from the machine's. A file is replaced as a whole: half of one would be another time.
fn set(files: &[PathBuf], seconds: i64) -> Result<()> {
    for file in files {
        let new = file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        fs::rename(new, file)?;
    }
    Ok(())
}

fn library() -> Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib")?.flatten();
    let found = folders.map(|folder| folder.path().join(LIBRARY)).find(|path| path.is_file());
    found.context("libfaketime is missing (Debian: apt-get install faketime; cargo xtask test does it)")
}

/// Stops a node gracefully; answers how far away from the machine's the time is of the last line that it writes.
fn told_by(node: Node, expected: i64) -> Result<i64> {
    node.process.signal(Signal::TERM)?;
    let told = node.process.finish()?.expect_code(143)?.stderr;
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = i64::try_from(since_epoch.as_secs())?;
    let line = told
        .lines()
        .rfind(|line| line.contains("worker stopped"))
        .context("it does not say that it stopped")?;
    let time =
        line.split_whitespace().find_map(Timestamp::parse).with_context(|| format!("no time in: {line}"))?;
    let away = time.as_micros() / 1_000_000 - now;
    ensure!((away - expected).abs() < 60, "the clock was {away} s away, not {expected} s: {line}");
    Ok(away)
}
