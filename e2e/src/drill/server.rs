//! Drills on the server: stopped, killed, away for long, replaced by its copy.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};
use tasker_core::time::Timestamp;
use tasker_testkit::postgres::Cluster;
use tasker_torture::{Address, Moments, Proof, Scene};

use super::{AFTER_RETURN, Drill, Place, Wishes};

/// Longer than any node may be silent.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(8);

/// Executions before something is done.
const WARM_UP: usize = 60;

pub(super) fn all() -> Vec<Box<dyn Drill>> {
    vec![
        Box::new(Stop::Restart),
        Box::new(Stop::Crash),
        Box::new(Stop::Kill),
        Box::new(Stop::Outage),
        Box::new(Failover),
    ]
}

/// Ways to stop a server that comes back.
#[derive(Clone, Copy)]
enum Stop {
    Restart,
    Crash,
    Kill,
    Outage,
}

#[async_trait(?Send)]
impl Drill for Stop {
    fn name(&self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Crash => "crash",
            Self::Kill => "kill-server",
            Self::Outage => "outage",
        }
    }

    fn about(&self) -> &'static str {
        match self {
            Self::Restart => "PostgreSQL is stopped (fast) and started",
            Self::Crash => "PostgreSQL is stopped (immediate) and started, three times",
            Self::Kill => "kill -9 for PostgreSQL",
            Self::Outage => "PostgreSQL is away for longer than a lease",
        }
    }

    fn limit(&self) -> Option<Duration> {
        Some(AFTER_RETURN)
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        let cluster = place.cluster()?;
        let mut returns = Vec::new();
        let times = if matches!(self, Self::Crash) { 3 } else { 1 };
        for _ in 0..times {
            scene.warmed_up(WARM_UP).await?;
            let before = started_at(cluster).await?;
            self.stop(cluster);
            if matches!(self, Self::Outage) {
                tokio::time::sleep(LONGER_THAN_A_LEASE).await;
            }
            cluster.run();
            returns.push(time_of(&cluster.url("postgres")).await?);
            ensure!(started_at(cluster).await? != before, "it is still the same server");
            scene.nodes.all_alive()?;
        }
        scene.warmed_up(WARM_UP).await?;
        Ok(Proof {
            told: format!("the server is another process, {times} time(s)"),
            moments: Moments { returns, ..Moments::default() },
            ..Proof::default()
        })
    }
}

impl Stop {
    fn stop(self, cluster: &Cluster) {
        match self {
            Self::Restart => cluster.stop("fast"),
            Self::Crash | Self::Outage => cluster.stop("immediate"),
            Self::Kill => cluster.kill(),
        }
    }
}

/// When the server was started, by itself.
async fn started_at(cluster: &Cluster) -> Result<String> {
    let mut connection = PgConnection::connect(&cluster.url("postgres")).await?;
    let started = "SELECT pg_postmaster_start_time()::text";
    Ok(sqlx::query_scalar(started).fetch_one(&mut connection).await?)
}

/// The time of a server, asked by somebody who has not asked it before.
async fn time_of(url: &str) -> Result<Timestamp> {
    let mut connection = PgConnection::connect(url).await?;
    let micros = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    Ok(Timestamp::from_micros(sqlx::query_scalar(micros).fetch_one(&mut connection).await?))
}

/// A synchronous copy takes over.
struct Failover;

#[async_trait(?Send)]
impl Drill for Failover {
    fn name(&self) -> &'static str {
        "failover"
    }

    fn about(&self) -> &'static str {
        "PostgreSQL crashes, and its synchronous standby takes over"
    }

    fn wishes(&self) -> Wishes {
        Wishes { relay: true, standby: true, ..Wishes::default() }
    }

    fn limit(&self) -> Option<Duration> {
        Some(AFTER_RETURN)
    }

    async fn inflict(&self, place: &Place, scene: &mut Scene<'_>) -> Result<Proof> {
        let standby = place.standby().context("the place has a standby")?;
        scene.warmed_up(WARM_UP).await?;
        place.cluster()?.stop("immediate");
        standby.promote();
        place.relay()?.lead_to(Address::Socket(standby.socket()));
        let returned = time_of(&standby.url("postgres")).await?;
        scene.warmed_up(WARM_UP).await?;
        scene.nodes.all_alive()?;
        Ok(Proof {
            told: "the primary is stopped, and work goes on at the other server".into(),
            moments: Moments { returns: vec![returned], ..Moments::default() },
            ..Proof::default()
        })
    }
}
