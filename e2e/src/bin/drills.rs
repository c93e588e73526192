//! Does drills, one after the other in a random order: `cargo xtask drills`. A line for each, and a table at the end.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use tasker_e2e::drill::{self, Drill, MOUNTED_VARIABLE, Store};
use tasker_e2e::seeds;
use tasker_testkit::postgres::privately;
use tasker_torture::chance::{Chance, seed_of};
use tasker_torture::{Load, Round, table};

const USAGE: &str = "usage: drills [--minutes N] [--postgres|--sqlite] [--only NAME] [--seed N] [--list]";

/// Steps that are due or run at once; more would be a queue in which those of a killed node have to wait.
const LOAD: Load = Load { busy: 60, most_steps: 300, least_tasks: 25 };

/// What is to be done.
struct Order {
    stores: Vec<Store>,
    only: Option<String>,
    /// Without it, every drill is done once.
    time: Option<Duration>,
    seed: u64,
    list: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(order) = order(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match start(&order, &arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("drills: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn order(arguments: &[String]) -> Option<Order> {
    let any_seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let all = vec![Store::Postgres, Store::Sqlite];
    let mut order = Order { stores: all, only: None, time: None, seed: any_seed, list: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--minutes" => order.time = Some(Duration::from_secs(60 * words.next()?.parse::<u64>().ok()?)),
            "--postgres" => order.stores = vec![Store::Postgres],
            "--sqlite" => order.stores = vec![Store::Sqlite],
            "--only" => order.only = Some(words.next()?.clone()),
            "--seed" => order.seed = words.next()?.parse().ok()?,
            "--list" => order.list = true,
            _ => return None,
        }
    }
    Some(order)
}

/// Whether nothing was found.
fn start(order: &Order, arguments: &[String]) -> Result<bool> {
    let mut drills = chosen(order)?;
    if order.list {
        drills.iter().for_each(|(store, drill)| println!("{store:?} {}: {}", drill.name(), drill.about()));
        return Ok(true);
    }
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let inside = privately(&std::env::current_exe()?, &arguments);
    if inside.is_none() {
        eprintln!("nobody may mount a disk here: drills with small disks are left out");
        drills.retain(|(_, drill)| drill.wishes().disk.is_none());
    }
    // A disk that this process sees itself wants mounts of its own, which nobody else is bothered by.
    let wants_mounts = |(store, drill): &Chosen| *store == Store::Sqlite && drill.wishes().disk.is_some();
    if let Some(mut inside) = inside.filter(|_| !drill::may_mount() && drills.iter().any(wants_mounts)) {
        let status = inside.env(MOUNTED_VARIABLE, "1").status().context("starting in mounts of its own")?;
        return Ok(status.success());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
    runtime.block_on(repeat(order, &drills))
}

type Chosen = (Store, Box<dyn Drill>);

fn chosen(order: &Order) -> Result<Vec<Chosen>> {
    let mut chosen: Vec<Chosen> = Vec::new();
    for &store in &order.stores {
        match &order.only {
            Some(name) => chosen.extend(drill::named(store, name).ok().map(|drill| (store, drill))),
            None => chosen.extend(drill::all(store).into_iter().map(|drill| (store, drill))),
        }
    }
    if chosen.is_empty() {
        bail!("there is no such drill: see --list");
    }
    Ok(chosen)
}

/// All drills, again and again until the time is over, each time in another order.
async fn repeat(order: &Order, drills: &[Chosen]) -> Result<bool> {
    let began = Instant::now();
    println!("drills: seed {}", order.seed);
    let (mut chance, mut rounds, mut failures) = (Chance::new(order.seed), Vec::new(), 0);
    let mut turn: Vec<usize> = Vec::new();
    for number in 1.. {
        let is_over = match order.time {
            Some(time) => began.elapsed() >= time,
            None => number > drills.len(),
        };
        if is_over {
            break;
        }
        if turn.is_empty() {
            turn = (0..drills.len()).collect();
            chance.shuffle(&mut turn);
        }
        let (store, drill) = &drills[turn.pop().unwrap_or_default()];
        let done = drill::run(&**drill, *store, seed_of(order.seed, number as u64), LOAD).await;
        match done {
            Ok(round) => {
                tell(number, *store, &round)?;
                rounds.push(round);
            }
            Err(error) => {
                failures += 1;
                println!("{number} {store:?} {} FAILED: {error:#}", drill.name());
            }
        }
    }
    print!("\n{}", table(&rounds));
    let findings: usize = rounds.iter().map(|round| round.findings.len()).sum();
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    println!(
        "{} drills in {minutes:.1} min: {findings} findings, {failures} failed",
        rounds.len() + failures
    );
    Ok(findings == 0 && failures == 0)
}

fn tell(number: usize, store: Store, round: &Round) -> Result<()> {
    println!("{number} {store:?} {}", round.line());
    for finding in &round.findings {
        println!("    {finding}");
    }
    seeds::keep(round).context("keeping the seeds of what was found")
}
