//! A second server that follows the first, and takes its place.

use std::fs;
use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, PgConnection};

use super::cluster::Cluster;

const PATIENCE: Duration = Duration::from_secs(60);

impl Cluster {
    /// A copy of this server that follows it. From now on, no commit of this one is answered before the copy has it.
    ///
    /// # Panics
    /// The copy cannot be made, or does not follow.
    pub async fn standby(&self) -> Self {
        let standby = Self::in_new_folder(None);
        let mut copy = standby.program("pg_basebackup");
        copy.args(["--username=tasker", "--port=5432", "--checkpoint=fast", "--wal-method=stream"]);
        copy.args(["--write-recovery-conf", "--no-sync", "--host"]).arg(self.folder());
        standby.succeed(copy.arg("--pgdata").arg(standby.data()));
        let settings = standby.folder().join("settings.conf");
        let socket = format!("unix_socket_directories = '{}'\n", standby.folder().display());
        fs::write(&settings, socket).expect("the folder was just made");
        standby.include(&settings);
        standby.run();
        self.wait_for_standby().await;
        standby
    }

    /// Makes a server of its own of one that follows another.
    ///
    /// # Panics
    /// It cannot.
    pub fn promote(&self) {
        let mut promote = self.program("pg_ctl");
        promote.args(["promote", "-w", "-s", "-t", &PATIENCE.as_secs().to_string(), "-D"]);
        self.succeed(promote.arg(self.data()));
    }

    async fn wait_for_standby(&self) {
        let url = self.url("postgres");
        let mut connection = PgConnection::connect(&url).await.expect("the server was just copied");
        for setting in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
            connection.execute(setting).await.expect("tests may change settings");
        }
        let deadline = Instant::now() + PATIENCE;
        let following = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while sqlx::query_scalar::<_, i64>(following).fetch_one(&mut connection).await.ok() != Some(1) {
            assert!(Instant::now() < deadline, "the copy does not follow within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
