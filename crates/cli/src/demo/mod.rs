//! `tasker demo`: a hundred orders of a small shop that is as unreliable as the real world.
//!
//! The shop is a real HTTP server on a loopback port, the orders are tasks of an ordinary definition file, and what
//! is shown is read from the engine's log. Nothing is simulated but the shop's moods, which follow `--seed`.

mod orders;
mod progress;
mod report;
mod run;
mod screen;
mod shop;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_handlers::{ShippedOptions, shipped};
use tasker_store::read::Cursor;

use self::progress::Progress;
use self::report::Report;
use self::run::{Ended, Run};
use self::screen::Screen;
use self::shop::OpenShop;
use crate::exit::Status;
use crate::open::{self, Access, Database};
use crate::session::Session;
use crate::signals::Signals;

/// See it work: a shop with a hundred orders and an unreliable world, without any set-up.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker demo
  tasker demo --orders 20 --seed 7
  tasker demo --data-dir ./demo
  tasker demo --shop-only 127.0.0.1:8080

The database is a new one in the folder for temporary files, unless --data-dir or --database-url names another.")]
pub struct DemoArgs {
    /// How many orders
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub orders: u32,
    /// What the shop's moods depend on: equal seeds give equal numbers of failures and retries
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// How many orders come in per second
    #[arg(long, default_value_t = 25, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// Only open the shop, for workflows of your own, until it is interrupted [default address: a free local port]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:0")]
    pub shop_only: Option<SocketAddr>,
}

/// Runs the demo to its end, or only the shop until a signal comes.
///
/// # Errors
/// The database or the port cannot be used.
pub async fn run(args: DemoArgs, session: &Session) -> Result<ExitCode> {
    match args.shop_only {
        Some(address) => serve(&args, address, session).await,
        None => play(&args, session).await,
    }
}

async fn serve(args: &DemoArgs, address: SocketAddr, session: &Session) -> Result<ExitCode> {
    let mut signals = Signals::new()?;
    let shop = open_shop(args, address).await?;
    session.printer.text(&shop.url());
    session.printer.note("The shop is open for orders; Ctrl-C closes it.");
    Ok(signals.next().await.into())
}

async fn play(args: &DemoArgs, session: &Session) -> Result<ExitCode> {
    let mut signals = Signals::new()?;
    let database = database(session)?;
    let url = database.url();
    let shop = open_shop(args, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    // The engine's own defaults, whatever is configured: the demo shall be the same everywhere.
    let store = open::store(&database, Access::Create).await?;
    let engine = Engine::new(store, shipped(ShippedOptions::default()), EngineOptions::default());
    let worker = engine.start_worker(Scope::All).await?;
    let mut screen = Screen::stderr(args.orders, session.printer.is_quiet());
    screen.line(&format!("{} orders for the shop at {} (seed {})", args.orders, shop.url(), args.seed));
    let mut run = Run {
        engine: &engine,
        shop_url: shop.url(),
        orders: args.orders,
        rate: args.rate,
        screen: &mut screen,
        progress: Progress::default(),
        cursor: Cursor::START,
    };
    let ended = run.play(signals.next()).await?;
    // A second signal: at once.
    tokio::select! {
        () = worker.stop() => run.follow().await?,
        _ = signals.next() => {}
    }
    let progress = run.progress;
    screen.wipe();
    let report = Report {
        orders: args.orders,
        progress: &progress,
        takings: &shop.takings(),
        database: &url,
        ended,
        program: &program(),
    };
    session.printer.result(&report.document(), || report.text());
    Ok(match ended {
        Ended::Whole => Status::Ok,
        Ended::Interrupted(status) => status,
    }
    .into())
}

async fn open_shop(args: &DemoArgs, address: SocketAddr) -> Result<OpenShop> {
    OpenShop::open(address, args.seed, args.orders)
        .await
        .with_context(|| format!("opening the shop at {address}"))
}

/// The database that flags name; else a new one. One that is only configured is left alone: it is for real work.
fn database(session: &Session) -> Result<Database> {
    if session.globals.database_url.is_some() || session.globals.data_dir.is_some() {
        return Ok(open::database(session)?);
    }
    let name = format!("tasker-demo-{}", uuid::Uuid::now_v7().simple());
    Ok(Database::Embedded(std::env::temp_dir().join(name).join("tasker.db")))
}

/// What was typed to run this program, so that what is shown can be typed: `cargo run` does not put it on the path.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "tasker".to_owned())
}
