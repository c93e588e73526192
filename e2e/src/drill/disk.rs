//! Drills on disks that become full: that of the tables, or of the file, and that of the server's log of changes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use tasker_testkit::postgres::{Part, SmallDisk};
use tasker_torture::chance::Chance;
use tasker_torture::{Moments, Proof, Scene};

use super::place::PATIENCE;
use super::{AFTER_RETURN, Drill, Place, Store, Wishes};

/// Set in a process that has mounts of its own, where it may make a disk for all that it starts.
pub const MOUNTED_VARIABLE: &str = "TASKER_DRILLS_HAVE_MOUNTS";

/// How long a disk stays full after that was noticed.
const WHILE: Duration = Duration::from_secs(3);

/// Executions before something is done.
const WARM_UP: usize = 60;

/// Whether this process may make a disk that it sees itself.
pub fn may_mount() -> bool {
    std::env::var_os(MOUNTED_VARIABLE).is_some()
}

/// A small disk that this process sees itself.
pub(super) fn mounted(megabytes: u32) -> Result<SmallDisk> {
    ensure!(may_mount(), "this drill needs mounts of its own: cargo xtask drills --sqlite --only disk");
    SmallDisk::here(megabytes).map_err(anyhow::Error::msg)
}

/// The disk of the tables, or of the file, becomes full.
pub(super) struct Tables(pub(super) Store);

#[async_trait(?Send)]
impl Drill for Tables {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn about(&self) -> &'static str {
        "no space is left for the database"
    }

    fn wishes(&self) -> Wishes {
        Wishes { disk: Some(Part::Tables), ..Wishes::default() }
    }

    fn limit(&self) -> Option<Duration> {
        Some(AFTER_RETURN)
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        let complaint = match self.0 {
            Store::Postgres => "No space left on device",
            Store::Sqlite => "disk is full",
        };
        scene.warmed_up(WARM_UP).await?;
        place.disk()?.fill();
        let told = scene.nodes.says(complaint).await;
        let refused = refused(place, complaint).await;
        tokio::time::sleep(WHILE).await;
        place.disk()?.free();
        told?;
        refused?;
        let returned = scene.now().await?;
        scene.warmed_up(WARM_UP).await?;
        scene.nodes.all_alive()?;
        Ok(Proof {
            told: format!("a node said {complaint:?}, and so did a command"),
            moments: Moments { returns: vec![returned], ..Moments::default() },
            ..Proof::default()
        })
    }
}

/// A command that cannot write says why.
async fn refused(place: &Place, complaint: &str) -> Result<()> {
    // Too large, and too little alike, for the room that is left in pages.
    let mut chance = Chance::new(1);
    let ballast: String = (0..10_000).map(|_| format!("{:016x}", chance.bits())).collect();
    let step = format!(
        "{{ name: a, handler: http, handler_config: {{ url: 'http://localhost/', json: {ballast} }} }}"
    );
    let text = format!("name: large\nversion: '1.0.0'\nstep_templates: [{step}]\n");
    let file = place.home.write("large.yaml", &text)?.display().to_string();
    let register = ["definition", "register", &file, "--database-url", &place.direct];
    let command = place.home.start(&register)?;
    let ended = tokio::task::spawn_blocking(move || command.finish()).await??;
    let ended = ended.expect_code(6).context("registering a definition on a full disk")?;
    let told = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(told.contains(complaint) && told.contains("has space"), "stderr: {told}");
    Ok(())
}

/// The disk of the server's log of changes becomes full: it cannot go on, and ends.
pub(super) struct Log;

#[async_trait(?Send)]
impl Drill for Log {
    fn name(&self) -> &'static str {
        "wal"
    }

    fn about(&self) -> &'static str {
        "no space is left for the server's write-ahead log, and it ends"
    }

    fn wishes(&self) -> Wishes {
        let settings = "max_wal_size = 48MB\nmin_wal_size = 32MB\n";
        Wishes { disk: Some(Part::Log), settings, ..Wishes::default() }
    }

    fn limit(&self) -> Option<Duration> {
        Some(AFTER_RETURN)
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        let cluster = place.cluster()?;
        scene.warmed_up(WARM_UP).await?;
        place.disk()?.fill();
        let panicked = panicked(place).await;
        tokio::time::sleep(WHILE).await;
        place.disk()?.free();
        panicked?;
        if !cluster.is_running() {
            cluster.run();
        }
        let returned = scene.now().await?;
        scene.warmed_up(WARM_UP).await?;
        scene.nodes.all_alive()?;
        Ok(Proof {
            told: "the server ended for want of space".into(),
            moments: Moments { returns: vec![returned], ..Moments::default() },
            ..Proof::default()
        })
    }
}

/// Uses up what the server has in reserve, until it gives up.
async fn panicked(place: &Place) -> Result<()> {
    let cluster = place.cluster()?;
    let deadline = Instant::now() + PATIENCE;
    let gave_up = || {
        let told = cluster.told();
        told.contains("PANIC") && told.contains("No space left on device")
    };
    while !gave_up() {
        ensure!(Instant::now() < deadline, "the server does without space:\n{}", cluster.told());
        if let Ok(mut control) = place.control().await {
            let filler =
                "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)), pg_switch_wal()";
            // It fails when the server does.
            let _ = sqlx::query(filler).execute(&mut control).await;
        }
    }
    Ok(())
}
