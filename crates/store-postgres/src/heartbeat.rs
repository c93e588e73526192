//! Heartbeats: one statement each, on a connection and a thread of their own, so that neither busy handlers nor a busy
//! pool make a worker look lost.
//!
//! Neither must old snapshots. While somebody holds one, each step that was executed leaves a dead entry in the index
//! of claims, and looking for the rows of workers reads all of them. When that takes long it is done less often, and
//! heartbeats in between only ask for the claims that their worker holds.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::Row;
use tasker_core::ids::{Fence, Ordinal, TaskId, WorkerId};
use tasker_core::record::Claim;
use tasker_core::time::Timestamp;
use tasker_store::workers::{ClaimKey, Heartbeat, HeartbeatAnswer, WorkerRow};
use tasker_store::write::Work;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::Parts;
use crate::caches;
use crate::columns::Places;
use crate::error::Trouble;
use crate::options::{Address, Purpose};
use crate::rows::{self, At};
use crate::session::{Begin, Pool, Session};
use crate::sql;
use crate::work::{self, Claimed};

/// How long a heartbeat waits for its answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looking for the rows of workers that takes longer than this is too slow for every heartbeat.
const SLOW: Duration = Duration::from_millis(500);

/// What is slow takes this part of the time at most.
const SHARE_OF_SLOW: u32 = 20;

/// A heartbeat, and who waits for its answer.
type Beat = (Heartbeat, oneshot::Sender<Result<HeartbeatAnswer, Trouble>>);

/// The thread that beats. It is started by the first heartbeat and ends with the store.
#[derive(Default)]
pub(crate) struct Pulse(Mutex<Option<mpsc::UnboundedSender<Beat>>>);

impl Pulse {
    /// Sends a heartbeat.
    pub(crate) async fn beat(&self, parts: &Arc<Parts>, beat: Heartbeat) -> Result<HeartbeatAnswer, Trouble> {
        let (reply, answer) = oneshot::channel();
        self.send(parts, (beat, reply))?;
        answer.await.unwrap_or(Err(Trouble::Late("the heartbeat's thread has ended")))
    }

    fn send(&self, parts: &Arc<Parts>, beat: Beat) -> Result<(), Trouble> {
        let mut sender = self.0.lock().expect("nothing panics while it holds this lock");
        if sender.as_ref().is_none_or(mpsc::UnboundedSender::is_closed) {
            *sender = Some(start(parts.clone())?);
        }
        let sent = sender.as_ref().map(|sender| sender.send(beat).is_ok());
        if sent == Some(true) { Ok(()) } else { Err(Trouble::Late("the heartbeat's thread has ended")) }
    }
}

fn start(parts: Arc<Parts>) -> Result<mpsc::UnboundedSender<Beat>, Trouble> {
    let (sender, mut beats) = mpsc::unbounded_channel::<Beat>();
    let io = |error: std::io::Error| Trouble::Sql(sqlx::Error::Io(error));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
    let run = move || {
        runtime.block_on(async {
            let pool = pool_for(&parts.address);
            let mut search = Search::default();
            while let Some((beat, reply)) = beats.recv().await {
                let answer = answer(&parts, &pool, beat, &mut search).await;
                // Whoever went away does not want the answer.
                let _ = reply.send(answer);
            }
        });
    };
    std::thread::Builder::new().name("tasker-pulse".into()).spawn(run).map_err(io)?;
    Ok(sender)
}

fn pool_for(address: &Address) -> Arc<Pool> {
    Pool::new(address, Purpose::Pulse, 1, PATIENCE)
}

/// When the rows of workers are looked for.
#[derive(Default)]
struct Search {
    not_before: Option<Instant>,
}

impl Search {
    fn is_due(&self) -> bool {
        self.not_before.is_none_or(|not_before| Instant::now() >= not_before)
    }

    /// It took so long, or failed after that time.
    fn took(&mut self, time: Duration) {
        self.not_before = (time > SLOW).then(|| Instant::now() + time * SHARE_OF_SLOW);
    }

    /// A worker was judged lost: its claims are looked for by the next heartbeat.
    fn hurry(&mut self) {
        self.not_before = None;
    }
}

async fn answer(
    parts: &Parts,
    pool: &Arc<Pool>,
    beat: Heartbeat,
    search: &mut Search,
) -> Result<HeartbeatAnswer, Trouble> {
    let (searches, started) = (search.is_due(), Instant::now());
    let mut answer = answer_once(parts, pool, &beat, searches).await;
    if searches {
        search.took(started.elapsed());
        if answer.is_err() && started.elapsed() > SLOW {
            answer = answer_once(parts, pool, &beat, false).await;
        }
    }
    let (answer, has_judged) = answer?;
    if has_judged {
        search.hurry();
    }
    Ok(answer)
}

/// Also tells whether another worker was judged lost.
async fn answer_once(
    parts: &Parts,
    pool: &Arc<Pool>,
    beat: &Heartbeat,
    searches: bool,
) -> Result<(HeartbeatAnswer, bool), Trouble> {
    loop {
        let mut session = pool.once().await?;
        let answer = beat_once(parts, &mut session, beat, searches).await;
        if !session.was_dead(&answer) {
            return session.end(answer).await;
        }
    }
}

async fn beat_once(
    parts: &Parts,
    session: &mut Session,
    beat: &Heartbeat,
    searches: bool,
) -> Result<(HeartbeatAnswer, bool), Trouble> {
    let now = parts.clock.as_ref().map(|clock| clock());
    let handlers: Vec<String> = beat.handlers.iter().map(ToString::to_string).collect();
    let query = session
        .query(sql::HEARTBEAT)
        .bind(now.map(At))
        .bind(beat.worker.0)
        .bind(beat.name.clone())
        .bind(beat.version.clone())
        .bind(handlers)
        .bind(i64::from(beat.capacity))
        .bind(i64::try_from(beat.lease.as_micros()).unwrap_or(i64::MAX))
        .bind(beat.may_judge)
        .bind(i64::try_from(beat.rescue_limit).unwrap_or(i64::MAX))
        .bind(searches);
    let held: Places = beat.held.iter().map(|key| (key.task, key.ordinal)).collect();
    let rows = session.rows(held.bind(query)).await?;
    let Some(heard) = Heard::read(&rows)? else {
        let now = now.unwrap_or_default();
        return Ok((HeartbeatAnswer { now, lost: true, ..HeartbeatAnswer::default() }, false));
    };
    let mine: HashSet<ClaimKey> = heard.mine.iter().map(|(key, _)| *key).collect();
    let cancelled: HashSet<ClaimKey> =
        heard.mine.iter().filter(|(_, cancelled)| *cancelled).map(|(key, _)| *key).collect();
    let held: HashSet<ClaimKey> = beat.held.iter().copied().collect();
    let is_revoked = |key: &&ClaimKey| !mine.contains(key) || cancelled.contains(key);
    let mut strange: Vec<ClaimKey> = mine.difference(&held).copied().collect();
    strange.sort_unstable();
    let unknown = unknown(parts, session, beat, strange, heard.now).await?;
    let unheard_of: Vec<ClaimKey> = unknown.iter().map(|work| ClaimKey::from(&work.claim)).collect();
    let answer = HeartbeatAnswer {
        now: heard.now,
        lost: false,
        revoked: beat.held.iter().chain(&unheard_of).filter(is_revoked).copied().collect(),
        unknown,
        orphans: heard.orphans,
    };
    Ok((answer, heard.has_judged))
}

/// What the database told a live worker.
struct Heard {
    now: Timestamp,
    has_judged: bool,
    /// Claims in its name, and whether their task was cancelled.
    mine: Vec<(ClaimKey, bool)>,
    orphans: Vec<ClaimKey>,
}

impl Heard {
    fn read(rows: &[sqlx::postgres::PgRow]) -> Result<Option<Self>, Trouble> {
        let (mut now, mut has_judged) = (None, false);
        let (mut mine, mut orphans) = (Vec::new(), Vec::new());
        for row in rows {
            match row.try_get::<i32, _>(0)? {
                0 => (now, has_judged) = (Some(rows::instant(row, 1)?), row.try_get(5)?),
                1 => mine.push((key(row, 2)?, row.try_get(5)?)),
                _ => orphans.push(key(row, 2)?),
            }
        }
        Ok(now.map(|now| Self { now, has_judged, mine, orphans }))
    }
}

fn key(row: &sqlx::postgres::PgRow, first: usize) -> Result<ClaimKey, Trouble> {
    Ok(ClaimKey {
        task: TaskId(row.try_get(first)?),
        ordinal: rows::ordinal(row, first + 1)?,
        fence: rows::fence(row, first + 2)?,
    })
}

/// The work of claims that a worker does not know of. A fresh one may still be on its way to it.
async fn unknown(
    parts: &Parts,
    session: &mut Session,
    beat: &Heartbeat,
    strange: Vec<ClaimKey>,
    now: Timestamp,
) -> Result<Vec<Work>, Trouble> {
    if strange.is_empty() {
        return Ok(Vec::new());
    }
    let places: Places = strange.iter().map(|key| (key.task, key.ordinal)).collect();
    let query = places.bind(session.query(sql::WORKER_CLAIMS));
    let query = query.bind(beat.worker.0).bind(At(now.minus(beat.interval())));
    let rows = session.rows(query).await?;
    let revisions: Vec<Uuid> = rows.iter().map(|row| row.try_get(7)).collect::<Result<_, _>>()?;
    parts.plans.learn(session, revisions).await?;
    let claimed = rows.iter().map(|row| claimed(parts, row)).collect::<Result<Vec<_>, _>>()?;
    work::of_claims(parts, session, claimed, Default::default()).await
}

fn claimed(parts: &Parts, row: &sqlx::postgres::PgRow) -> Result<Claimed, Trouble> {
    let revision: Uuid = row.try_get(7)?;
    let (task, ordinal, fence): (TaskId, Ordinal, Fence) =
        (TaskId(row.try_get(0)?), rows::ordinal(row, 1)?, rows::fence(row, 2)?);
    let (attempt, retry_limit, key_generation) =
        (rows::natural(row, 3)?, rows::natural(row, 4)?, rows::natural(row, 5)?);
    let waited = rows::instant(row, 9)?.since(rows::instant(row, 10)?);
    Ok(Claimed {
        claim: Claim {
            task,
            ordinal,
            fence,
            attempt,
            retry_limit,
            key_generation,
            waited,
            starts_task: false,
        },
        plan: parts.plans.known(revision).ok_or_else(|| caches::missing(revision))?,
        created_at: rows::instant(row, 8)?,
        has_inputs: row.try_get(6)?,
    })
}

/// A worker stopped by itself.
pub(crate) async fn stopped(parts: &Parts, worker: WorkerId) -> Result<(), Trouble> {
    let mut session = parts.hot.begin(Begin::Write).await?;
    let now = parts.clock.as_ref().map(|clock| At(clock()));
    let query = session.query(sql::WORKER_STOP).bind(worker.0).bind(now);
    let stopped = session.execute(query).await.map(drop);
    session.end(stopped).await
}

/// All workers, newest first.
pub(crate) async fn workers(parts: &Parts) -> Result<Vec<WorkerRow>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::WORKER_LIST);
    let rows = session.rows(query).await;
    let workers = rows.and_then(|rows| rows.iter().map(worker).collect());
    session.end(workers).await
}

fn worker(row: &sqlx::postgres::PgRow) -> Result<WorkerRow, Trouble> {
    let bounded = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(WorkerRow {
        id: WorkerId(row.try_get(0)?),
        name: row.try_get(1)?,
        version: row.try_get(2)?,
        handlers: rows::names(row, 3)?,
        capacity: bounded(rows::count(row, 4)?),
        running: bounded(rows::count(row, 5)?),
        started_at: rows::instant(row, 6)?,
        heartbeat_at: rows::instant(row, 7)?,
        lost_at: rows::maybe_instant(row, 8)?,
        stopped_at: rows::maybe_instant(row, 9)?,
    })
}

#[cfg(test)]
mod tests {
    use tasker_core::decide::Action;
    use tasker_testkit::StoreUnderTest;
    use tasker_testkit::clock::TestClock;
    use tasker_testkit::definitions::plan;
    use tasker_testkit::driver::{Driver, heartbeat, key};
    use tasker_testkit::postgres::Server;

    use super::*;
    use crate::{PostgresOptions, PostgresStore};

    #[test]
    fn a_slow_search_is_not_repeated_soon_unless_a_worker_was_lost() {
        let mut search = Search::default();
        assert!(search.is_due());
        search.took(SLOW);
        assert!(search.is_due());
        search.took(Duration::from_secs(60));
        assert!(!search.is_due());
        search.hurry();
        assert!(search.is_due());
    }

    #[tokio::test]
    async fn without_a_search_a_worker_learns_which_claims_it_lost() {
        let database = Server::for_tests().database().await;
        let store = PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
        let parts = store.parts.clone();
        let d = Driver::new(StoreUnderTest::new(store, TestClock::default()));
        let plan = plan("one", &[("a", &[])]);
        let (kept, cancelled, done) = (d.start(&plan).await, d.start(&plan).await, d.start(&plan).await);
        let claims: Vec<Claim> = d.claim().await.into_iter().map(|work| work.claim).collect();
        let of = |task| claims.iter().find(|claim| claim.task == task).unwrap();
        d.operate(cancelled, Action::CancelTask { force: false }).await;
        d.succeed(of(done)).await;
        let held = [key(of(cancelled)), key(of(done)), key(of(kept))];
        let pool = pool_for(&parts.address);
        let mut session = pool.once().await.unwrap();
        let (answer, _) = beat_once(&parts, &mut session, &heartbeat(d.worker, &held), false).await.unwrap();
        assert!(!answer.lost);
        assert_eq!(answer.revoked, [key(of(cancelled)), key(of(done))]);
        assert!(answer.unknown.is_empty() && answer.orphans.is_empty());
    }
}
