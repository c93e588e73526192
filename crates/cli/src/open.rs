//! From settings to an engine. The only place that names concrete stores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tasker_config::{Identity, Settings};
use tasker_core::decide::Rules;
use tasker_core::identity::IdentityStrategy;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions};
use tasker_handlers::{HttpPolicy, ShippedOptions, shipped};
use tasker_store::read::SchemaStatus;
use tasker_store::{Store, StoreError};
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_store_sqlite::{OpenOptions, SqliteStore};

use crate::exit::{Failure, Status};
use crate::session::Session;

/// Name of the embedded database in its folder.
const FILE_NAME: &str = "tasker.db";

/// How long the embedded database keeps ended tasks, unless told otherwise.
const EMBEDDED_RETENTION: Duration = Duration::from_secs(30 * 86_400);

/// What a command does with the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Reads; never creates nor migrates.
    Read,
    /// Changes what is there; never creates.
    Write,
    /// Creates it if need be.
    Create,
}

/// Opens an engine that runs no handlers of its own.
pub async fn engine(session: &Session, access: Access) -> anyhow::Result<Engine> {
    engine_with(session, access, Handlers::new(), options(&session.settings)).await
}

/// Opens an engine with handlers.
pub async fn engine_with(
    session: &Session,
    access: Access,
    handlers: Handlers,
    mut options: EngineOptions,
) -> anyhow::Result<Engine> {
    let database = database(session)?;
    if matches!(database, Database::Embedded(_)) && session.settings.retention.is_none() {
        options.retention = Some(EMBEDDED_RETENTION);
    }
    Ok(Engine::new(store(&database, access).await?, handlers, options))
}

/// The handlers that this program brings.
pub fn handlers(settings: &Settings, allow_commands: bool) -> Result<Handlers, Failure> {
    let http = HttpPolicy::new(settings.http.allowed_hosts.clone(), &settings.http.denied_networks).map_err(
        |error| {
            let message = format!("http.denied_networks: {error}");
            Failure::new(Status::Invalid, "invalid_configuration", message)
        },
    )?;
    let allow_commands = allow_commands || settings.command.enabled;
    Ok(shipped(ShippedOptions { http, allow_commands }))
}

/// How the engine is set up.
pub fn options(settings: &Settings) -> EngineOptions {
    let execution = &settings.execution;
    EngineOptions {
        rules: Rules { backoff: settings.backoff.clone() },
        identity: match settings.identity {
            Identity::Default => IdentityStrategy::Default,
            Identity::Hash => IdentityStrategy::Hash,
        },
        max_concurrent_steps: execution.max_concurrent_steps,
        max_in_flight: execution.max_in_flight,
        handler_limits: execution.handler_limits.clone(),
        max_batch_items: execution.max_batch_items,
        max_batch_bytes: execution.max_batch_bytes,
        poll_interval: execution.poll_interval,
        heartbeat_interval: execution.heartbeat_interval,
        lease: execution.lease,
        grace: execution.grace,
        check_interval: execution.check_interval,
        max_result_bytes: settings.limits.max_result_bytes,
        max_context_bytes: settings.limits.max_context_bytes,
        retention: settings.retention.flatten(),
        analysis_weights: settings.analysis_weights,
        worker_name: settings.worker.name.clone().unwrap_or_else(default_worker_name),
        slow_after: settings.log.slow_after,
        ..EngineOptions::default()
    }
}

/// Where tasks live.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Database {
    /// In this file.
    Embedded(PathBuf),
    /// On the PostgreSQL server of this URL.
    Postgres(String),
}

impl Database {
    /// The address as `--database-url` takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Embedded(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }
}

/// The database that is meant.
///
/// # Errors
/// The address cannot be read; no data directory is known.
pub fn database(session: &Session) -> Result<Database, Failure> {
    // A folder on the command line is meant, whatever address the configuration holds.
    let url = session.settings.database_url.as_deref().filter(|_| session.globals.data_dir.is_none());
    match url {
        Some(url) => database_of(url),
        None => Ok(Database::Embedded(data_directory(&session.settings)?.join(FILE_NAME))),
    }
}

/// The schema of a database, which is not changed.
pub async fn schema(database: &Database) -> anyhow::Result<SchemaStatus> {
    Ok(match database {
        Database::Embedded(path) => SqliteStore::status(path)?,
        Database::Postgres(url) => PostgresStore::status(url).await?,
    })
}

/// Brings the schema of a database up to date, creating it if need be.
pub async fn migrate(database: &Database) -> anyhow::Result<SchemaStatus> {
    Ok(match database {
        Database::Embedded(path) => {
            SqliteStore::open(path, OpenOptions::default())?;
            SqliteStore::status(path)?
        }
        Database::Postgres(url) => PostgresStore::migrate(url).await?,
    })
}

/// Opens a store. The schema of an embedded database is brought up to date where something is written; that of a
/// server only by [`migrate`].
pub async fn store(database: &Database, access: Access) -> anyhow::Result<Arc<dyn Store>> {
    match database {
        Database::Embedded(path) => embedded(path, access),
        Database::Postgres(url) => {
            Ok(Arc::new(PostgresStore::connect(url, PostgresOptions::default()).await?))
        }
    }
}

fn embedded(path: &Path, access: Access) -> anyhow::Result<Arc<dyn Store>> {
    if access != Access::Create && !path.try_exists().unwrap_or(true) {
        let message = format!("there is no database at {}", path.display());
        return Err(Failure::new(Status::Unavailable, "database_missing", message)
            .help("create it with `tasker db migrate`, or name another one with --database-url or --data-dir")
            .into());
    }
    let is_read = access == Access::Read;
    let options = OpenOptions { migrate: !is_read, read_only: is_read, ..OpenOptions::default() };
    Ok(Arc::new(SqliteStore::open(path, options)?))
}

/// Opens the store of a database that was made to be measured or tortured, with its schema.
///
/// # Errors
/// It cannot be used.
pub async fn made(url: String) -> Result<Arc<dyn Store>, StoreError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Arc::new(SqliteStore::open(Path::new(path), OpenOptions::default())?));
    }
    PostgresStore::migrate(&url).await?;
    Ok(Arc::new(PostgresStore::connect(&url, PostgresOptions::default()).await?))
}

fn database_of(url: &str) -> Result<Database, Failure> {
    let invalid = |message: String| {
        Failure::new(Status::Invalid, "invalid_database_url", message).help(
            "write sqlite:PATH, such as sqlite:/var/lib/tasker/tasker.db, or postgres://USER@HOST/DATABASE",
        )
    };
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        PostgresStore::check_url(url).map_err(invalid)?;
        return Ok(Database::Postgres(url.to_owned()));
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        let scheme = url.split(':').next().unwrap_or_default();
        return Err(invalid(format!("{scheme:?} is no kind of database that Tasker knows")));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    match path {
        "" | ":memory:" => {
            Err(invalid(format!("{url:?} names no file, and tasks must outlive this process")))
        }
        path => Ok(Database::Embedded(PathBuf::from(path))),
    }
}

/// The folder of the embedded database.
///
/// # Errors
/// None is known.
pub fn data_directory(settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(folder) = &settings.data_dir {
        return Ok(folder.clone());
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    base.map(|base| base.join("tasker")).ok_or_else(|| {
        let message = "there is no place for the embedded database: neither XDG_DATA_HOME nor HOME is set";
        Failure::new(Status::Unavailable, "no_data_directory", message).help("name a folder with --data-dir")
    })
}

fn default_worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "localhost" } else { host.trim() };
    format!("{host}:{}", std::process::id())
}

/// Variables of this process, for definitions.
pub fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_addresses_name_a_file() {
        let shown =
            |url: &str| database_of(url).map(|db| db.url()).map_err(|f| (f.status as u8, f.body.code));
        assert_eq!(shown("sqlite:/a/b.db"), Ok("sqlite:/a/b.db".into()));
        assert_eq!(shown("sqlite:///a/b.db"), Ok("sqlite:/a/b.db".into()));
        assert_eq!(shown("sqlite:b.db"), Ok("sqlite:b.db".into()));
        assert_eq!(shown("postgres://host/db"), Ok("postgres://host/db".into()));
        assert_eq!(shown("postgres://one,two:5432,5433/db"), Err((3, "invalid_database_url".into())));
        assert_eq!(shown("mysql://host/db"), Err((3, "invalid_database_url".into())));
        assert_eq!(shown("sqlite:"), Err((3, "invalid_database_url".into())));
        assert_eq!(shown("/a/b.db"), Err((3, "invalid_database_url".into())));
    }
}
