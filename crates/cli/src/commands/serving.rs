//! A server of the HTTP API and the worker beside it, in this process: what `tasker server run` and `tasker dev` share.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use tasker_config::Settings;
use tasker_engine::{Engine, EngineOptions, Scope, Worker};
use tasker_handlers::ShippedCatalog;
use tasker_http::{Api, ApiOptions, MetricsOptions};
use tasker_telemetry::metrics::Metrics;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::worker;
use crate::api_options;
use crate::exit::Status;
use crate::monitor::{self, Monitor, address, invalid};
use crate::open::{self, Access};
use crate::session::Session;
use crate::signals::Signals;

/// Where flags say to listen; what they do not say, the settings do.
#[derive(Clone, Copy, Default)]
pub struct Listen<'a> {
    /// For the API.
    pub api: Option<&'a str>,
    /// For metrics, besides.
    pub metrics: Option<&'a str>,
}

/// What there is before anything is served.
pub struct Prepared {
    /// The engine, which runs nothing yet.
    pub engine: Engine,
    /// The handlers of this process.
    pub catalog: ShippedCatalog,
    options: ApiOptions,
    address: SocketAddr,
    metrics: Metrics,
    monitor: Option<Monitor>,
}

impl Prepared {
    /// Checks everything that is set, and opens the database.
    pub async fn new(listen: Listen<'_>, allow_commands: bool, session: &Session) -> anyhow::Result<Self> {
        let address = address(listen.api.unwrap_or(&session.settings.api.listen))?;
        let options = ApiOptions {
            environment: session.environment().to_owned(),
            // Which handlers workers elsewhere serve cannot be known here.
            catalog: Arc::new(ShippedCatalog::new()),
            ..api_options::of(&session.settings).map_err(invalid)?
        };
        options.check_address(address).map_err(invalid)?;
        let handlers = open::handlers(&session.settings, allow_commands)?;
        let catalog = ShippedCatalog::of(&handlers);
        let monitor = Monitor::of(listen.metrics, &session.settings.metrics)?;
        let metrics = Metrics::new();
        let observed =
            EngineOptions { observer: Arc::new(metrics.clone()), ..open::options(&session.settings) };
        let engine = open::engine_with(session, Access::Create, handlers, observed).await?;
        let options = with_metrics(options, &session.settings, &metrics, &engine);
        Ok(Self { engine, catalog, options, address, metrics, monitor })
    }

    /// Begins to serve and, if `with_worker`, to run steps. From here on signals stop it.
    pub async fn serve(self, with_worker: bool, session: &Session) -> anyhow::Result<Serving> {
        let Self { engine, options, address, metrics, monitor, .. } = self;
        let listener = monitor::listen(address).await?;
        let signals = Signals::new()?;
        let worker = if with_worker { Some(engine.start_worker(Scope::All).await?) } else { None };
        let url = format!("http://{}{}", listener.local_addr()?, options.base_path);
        let api = Api::new(engine.clone(), options).map_err(invalid)?;
        let monitor = match monitor {
            Some(monitor) => Some(monitor.start(&engine, &metrics, &session.printer).await?),
            None => None,
        };
        let stop = CancellationToken::new();
        let server = tokio::spawn({
            let (api, stop) = (api.clone(), stop.clone());
            async move { api.serve(listener, stop).await.map_err(anyhow::Error::from) }
        });
        Ok(Serving { engine, url, api, server, monitor, stop, worker, signals })
    }
}

/// A server that serves.
pub struct Serving {
    /// Its engine.
    pub engine: Engine,
    /// What all its routes stand below.
    pub url: String,
    api: Api,
    server: JoinHandle<anyhow::Result<()>>,
    monitor: Option<monitor::Serving>,
    stop: CancellationToken,
    worker: Option<Worker>,
    signals: Signals,
}

impl Serving {
    /// Waits until it is to stop; answers how the program is to end because of it.
    ///
    /// # Errors
    /// The server ended by itself.
    pub async fn until_signal(&mut self) -> anyhow::Result<Status> {
        tokio::select! {
            status = self.signals.next() => Ok(status),
            ended = &mut self.server => {
                ended??;
                anyhow::bail!("the server ended by itself");
            }
        }
    }

    /// Stops gracefully; a second signal ends the program at once.
    pub async fn stop(mut self, status: Status, session: &Session) -> anyhow::Result<ExitCode> {
        session.printer.note("stopping: requests under way may end; press Ctrl-C again to stop at once");
        self.stop.cancel();
        tokio::select! {
            ended = &mut self.server => ended??,
            again = self.signals.next() => std::process::exit(again as i32),
        }
        if let Some(worker) = self.worker {
            let cut_off = "the steps that were cut off are run again by another worker";
            worker::stop(worker, &mut self.signals, Some(cut_off), &session.printer).await;
        }
        drop(self.api);
        if let Some(monitor) = self.monitor {
            monitor.stop().await;
        }
        self.engine.shutdown().await;
        Ok(status.into())
    }
}

/// Metrics of this process, if they are on.
fn with_metrics(options: ApiOptions, settings: &Settings, metrics: &Metrics, engine: &Engine) -> ApiOptions {
    let source = monitor::source(&settings.metrics, metrics, engine);
    let is_public = !settings.metrics.auth_required;
    let observer = Arc::new(metrics.clone());
    ApiOptions { observer, metrics: MetricsOptions { source, is_public }, ..options }
}
