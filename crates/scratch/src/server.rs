//! A new database on a PostgreSQL server where others are.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use url::Url;

use crate::ScratchError;

/// What the server is told about who makes and drops databases.
const APPLICATION: &str = "tasker scratch";

/// A database, by its name.
#[derive(Debug)]
pub(crate) struct Named {
    server: Url,
    name: String,
}

impl Named {
    pub(crate) async fn make(server: &str, purpose: &str) -> Result<Self, ScratchError> {
        let server = Url::parse(server).map_err(ScratchError::Url)?;
        let name = format!("tasker_{purpose}_{}", uuid::Uuid::now_v7().simple());
        run(&server, format!("CREATE DATABASE {name}")).await.map_err(ScratchError::Server)?;
        Ok(Self { server, name })
    }

    pub(crate) fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    pub(crate) fn remove(&self) {
        let server = self.server.clone();
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // This is called where nobody can wait, so another thread does.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(&server, sql))
        });
        if let Ok(Err(error)) = dropped.join() {
            tracing::warn!(database = self.name, %error, "the database that was made was not dropped");
        }
    }
}

/// Connects to the database behind a URL as it is given to Tasker, for statements of one's own.
///
/// # Errors
/// It cannot be reached, or refuses.
pub async fn connect(
    url: &Url,
    application: &str,
    settings: &[(&'static str, &'static str)],
) -> sqlx::Result<PgConnection> {
    let mut url = url.clone();
    // Tasker's own parameter, which a driver does not know.
    let pairs: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(key, _)| key != "pooled").collect();
    url.set_query(None);
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    let options = PgConnectOptions::from_url(&url)?.disable_statement_logging();
    options.application_name(application).options(settings.iter().copied()).connect().await
}

async fn run(server: &Url, sql: String) -> sqlx::Result<()> {
    let mut connection = connect(server, APPLICATION, &[]).await?;
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    connection.close().await
}
