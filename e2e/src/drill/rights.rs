//! A drill on rights: those that nodes need are taken from them, and given back.
//!
//! On PostgreSQL, the user of the nodes may write no table any more. On SQLite, the user of the machine that nodes run as may
//! not write the file; those that have it open go on, a new one is refused and says why.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use tasker_torture::{Moments, Nodes, Proof, Scene};

use super::place::PLAIN_USER;
use super::{AFTER_RETURN, Drill, Place, Store, Wishes};

/// Who nodes run as if we are root, whom no rights can be taken from.
const SOMEBODY: &str = "nobody";

/// How long rights are missing after that was noticed.
const WHILE: Duration = Duration::from_secs(3);

/// Executions before something is done.
const WARM_UP: usize = 60;

/// Takes rights away.
pub(super) struct Rights(pub(super) Store);

#[async_trait(?Send)]
impl Drill for Rights {
    fn name(&self) -> &'static str {
        "rights"
    }

    fn about(&self) -> &'static str {
        match self.0 {
            Store::Postgres => "the user of the nodes may write no table",
            Store::Sqlite => "the user of the nodes may not write the file",
        }
    }

    fn wishes(&self) -> Wishes {
        Wishes { plain_user: true, ..Wishes::default() }
    }

    fn limit(&self) -> Option<Duration> {
        Some(AFTER_RETURN)
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        scene.warmed_up(WARM_UP).await?;
        let mut proof = match self.0 {
            Store::Postgres => on_postgres(place, scene).await?,
            Store::Sqlite => on_sqlite(place, scene).await?,
        };
        proof.moments = Moments { returns: vec![scene.now().await?], ..proof.moments };
        scene.warmed_up(WARM_UP).await?;
        scene.nodes.all_alive()?;
        Ok(proof)
    }
}

async fn on_postgres(place: &Place, scene: &Scene<'_>) -> Result<Proof> {
    let mut control = place.control().await?;
    let mut run = async |verb: &str, preposition: &str| {
        let sql = format!(
            "{verb} INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tasker {preposition} {PLAIN_USER}"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut control).await
    };
    run("REVOKE", "FROM").await?;
    let told = scene.nodes.says("permission denied").await;
    tokio::time::sleep(WHILE).await;
    run("GRANT", "TO").await?;
    told?;
    Ok(Proof { told: "a node said \"permission denied\"".into(), ..Proof::default() })
}

async fn on_sqlite(place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
    let victim = scene.nodes.running[0].name.clone();
    let death = scene.now().await?;
    chmod("a-w", &place.folder)?;
    scene.nodes.kill_oldest()?;
    scene.nodes.add()?;
    let refused = scene.nodes.running.pop().context("a node was just added")?;
    let ended = tokio::task::spawn_blocking(move || refused.process.finish()).await?;
    chmod("u+w", &place.folder)?;
    let told = ended?.expect_code(6)?.stderr;
    ensure!(
        told.contains("readonly") || told.contains("denied"),
        "it was refused for another reason: {told}"
    );
    scene.nodes.add()?;
    Ok(Proof {
        told: "a node that was started was refused".into(),
        victims: [victim.clone()].into(),
        moments: Moments { deaths: [(victim, death)].into(), ..Moments::default() },
        ..Proof::default()
    })
}

fn chmod(mode: &str, folder: &Path) -> Result<()> {
    run(Command::new("chmod").args(["-R", mode]).arg(folder))
}

/// Starts nodes as somebody who is not root, whom these folders are given to.
pub(super) fn without_root(nodes: Nodes, folders: &[&Path]) -> Result<Nodes> {
    if !rustix::process::geteuid().is_root() {
        return Ok(nodes);
    }
    for folder in folders {
        run(Command::new("chown").args(["-R", SOMEBODY]).arg(folder))?;
    }
    let user = format!("--reuid={SOMEBODY}");
    Ok(nodes.changed(move |_, command| started_by("setpriv", &[&user, "--clear-groups", "--"], &command)))
}

/// The same command, started by another program. It knows nothing but its own variables.
fn started_by(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut new = Command::new(program);
    new.args(arguments).arg(command.get_program()).args(command.get_args());
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let variables: Vec<(&OsStr, OsString)> = set.map(|(name, value)| (name, value.to_owned())).collect();
    new.env_clear().envs(variables);
    if let Some(folder) = command.get_current_dir() {
        new.current_dir(folder);
    }
    new
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}
