//! Runs: each with a database of its own, the engine and the ceiling in turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tasker_core::request::TaskRequest;
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, Scope, Worker};
use tasker_scratch::Place;
use tasker_store::Store;
use tasker_store::definitions::Registration;

use crate::ceiling::Script;
use crate::counting::{CountingStore, Meter, now_micros};
use crate::database::{Database, Made, Reading};
use crate::error::BenchError;
use crate::figures::{Percentiles, median};
use crate::handler::{Conduct, Ledger, handlers};
use crate::idle::{self, IdleTimes};
use crate::load;
use crate::options::{BenchOptions, CeilingOptions, Host, Submission};
use crate::process::{self, Memory};
use crate::report::{
    BenchReport, CeilingFigures, CeilingReport, Cpu, EngineSetting, RunFigures, Setting, Throughput,
};
use crate::verify::{Calls, Expected, verify};
use crate::workers::{Brief, Fleet, Used};
use crate::workload::Workload;

/// Callers that submit the tasks which are to wait.
const WAITING_CALLERS: Submission = Submission::Callers(32);

/// Single-row commits that a run of the ceiling times.
const CEILING_COMMITS: usize = 200;

/// Runs the engine, and the ceiling if asked for. `say` is told how it goes.
///
/// # Errors
/// The database cannot be used, or the engine did wrong work.
pub async fn measure(
    options: &BenchOptions,
    host: &Host,
    say: &dyn Fn(&str),
) -> Result<BenchReport, BenchError> {
    let workload = Workload::new(options.shape, options.steps, options.payload_bytes);
    let mut kept = Vec::new();
    let (mut runs, mut ceilings) = (Vec::new(), Vec::new());
    for number in 1..=options.runs {
        // Whoever goes first finds the disk in another state, so they take turns.
        let ceiling_first = number % 2 == 0;
        if options.with_ceiling && ceiling_first {
            ceilings.push(ceiling(&workload, options.tasks, host, &mut kept).await?);
        }
        let run = Run { options, workload: &workload, host }.once(&mut kept).await?;
        let rate = run.throughput.steps_per_second;
        say(&format!("run {number} of {}: {rate:.0} steps/s", options.runs));
        runs.push(run);
        if options.with_ceiling && !ceiling_first {
            ceilings.push(ceiling(&workload, options.tasks, host, &mut kept).await?);
        }
        if let Some(ceiling) = ceilings.last() {
            say(&format!("ceiling {number}: {:.0} steps/s", ceiling.throughput.steps_per_second));
        }
    }
    let pairs = runs.iter().zip(&ceilings);
    let ratio =
        median(pairs.map(|(run, top)| run.throughput.steps_per_second / top.throughput.steps_per_second));
    Ok(BenchReport {
        setting: engine_setting(options, host, setting(&workload, options.tasks, host, kept)),
        figures: RunFigures::medians(&runs),
        ceiling: options.with_ceiling.then(|| CeilingFigures::medians(&ceilings)),
        ratio,
        verified: true,
        runs,
        ceiling_runs: ceilings,
    })
}

/// Runs the ceiling alone.
///
/// # Errors
/// The database cannot be used.
pub async fn measure_ceiling(
    options: &CeilingOptions,
    host: &Host,
    say: &dyn Fn(&str),
) -> Result<CeilingReport, BenchError> {
    let workload = Workload::new(options.shape, options.steps, options.payload_bytes);
    let (mut kept, mut runs) = (Vec::new(), Vec::new());
    for number in 1..=options.runs {
        let run = ceiling(&workload, options.tasks, host, &mut kept).await?;
        say(&format!("run {number} of {}: {:.0} steps/s", options.runs, run.throughput.steps_per_second));
        runs.push(run);
    }
    let figures = CeilingFigures::medians(&runs);
    Ok(CeilingReport {
        setting: setting(&workload, options.tasks, host, kept),
        figures,
        verified: true,
        runs,
    })
}

fn setting(workload: &Workload, tasks: usize, host: &Host, kept_databases: Vec<String>) -> Setting {
    Setting {
        database: match host.place {
            Place::Sqlite { .. } => "sqlite",
            Place::Postgres { .. } => "postgres",
        },
        kept_databases,
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        shape: workload.kind,
        steps_per_task: workload.n_steps(),
        tasks,
        payload_bytes: workload.payload_bytes,
    }
}

fn engine_setting(options: &BenchOptions, host: &Host, common: Setting) -> EngineSetting {
    EngineSetting {
        common,
        submission: options.submission,
        failure_rate: options.failure_rate,
        handler_ms: options.handler_wait.as_secs_f64() * 1e3,
        worker_processes: options.workers,
        max_concurrent_steps: host.engine.max_concurrent_steps,
        idle_tasks: options.idle_tasks,
        history_steps: options.history_steps,
        waiting_tasks: options.waiting_tasks,
    }
}

async fn ceiling(
    workload: &Workload,
    tasks: usize,
    host: &Host,
    kept: &mut Vec<String>,
) -> Result<CeilingFigures, BenchError> {
    let made = Made::at(&host.place, host.keep).await?;
    let database = &made.database;
    let store = (host.open)(database.url()).await?;
    let script = Arc::new(Script::of(workload));
    store.register(Registration { plan: script.plan.clone(), replace: false }).await?;
    let mut commits = database.commit_times(CEILING_COMMITS / 2).await?;
    let (before, cpu) = (database.reading().await?, process::cpu_time());
    let plain = database.write_plainly(script, tasks).await?;
    let cpu = process::cpu_time() - cpu;
    let mut cost = database.reading().await?.since(&before);
    commits.extend(database.commit_times(CEILING_COMMITS / 2).await?);
    cost.commits = cost.commits.or(Some(plain.commits));
    let single_rows: Duration = commits.iter().sum();
    let expected = Expected { complete: tasks as u64, waiting: 0 };
    verify(&*store, expected, None).await?;
    keep(host, &**database, kept);
    Ok(CeilingFigures {
        throughput: throughput(plain.elapsed, tasks, workload.n_steps(), &cost, cpu),
        single_row_commits_per_second: commits.len() as f64 / single_rows.as_secs_f64(),
        commit_ms: Percentiles::of(commits),
    })
}

fn keep(host: &Host, database: &dyn Database, kept: &mut Vec<String>) {
    if host.keep {
        kept.push(database.url());
    }
}

fn throughput(
    elapsed: Duration,
    tasks: usize,
    steps_per_task: usize,
    cost: &Reading,
    cpu: Duration,
) -> Throughput {
    let (seconds, steps) = (elapsed.as_secs_f64(), (tasks * steps_per_task) as f64);
    let per_step = |count: Option<u64>| count.map(|count| count as f64 / steps);
    let per_thousand = |time: Duration| time.as_secs_f64() / steps * 1e3;
    Throughput {
        seconds,
        tasks_per_second: tasks as f64 / seconds,
        steps_per_second: steps / seconds,
        commits_per_step: per_step(cost.commits),
        log_bytes_per_step: per_step(cost.log_bytes),
        statements_per_step: per_step(cost.statements),
        buffers_per_step: per_step(cost.buffers),
        cpu_seconds_per_1000_steps: Cpu { engine: per_thousand(cpu), database: cost.cpu.map(per_thousand) },
    }
}

/// One run of the engine.
struct Run<'a> {
    options: &'a BenchOptions,
    workload: &'a Workload,
    host: &'a Host,
}

/// Who runs the steps.
enum Runner {
    /// A worker in this process.
    Here(Worker),
    /// Processes.
    Fleet(Fleet),
}

/// What the measured part gave.
struct Loaded {
    elapsed: Duration,
    submitting: Duration,
    cpu: Duration,
    commits: u64,
    cost: Reading,
    memory: Memory,
}

/// What stays the same during a run.
struct Bench {
    store: Arc<dyn Store>,
    engine: Engine,
    ledger: Arc<Ledger>,
    meter: Arc<Meter>,
    database: Arc<dyn Database>,
}

impl Run<'_> {
    async fn once(&self, kept: &mut Vec<String>) -> Result<RunFigures, BenchError> {
        let made = Made::at(&self.host.place, self.host.keep).await?;
        let database = &made.database;
        let bench = self.set_up(database.clone()).await?;
        let history = self.write_history(&**database).await?;
        let waiting = self.submit_waiting(&bench).await?;
        let mut runner = self.start(&bench).await?;
        let idle = match runner {
            Runner::Here(_) if self.options.idle_tasks > 0 => {
                let Bench { engine, ledger, .. } = &bench;
                Some(
                    idle::measure(engine, self.workload, self.options.idle_tasks, ledger, &**database)
                        .await?,
                )
            }
            _ => None,
        };
        let loaded = self.load(&bench, &mut runner).await?;
        let used = stop(runner).await?;
        let Bench { store, engine, ledger, .. } = bench;
        engine.shutdown().await;
        let n_idle = if idle.is_some() { idle::WARM_UP + self.options.idle_tasks } else { 0 };
        let steps = ((self.options.tasks + n_idle) * self.workload.n_steps()) as u64;
        let executions = ledger.executions() + used.iter().map(|used| used.executions).sum::<u64>();
        let failures = ledger.failures() + used.iter().map(|used| used.failures).sum::<u64>();
        let complete = (self.options.tasks + n_idle + history) as u64;
        let expected = Expected { complete, waiting: self.options.waiting_tasks as u64 };
        verify(&*store, expected, Some(Calls { executions, failures, steps })).await?;
        keep(self.host, &**database, kept);
        Ok(self.figures(&loaded, idle, waiting, &used, (executions, failures)))
    }

    async fn set_up(&self, database: Arc<dyn Database>) -> Result<Bench, BenchError> {
        let store = (self.host.open)(database.url()).await?;
        let (ledger, meter) = (Arc::new(Ledger::default()), Meter::new(Some(database.clone())));
        let conduct = Conduct {
            wait: self.options.handler_wait,
            failure_rate: self.options.failure_rate,
            payload_bytes: self.options.payload_bytes,
        };
        let handlers = match self.options.workers {
            0 => handlers(conduct, ledger.clone()),
            _ => Handlers::new(),
        };
        let counting = CountingStore::over(store.clone(), meter.clone());
        let engine = Engine::new(counting, handlers, self.host.engine.clone());
        engine.register(self.workload.definition(), false).await?;
        Ok(Bench { store, engine, ledger, meter, database })
    }

    /// Tasks that ended long before; answers how many.
    async fn write_history(&self, database: &dyn Database) -> Result<usize, BenchError> {
        let tasks = self.options.history_steps.div_ceil(self.workload.n_steps());
        if tasks > 0 {
            database.write_plainly(Arc::new(Script::of(self.workload)), tasks).await?;
            database.checkpoint().await?;
        }
        Ok(tasks)
    }

    /// Tasks that wait for tomorrow; answers how many were accepted a second.
    async fn submit_waiting(&self, bench: &Bench) -> Result<Option<f64>, BenchError> {
        let tasks = self.options.waiting_tasks;
        if tasks == 0 {
            return Ok(None);
        }
        let tomorrow = bench.store.now().await?.plus_seconds(86_400);
        let workload = self.workload.clone();
        let request = Arc::new(move |n| TaskRequest { not_before: Some(tomorrow), ..workload.request(n) });
        let time = load::submit(&bench.engine, tasks, WAITING_CALLERS, request).await?;
        Ok(Some(tasks as f64 / time.as_secs_f64()))
    }

    async fn start(&self, bench: &Bench) -> Result<Runner, BenchError> {
        if self.options.workers == 0 {
            return Ok(Runner::Here(bench.engine.start_worker(Scope::All).await?));
        }
        let brief = Brief {
            url: bench.database.url(),
            wait_micros: u64::try_from(self.options.handler_wait.as_micros()).unwrap_or(u64::MAX),
            failure_rate: self.options.failure_rate,
            payload_bytes: self.options.payload_bytes,
        };
        Ok(Runner::Fleet(Fleet::start(self.options.workers, &self.host.worker, &brief).await?))
    }

    async fn load(&self, bench: &Bench, runner: &mut Runner) -> Result<Loaded, BenchError> {
        let Bench { engine, ledger, meter, database, .. } = bench;
        let tasks = self.options.tasks;
        ledger.begin_to_fail();
        if let Runner::Fleet(fleet) = runner {
            fleet.mark().await?;
        }
        let before = database.reading().await?;
        let knows_peak = process::reset_peak();
        let (cpu, commits) = (process::cpu_time(), meter.commits());
        let mut ended = meter.ended();
        let expected = ended.borrow().count + tasks as u64;
        let workload = self.workload.clone();
        let (start, start_micros) = (Instant::now(), now_micros());
        let request = Arc::new(move |n| workload.request(n));
        let submitting = load::submit(engine, tasks, self.options.submission, request).await?;
        let elapsed = match runner {
            Runner::Here(_) => load::until_ended(&mut ended, expected).await?.last - start,
            Runner::Fleet(fleet) => {
                let last = watched(database.clone(), fleet.until_ended(tasks as u64)).await?;
                Duration::from_micros(last.saturating_sub(start_micros))
            }
        };
        let memory = process::memory();
        Ok(Loaded {
            elapsed,
            submitting,
            cpu: process::cpu_time() - cpu,
            commits: meter.commits() - commits,
            cost: database.reading().await?.since(&before),
            memory: Memory { peak: memory.peak.filter(|_| knows_peak), ..memory },
        })
    }

    fn figures(
        &self,
        loaded: &Loaded,
        idle: Option<IdleTimes>,
        waiting: Option<f64>,
        used: &[Used],
        (executions, failed_attempts): (u64, u64),
    ) -> RunFigures {
        let (tasks, n_steps) = (self.options.tasks, self.workload.n_steps());
        let cpu =
            used.iter().map(|used| Duration::from_secs_f64(used.cpu_seconds)).sum::<Duration>() + loaded.cpu;
        let commits = used.iter().map(|used| used.commits).sum::<u64>() + loaded.commits;
        let cost = Reading { commits: loaded.cost.commits.or(Some(commits)), ..loaded.cost };
        let (latencies, hops, singles) = idle.map_or_else(Default::default, |idle| {
            (Percentiles::of(idle.latencies), Percentiles::of(idle.hops), Percentiles::of(idle.commits))
        });
        let floor = singles.map(|commit| commit.p50 * (self.workload.depth() + 1) as f64);
        RunFigures {
            throughput: throughput(loaded.elapsed, tasks, n_steps, &cost, cpu),
            submissions_per_second: tasks as f64 / loaded.submitting.as_secs_f64(),
            waiting_submissions_per_second: waiting,
            latency_in_floors: latencies.zip(floor).map(|(latency, floor)| latency.p50 / floor),
            latency_ms: latencies,
            hop_ms: hops,
            commit_ms: singles,
            memory_bytes: largest(loaded.memory, used),
            executions,
            failed_attempts,
        }
    }
}

/// The largest of the processes that run steps.
fn largest(own: Memory, used: &[Used]) -> Memory {
    let processes = || used.iter().map(|used| used.memory);
    match used {
        [] => own,
        _ => Memory {
            resident: processes().map(|memory| memory.resident).max().flatten(),
            peak: processes().map(|memory| memory.peak).max().flatten(),
        },
    }
}

/// Looks at a database while others write to it.
async fn watched<T>(database: Arc<dyn Database>, work: impl Future<Output = T>) -> T {
    let look = async {
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        loop {
            tick.tick().await;
            database.observe();
        }
    };
    tokio::select! {
        answer = work => answer,
        never = look => never,
    }
}

async fn stop(runner: Runner) -> Result<Vec<Used>, BenchError> {
    match runner {
        Runner::Here(worker) => {
            worker.stop().await;
            Ok(Vec::new())
        }
        Runner::Fleet(fleet) => fleet.stop().await,
    }
}
