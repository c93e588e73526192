//! Runs seeds of the simulation: `cargo xtask sim`. The last line on standard output depends on the seeds alone.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tasker_testkit::sim::{self, Report};

const USAGE: &str = "usage: sim (--seeds N | --minutes N) [--start SEED] [--story]";

/// Stories that are shown in full before the others are only counted.
const MOST_SHOWN: u64 = 3;

/// How long a run without news may be.
const NEWS: Duration = Duration::from_secs(10);

/// What is to be run.
struct Order {
    start: u64,
    end: Option<u64>,
    deadline: Option<Instant>,
    story: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match order(&arguments) {
        Some(order) => run(&order),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn order(arguments: &[String]) -> Option<Order> {
    let mut order = Order { start: 1, end: None, deadline: None, story: false };
    let (mut seeds, mut minutes) = (None, None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => seeds = Some(words.next()?.parse::<u64>().ok()?),
            "--start" => order.start = words.next()?.parse().ok()?,
            "--minutes" => minutes = Some(words.next()?.parse::<u64>().ok()?),
            "--story" => order.story = true,
            _ => return None,
        }
    }
    order.end = seeds.map(|n| order.start.saturating_add(n));
    order.deadline = minutes.map(|n| Instant::now() + Duration::from_secs(60 * n));
    (seeds.is_some() != minutes.is_some()).then_some(order)
}

/// Seeds in order, on every core. Those that were begun are ended, so that they are without gap.
fn run(order: &Order) -> ExitCode {
    let next = AtomicU64::new(order.start);
    let sum = Mutex::new(sim::Summary::default());
    let began = Instant::now();
    let news = Mutex::new(began);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while order.deadline.is_none_or(|deadline| Instant::now() < deadline) {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if order.end.is_some_and(|end| seed >= end) {
                        break;
                    }
                    let report = sim::run_watched(seed);
                    let mut sum = sum.lock().expect("nothing panics while it holds this lock");
                    tell(order, &report, sum.violations.len() as u64);
                    sum.add(&report);
                    let mut news = news.lock().expect("nothing panics while it holds this lock");
                    if news.elapsed() > NEWS {
                        eprintln!("{} seeds in {} s", sum.seeds, began.elapsed().as_secs());
                        *news = Instant::now();
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().expect("nothing panics while it holds this lock");
    println!("{}", sum.line(order.start));
    if sum.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(order: &Order, report: &Report, n_shown: u64) {
    if order.story {
        println!("{}", report.story);
    }
    let Some(failure) = report.failure() else { return };
    let violation = report.violation.as_deref().unwrap_or_default();
    if n_shown < MOST_SHOWN {
        eprintln!("{failure}\n");
    } else {
        eprintln!("seed {}: {violation}", report.seed);
    }
    if let Err(error) = sim::keep(report.seed, violation) {
        eprintln!("the seed could not be kept: {error}");
    }
}
