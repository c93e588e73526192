//! `tasker server ...`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tasker_config::Settings;
use tasker_engine::{Engine, EngineOptions, Scope};
use tasker_handlers::ShippedCatalog;
use tasker_http::{Api, ApiOptions, MetricsOptions};
use tasker_telemetry::metrics::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::definition::startup;
use super::worker;
use crate::api_options;
use crate::args::{ServerCommand, ServerRunArgs};
use crate::monitor::{Monitor, address, invalid};
use crate::open::{self, Access};
use crate::session::Session;
use crate::signals::Signals;

/// Works with servers.
pub async fn run(command: ServerCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        ServerCommand::Run(args) => serve(args, session).await,
    }
}

async fn serve(args: ServerRunArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let address = address(args.listen.as_deref().unwrap_or(&session.settings.api.listen))?;
    let options = ApiOptions {
        environment: session.environment().to_owned(),
        // Which handlers workers elsewhere serve cannot be known here.
        catalog: Arc::new(ShippedCatalog::new()),
        ..api_options::of(&session.settings).map_err(invalid)?
    };
    options.check_address(address).map_err(invalid)?;
    let base_path = options.base_path.clone();
    let handlers = open::handlers(&session.settings, args.allow_commands)?;
    let catalog = ShippedCatalog::of(&handlers);
    let monitor = Monitor::of(args.metrics_listen.as_deref(), &session.settings.metrics)?;
    let metrics = Metrics::new();
    let observed = EngineOptions { observer: Arc::new(metrics.clone()), ..open::options(&session.settings) };
    let engine = open::engine_with(session, Access::Create, handlers, observed).await?;
    let options = with_metrics(options, &session.settings, &metrics, &engine);
    let mut paths = session.settings.worker.definitions.clone();
    paths.extend(args.definitions);
    startup::register(&paths, &engine, &catalog, session).await?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address} is not possible"))?;
    let mut signals = Signals::new()?;
    let worker = if args.no_worker { None } else { Some(engine.start_worker(Scope::All).await?) };
    let api = Api::new(engine.clone(), options).map_err(invalid)?;
    let stop = CancellationToken::new();
    let address = listener.local_addr()?;
    let location = engine.schema().await?.location;
    session.printer.note(&format!("serving http://{address}{base_path} with the tasks of {location}"));
    let monitor = match monitor {
        Some(monitor) => Some(monitor.start(&engine, &metrics, &session.printer).await?),
        None => None,
    };
    let mut serving = tokio::spawn({
        let (api, stop) = (api.clone(), stop.clone());
        async move { api.serve(listener, stop).await }
    });
    let status = tokio::select! {
        status = signals.next() => status,
        ended = &mut serving => {
            ended??;
            anyhow::bail!("the server ended by itself");
        }
    };
    session.printer.note("stopping: requests under way may end; press Ctrl-C again to stop at once");
    stop.cancel();
    tokio::select! {
        ended = &mut serving => ended??,
        again = signals.next() => std::process::exit(again as i32),
    }
    if let Some(worker) = worker {
        let cut_off = "the steps that were cut off are run again by another worker";
        worker::stop(worker, &mut signals, Some(cut_off), &session.printer).await;
    }
    drop(api);
    if let Some(monitor) = monitor {
        monitor.stop().await;
    }
    engine.shutdown().await;
    Ok(status.into())
}

/// Metrics of this process, if they are on.
fn with_metrics(options: ApiOptions, settings: &Settings, metrics: &Metrics, engine: &Engine) -> ApiOptions {
    let source = settings.metrics.enabled.then(|| Arc::new(metrics.exporter(engine.clone())) as _);
    let is_public = !settings.metrics.auth_required;
    let observer = Arc::new(metrics.clone());
    ApiOptions { observer, metrics: MetricsOptions { source, is_public }, ..options }
}
