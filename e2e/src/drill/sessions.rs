//! Drills by others who use the same database: they end sessions and cancel statements, lock tables or the file, take all
//! connections.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tasker_torture::{Moments, Proof, Scene};

use super::place::PATIENCE;
use super::{AFTER_RETURN, Drill, Place, Wishes};

/// Sessions of this program.
const OURS: &str = "FROM pg_stat_activity WHERE application_name LIKE 'tasker%'";

const END: &str = "SELECT count(pg_terminate_backend(pid))";

const CANCEL: &str = "SELECT count(CASE WHEN state <> 'idle' THEN pg_cancel_backend(pid) END)";

/// Longer than a statement waits for a lock.
const LONGER_THAN_A_WAIT: Duration = Duration::from_millis(1_500);

/// Longer than a lease, and than anybody waits for a file.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(8);

/// Executions before something is done.
const WARM_UP: usize = 40;

pub(super) fn all() -> Vec<Box<dyn Drill>> {
    vec![Box::new(Others::Terminate), Box::new(Others::Lock), Box::new(Others::TakeConnections)]
}

/// What others do to a server.
enum Others {
    Terminate,
    Lock,
    TakeConnections,
}

#[async_trait(?Send)]
impl Drill for Others {
    fn name(&self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Lock => "lock",
            Self::TakeConnections => "connections",
        }
    }

    fn about(&self) -> &'static str {
        match self {
            Self::Terminate => "sessions are ended and statements cancelled, again and again",
            Self::Lock => "tables are locked for longer than a statement waits",
            Self::TakeConnections => "every connection of the server is taken",
        }
    }

    fn wishes(&self) -> Wishes {
        // Few connections, all of which anybody may take.
        Wishes { settings: "max_connections = 60\nsuperuser_reserved_connections = 0\n", ..Wishes::default() }
    }

    fn limit(&self) -> Option<Duration> {
        Some(AFTER_RETURN)
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        let mut control = place.control().await?;
        let told = match self {
            Self::Terminate => terminate(&mut control, scene).await?,
            Self::Lock => lock(&mut control, scene).await?,
            Self::TakeConnections => take_connections(place, &mut control, scene).await?,
        };
        let returned = scene.now().await?;
        scene.warmed_up(WARM_UP).await?;
        scene.nodes.all_alive()?;
        let moments = Moments { returns: vec![returned], ..Moments::default() };
        Ok(Proof { told, moments, ..Proof::default() })
    }
}

async fn count(control: &mut PgConnection, sql: &str) -> Result<i64> {
    Ok(sqlx::query_scalar(AssertSqlSafe(format!("{sql} {OURS}"))).fetch_one(control).await?)
}

/// In the middle of transactions, and while sessions are idle; cancels whatever runs when it is asked for, as a statement
/// timeout would.
async fn terminate(control: &mut PgConnection, scene: &mut Scene<'_>) -> Result<String> {
    let (mut ended, mut cancelled) = (0, 0);
    for _ in 0..8 {
        scene.warmed_up(WARM_UP).await?;
        ended += count(control, END).await?;
        for _ in 0..20 {
            cancelled += count(control, CANCEL).await?;
        }
    }
    ensure!(ended >= 20 && cancelled > 0, "{ended} sessions ended, {cancelled} statements cancelled");
    Ok(format!("{ended} sessions were ended and {cancelled} statements cancelled"))
}

async fn lock(control: &mut PgConnection, scene: &mut Scene<'_>) -> Result<String> {
    let tables = ["transition", "queue", "step", "task"];
    let waiting = "SELECT count(CASE WHEN wait_event_type = 'Lock' THEN 1 END)";
    let mut waited = 0;
    for table in tables {
        scene.warmed_up(WARM_UP).await?;
        let mut held = control.begin().await?;
        let lock = format!("LOCK TABLE tasker.{table} IN ACCESS EXCLUSIVE MODE");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *held).await?;
        let until = Instant::now() + LONGER_THAN_A_WAIT;
        while Instant::now() < until {
            waited += count(&mut held, waiting).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        held.rollback().await?;
    }
    ensure!(waited > 0, "nobody waited for a lock");
    Ok(format!("{} were locked, and statements waited", tables.join(", ")))
}

/// Until all nodes have said that there is none left.
async fn take_connections(
    place: &Place,
    control: &mut PgConnection,
    scene: &mut Scene<'_>,
) -> Result<String> {
    scene.warmed_up(WARM_UP).await?;
    let mut taken = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while !scene.nodes.running.iter().all(|node| node.process.stderr().contains("too many clients")) {
        ensure!(Instant::now() < deadline, "the nodes never lacked a connection");
        count(control, END).await?;
        while let Ok(connection) = PgConnection::connect(&place.direct).await {
            taken.push(connection);
        }
    }
    let n = taken.len();
    drop(taken);
    Ok(format!("{n} connections were taken, and every node said that there was none"))
}

/// Another process holds the lock of the file.
pub(super) struct Busy;

#[async_trait(?Send)]
impl Drill for Busy {
    fn name(&self) -> &'static str {
        "busy"
    }

    fn about(&self) -> &'static str {
        "another program holds the lock of the file, for longer than a lease"
    }

    fn limit(&self) -> Option<Duration> {
        Some(AFTER_RETURN)
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        scene.warmed_up(WARM_UP).await?;
        let path = place.folder.join("tasker.db");
        tokio::task::spawn_blocking(move || hold(&path)).await??;
        let returned = scene.now().await?;
        scene.warmed_up(WARM_UP).await?;
        scene.nodes.all_alive()?;
        Ok(Proof {
            told: format!("nobody else wrote for {} s", LONGER_THAN_A_LEASE.as_secs()),
            moments: Moments { returns: vec![returned], ..Moments::default() },
            ..Proof::default()
        })
    }
}

/// Holds the lock, and sees that nobody else writes meanwhile.
fn hold(path: &Path) -> Result<()> {
    let mut connection = rusqlite::Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    let held = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    std::thread::sleep(LONGER_THAN_A_LEASE);
    // A transaction that began to write is refused if somebody else has written since.
    held.execute_batch("CREATE TABLE held (a); DROP TABLE held")?;
    held.rollback()?;
    Ok(())
}
