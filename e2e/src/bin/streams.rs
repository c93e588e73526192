//! Lets many listeners hear what happens while tasks are created and run: `cargo xtask streams`.

use std::process::ExitCode;
use std::time::Duration;

use tasker_e2e::streams::{Order, Report, run};

const USAGE: &str = "usage: streams [--seconds N] [--listeners N] [--slow N] [--tasks-per-second N]";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(order) = order(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(order).await {
        Ok(report) => {
            tell(&report);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("streams: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn order(arguments: &[String]) -> Option<Order> {
    let mut order = Order { time: Duration::from_secs(60), listeners: 500, slow: 10, tasks_per_second: 30 };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let number: u32 = words.next()?.parse().ok()?;
        match word.as_str() {
            "--seconds" => order.time = Duration::from_secs(number.into()),
            "--listeners" => order.listeners = number as usize,
            "--slow" => order.slow = number as usize,
            "--tasks-per-second" => order.tasks_per_second = number.max(1),
            _ => return None,
        }
    }
    Some(order)
}

fn tell(report: &Report) {
    let at = |share: f64| {
        let delay = report.delays.get((report.delays.len() as f64 * share) as usize).or(report.delays.last());
        delay.map_or(0.0, |delay| delay.as_secs_f64() * 1e3)
    };
    println!(
        "{} tasks, {} events; nobody missed one, nobody was told one twice",
        report.tasks, report.events
    );
    println!("{} events told, {} times cut off", report.told, report.cuts);
    println!(
        "from commit to listener: p50 {:.0} ms, p99 {:.0} ms, at most {:.0} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!(
        "servers: {:.0} MiB at most, {:.1} s of processor time",
        report.peak as f64 / f64::from(1 << 20),
        report.processor
    );
}
