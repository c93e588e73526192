//! PostgreSQL for tests: a server, and in it a database of its own for every test.
//!
//! The server is the one that `TASKER_TEST_DATABASE_URL` names, or a private one that the first test starts and all test
//! processes share; it ends by itself some time after the last of them. Every database is a copy of a migrated template.
//! Without PostgreSQL the tests that need it fail, and say what to install: a test that is not run proves nothing.

mod cluster;
mod disk;
mod proxy;
mod shared;
mod standby;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tasker_store_postgres::{PostgresOptions, PostgresStore};

pub use self::cluster::{Cluster, Durability, Part, Setup};
pub use self::disk::{SmallDisk, privately};
pub use self::proxy::Proxy;

use crate::StoreUnderTest;
use crate::clock::TestClock;

/// Environment variable with the URL of a server where tests may create and drop databases.
pub const URL_VARIABLE: &str = "TASKER_TEST_DATABASE_URL";

/// A server where databases can be made.
#[derive(Clone, Debug)]
pub struct Server {
    url: url::Url,
}

impl Server {
    /// The server of this machine's tests.
    ///
    /// # Panics
    /// There is none, and none can be started.
    pub fn for_tests() -> Self {
        match std::env::var(URL_VARIABLE) {
            Ok(url) => Self::at(&url),
            Err(_) => Self::at(&shared::url()),
        }
    }

    /// The server behind this URL, which names a database that exists.
    ///
    /// # Panics
    /// It is no URL.
    pub fn at(url: &str) -> Self {
        Self { url: url::Url::parse(url).unwrap_or_else(|error| panic!("{URL_VARIABLE}={url:?}: {error}")) }
    }

    /// The URL of one of its databases.
    pub fn url_of(&self, database: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(database);
        url.into()
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.url.as_str())
            .await
            .unwrap_or_else(|error| panic!("connecting to {}: {error}", self.url))
    }

    /// A new database with the schema of this program.
    pub async fn database(&self) -> Database {
        let template = self.template().await;
        self.make(&format!("TEMPLATE {template}")).await
    }

    /// A new, empty database.
    pub async fn empty_database(&self) -> Database {
        self.make("").await
    }

    async fn make(&self, how: &str) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("tasker_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let mut connection = self.connect().await;
        run(&mut connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(&mut connection, format!("CREATE DATABASE {name} {how}")).await;
        let url = self.url_of(&name);
        Database { server: self.clone(), name, url }
    }

    /// A database with the schema, from which others are copied; made once for each schema.
    async fn template(&self) -> String {
        static MADE: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        MADE.get_or_init(|| self.make_template()).await.clone()
    }

    async fn make_template(&self) -> String {
        let name = format!("tasker_template_{:016x}", fnv(PostgresStore::SCHEMA));
        let mut connection = self.connect().await;
        // One process makes it, the others wait.
        run(&mut connection, "SELECT pg_advisory_lock(7160351)".into()).await;
        let known = "SELECT count(*) FROM pg_database WHERE datname = $1";
        let known: i64 =
            sqlx::query_scalar(known).bind(&name).fetch_one(&mut connection).await.expect("list databases");
        if known == 0 {
            let raw = format!("{name}_raw");
            run(&mut connection, format!("DROP DATABASE IF EXISTS {raw} WITH (FORCE)")).await;
            run(&mut connection, format!("CREATE DATABASE {raw}")).await;
            PostgresStore::migrate(&self.url_of(&raw)).await.expect("migrate the template");
            self.rename(&mut connection, &raw, &name).await;
        }
        run(&mut connection, "SELECT pg_advisory_unlock(7160351)".into()).await;
        name
    }

    /// The connection that migrated may need a moment to be gone.
    async fn rename(&self, connection: &mut PgConnection, from: &str, to: &str) {
        for _ in 0..200 {
            let sql = format!("ALTER DATABASE {from} RENAME TO {to}");
            if connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the template {from} is still in use");
    }
}

async fn run(connection: &mut PgConnection, sql: String) {
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.clone()))).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// A small hash that is the same everywhere.
fn fnv(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A database that is dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
    url: String,
}

impl Database {
    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server it is in.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A connection for a test's own statements.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the database of a test can be reached")
    }

    /// A store on it that lives by this clock, and tells the whole log at once.
    pub async fn store(&self, clock: &TestClock) -> PostgresStore {
        let options = PostgresOptions {
            clock: Some(clock.source()),
            log_patience: Duration::from_secs(20),
            ..PostgresOptions::default()
        };
        PostgresStore::connect(&self.url, options).await.expect("a test's database can be opened")
    }
}

/// Drops it on a thread of its own, because tests end on threads that must not block on a runtime.
impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let Ok(mut connection) = PgConnection::connect(server.url.as_str()).await else { return };
                let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                // A server that is gone took the database with it.
                let _ = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
            });
        };
        let _ = std::thread::spawn(run).join();
    }
}

/// An empty store in a database of its own.
pub async fn open() -> StoreUnderTest {
    let clock = TestClock::default();
    let database = Server::for_tests().database().await;
    let store = database.store(&clock).await;
    StoreUnderTest { keep: Some(Box::new(database)), ..StoreUnderTest::new(store, clock) }
}
