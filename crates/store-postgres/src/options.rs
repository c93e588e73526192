//! How a database is named and used.

use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use url::Url;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a store uses its database.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Most connections that write. Three more may be open besides: heartbeat, hints, and [`PostgresOptions::readers`].
    pub connections: usize,
    /// Most connections that only read.
    pub readers: usize,
    /// How long a call waits for a connection or an answer.
    pub patience: Duration,
    /// How long a read of the whole log waits until everything is told that was committed when it began: entries are
    /// held back while an older transaction of the cluster is under way. Zero reads what can be told now.
    pub log_patience: Duration,
    /// A URL that leads to the database without a proxy, for hints. Behind a proxy and without it, only polling finds
    /// work that other nodes made due.
    pub hint_url: Option<String>,
    /// Used instead of the server's clock. Only tests set it.
    pub clock: Option<Clock>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 8,
            readers: 4,
            patience: Duration::from_secs(15),
            log_patience: Duration::ZERO,
            hint_url: None,
            clock: None,
        }
    }
}

/// What a connection is for, and so how the server shall treat it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Submitting and applying. Plans are made once and only use indexes, whatever the statistics say: the tables
    /// are empty when a node starts and large an hour later. A session that stops in the middle of a transaction (a
    /// frozen process) loses it soon.
    Write,
    /// Reading, with a plan for each question.
    Read,
    /// Telling that a worker lives; must not wait for a disk or for locks. What a crash of the server takes away is told
    /// again two seconds later.
    Pulse,
    /// Hints.
    Hint,
    /// Migrating.
    Migrate,
}

impl Purpose {
    /// Settings of the session, or of each transaction behind a proxy.
    pub(crate) fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Write => &[
                ("lock_timeout", "1000"),
                ("statement_timeout", "10000"),
                ("idle_in_transaction_session_timeout", "5000"),
                ("plan_cache_mode", "force_generic_plan"),
                ("enable_seqscan", "off"),
                ("enable_bitmapscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("enable_material", "off"),
                ("max_parallel_workers_per_gather", "0"),
                ("jit", "off"),
            ],
            Self::Read => &[
                ("lock_timeout", "10000"),
                ("statement_timeout", "30000"),
                ("idle_in_transaction_session_timeout", "30000"),
                ("plan_cache_mode", "force_custom_plan"),
                ("jit", "off"),
            ],
            Self::Pulse => &[
                ("lock_timeout", "1000"),
                ("statement_timeout", "3000"),
                ("idle_in_transaction_session_timeout", "5000"),
                ("synchronous_commit", "off"),
                ("plan_cache_mode", "force_generic_plan"),
                ("enable_seqscan", "off"),
                ("enable_bitmapscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("enable_material", "off"),
                ("max_parallel_workers_per_gather", "0"),
                ("jit", "off"),
            ],
            Self::Hint => &[("synchronous_commit", "off"), ("statement_timeout", "3000")],
            Self::Migrate => &[("lock_timeout", "60000"), ("idle_in_transaction_session_timeout", "600000")],
        }
    }

    fn application_name(self) -> &'static str {
        match self {
            Self::Write => "tasker",
            Self::Read => "tasker read",
            Self::Pulse => "tasker heartbeat",
            Self::Hint => "tasker hints",
            Self::Migrate => "tasker migrate",
        }
    }
}

/// A database URL, taken apart.
#[derive(Clone)]
pub(crate) struct Address {
    options: PgConnectOptions,
    /// Whether a proxy hands each transaction to another session: `pooled=true`.
    pub(crate) pooled: bool,
}

impl Address {
    /// Reads a URL such as `postgres://user:password@host:5432/database?sslmode=require&pooled=true`.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        Self::read(text).map_err(StoreError::Schema)
    }

    /// As [`Address::parse`]; an error says why the URL cannot be used.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let unusable = |why: String| format!("the database URL cannot be used: {why}");
        let mut url = Url::parse(text).map_err(|error| unusable(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(unusable(format!("it begins with {:?}, not with \"postgres\"", url.scheme())));
        }
        let is_ours = |key: &str| key == "pooled";
        let pooled = url.query_pairs().any(|(key, value)| is_ours(&key) && value == "true");
        let others: Vec<_> = url
            .query_pairs()
            .filter(|(key, _)| !is_ours(key))
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        let options = PgConnectOptions::from_url(&url).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { options, pooled })
    }

    /// How a connection for a purpose is made.
    pub(crate) fn options_for(&self, purpose: Purpose) -> PgConnectOptions {
        let options = self.options.clone().disable_statement_logging();
        if self.pooled {
            // A proxy refuses settings at the start of a session, and statements that are kept in it.
            return options.extra_float_digits(None).statement_cache_capacity(0);
        }
        options.application_name(purpose.application_name()).options(purpose.settings().iter().copied())
    }

    /// Where the database is, without secrets.
    pub(crate) fn location(&self) -> String {
        let options = &self.options;
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        format!("postgres://{host}:{}/{database}", options.get_port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_has_no_secrets() {
        let address =
            Address::parse("postgres://ann:secret@db.example:5433/shop?pooled=true&sslmode=disable").unwrap();
        assert_eq!(address.location(), "postgres://db.example:5433/shop");
        assert!(address.pooled);
        assert!(!Address::parse("postgresql://db.example/shop").unwrap().pooled);
    }

    #[test]
    fn other_urls_are_refused() {
        for text in ["mysql://db/shop", "not a url", ""] {
            let error = Address::parse(text).err().expect("this is no URL of a PostgreSQL database");
            assert!(error.to_string().starts_with("the database URL cannot be used"), "{error}");
        }
    }
}
