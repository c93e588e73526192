//! Places for drills: a store, its nodes, and whatever a drill wishes besides. Each is made anew and goes with its value.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::postgres::{Cluster, Durability, Part, Setup, SmallDisk};
use tasker_torture::{Address, Nodes, Relay, World};
use url::Url;

use super::{clock, disk, rights};
use crate::home::Home;

/// Few steps at once, so that all nodes take part; short waits, so that the last steps are not waited for.
const SETTINGS: &str = "[execution]\nmax_concurrent_steps = 64\n\
    [backoff]\ndefault_backoff_seconds = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";

/// What the operating system has survives a crash of the server, if not one of the machine.
const SERVER_SETTINGS: &str = "fsync = off\n";

/// Megabytes of a disk that is to become full. A log of changes begins with sixteen, and keeps some.
const SMALL: u32 = 128;

/// Kinds of stores that drills are done on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Store {
    /// Two processes on one file.
    Sqlite,
    /// Three nodes on one server.
    Postgres,
}

/// What a place must be like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// A relay between nodes and server.
    pub relay: bool,
    /// A synchronous copy of the server.
    pub standby: bool,
    /// A part of the server, or the file, lies on a small disk.
    pub disk: Option<Part>,
    /// Nodes have few rights: a user of the server that is no superuser, or one of the machine that is not root.
    pub plain_user: bool,
    /// The clocks of nodes can be set.
    pub clocks: bool,
    /// Lines of `postgresql.conf`.
    pub settings: &'static str,
}

/// A place, without its nodes and without the world that they are in.
pub struct Place {
    /// Where processes of nodes work.
    pub home: Home,
    /// How nodes reach the database.
    pub url: String,
    /// How others do.
    pub direct: String,
    /// The folder of the file, on SQLite.
    pub folder: PathBuf,
    relay: Option<Relay>,
    standby: Option<Cluster>,
    cluster: Option<Cluster>,
    disk: Option<SmallDisk>,
}

impl Place {
    /// A new one, and the world in it.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn open(store: Store, wishes: Wishes, seed: u64) -> Result<(Self, World)> {
        match store {
            Store::Sqlite => Self::on_sqlite(wishes, seed).await,
            Store::Postgres => Self::on_postgres(wishes, seed).await,
        }
    }

    /// The server.
    ///
    /// # Errors
    /// There is none.
    pub fn cluster(&self) -> Result<&Cluster> {
        self.cluster.as_ref().context("the place has a server")
    }

    /// The relay.
    ///
    /// # Errors
    /// There is none.
    pub fn relay(&self) -> Result<&Relay> {
        self.relay.as_ref().context("the place has a relay")
    }

    /// The copy of the server.
    pub fn standby(&self) -> Option<&Cluster> {
        self.standby.as_ref()
    }

    /// The small disk.
    ///
    /// # Errors
    /// There is none.
    pub fn disk(&self) -> Result<&SmallDisk> {
        self.disk.as_ref().context("the place has a small disk")
    }

    /// A connection to the server for one's own statements.
    ///
    /// # Errors
    /// There is no server, or it cannot be reached.
    pub async fn control(&self) -> Result<PgConnection> {
        let url = self.cluster()?.url("postgres");
        PgConnection::connect(&url).await.context("connecting to the server of the drill")
    }

    async fn on_sqlite(wishes: Wishes, seed: u64) -> Result<(Self, World)> {
        let home = Home::new()?;
        let disk = wishes.disk.map(|_| disk::mounted(SMALL)).transpose()?;
        let folder =
            disk.as_ref().map_or_else(|| home.path().join("database"), |disk| disk.folder().join("database"));
        std::fs::create_dir(&folder)?;
        let file = folder.join("tasker.db");
        let store = SqliteStore::open(&file, OpenOptions::default())?;
        let url = format!("sqlite:{}", file.display());
        let place = Self {
            home,
            url: url.clone(),
            direct: url,
            folder,
            relay: None,
            standby: None,
            cluster: None,
            disk,
        };
        let nodes = place.nodes(2, wishes)?;
        let world = World::open(Arc::new(store), nodes, seed).await?;
        Ok((place, world))
    }

    async fn on_postgres(wishes: Wishes, seed: u64) -> Result<(Self, World)> {
        let home = Home::new()?;
        let disk = wishes.disk.map(|_| SmallDisk::new(SMALL)).transpose().map_err(anyhow::Error::msg)?;
        let settings = format!("{SERVER_SETTINGS}{}", wishes.settings);
        let setup = Setup {
            settings: &settings,
            disk: disk.as_ref().zip(wishes.disk),
            ..Setup::new(Durability::Full)
        };
        let cluster = Cluster::start_with(setup);
        let direct = cluster.url("postgres");
        PostgresStore::migrate(&direct).await?;
        let standby = if wishes.standby { Some(cluster.standby().await) } else { None };
        let relay =
            if wishes.relay { Some(Relay::before(Address::Socket(cluster.socket())).await?) } else { None };
        let mut way = Url::parse(&direct)?;
        if wishes.plain_user {
            make_plain_user(&direct).await?;
            way.set_username(PLAIN_USER).map_err(|()| anyhow::anyhow!("{way} can have no user"))?;
        }
        let url = relay.as_ref().map_or_else(|| way.to_string(), |relay| relay.url(&way));
        // Who looks on goes the same way where that leads elsewhere in the end.
        let observed = if wishes.standby { &url } else { &direct };
        let store = PostgresStore::connect(observed, PostgresOptions::default()).await?;
        let folder = cluster.folder().to_owned();
        let place = Self { home, url, direct, folder, relay, standby, cluster: Some(cluster), disk };
        let nodes = place.nodes(3, wishes)?;
        let world = World::open(Arc::new(store), nodes, seed).await?;
        Ok((place, world))
    }

    fn nodes(&self, count: usize, wishes: Wishes) -> Result<Nodes> {
        self.home.write("tasker.toml", SETTINGS)?;
        let mut nodes = self.home.nodes(&self.url);
        if wishes.clocks {
            nodes = clock::with_clocks(nodes, self.home.path())?;
        }
        if wishes.plain_user && self.cluster.is_none() {
            nodes = rights::without_root(nodes, &[self.home.path(), &self.folder])?;
        }
        (0..count).try_for_each(|_| nodes.add())?;
        Ok(nodes)
    }
}

/// A user who may do what nodes do.
pub(super) const PLAIN_USER: &str = "plain";

async fn make_plain_user(url: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let make = format!(
        "CREATE ROLE {PLAIN_USER} LOGIN;
         GRANT USAGE ON SCHEMA tasker TO {PLAIN_USER};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tasker TO {PLAIN_USER};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA tasker TO {PLAIN_USER};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tasker TO {PLAIN_USER}"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut connection).await?;
    Ok(())
}

/// Longest wait for what a drill waits for.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
