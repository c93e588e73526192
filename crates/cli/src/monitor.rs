//! A listener beside the API, for those who watch the process: `/metrics` and `/health`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tasker_config::MetricsSettings;
use tasker_engine::Engine;
use tasker_http::{Api, ApiOptions, InvalidOptions, MetricsOptions, MetricsSource};
use tasker_telemetry::metrics::Metrics;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::exit::{Failure, Status};
use crate::output::Printer;

/// How long a scrape may go on when the process stops.
const GRACE: Duration = Duration::from_secs(1);

/// Most connections.
const MOST_CONNECTIONS: usize = 64;

/// Listens on an address.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    Ok(bound.map_err(|error| {
        let message = format!("listening on {address} is not possible: {error}");
        Failure::new(Status::Unavailable, "address_unavailable", message)
            .help("name another address or port, or end whoever uses this one")
    })?)
}

/// A listener whose address may be used, not bound yet.
pub struct Monitor {
    address: SocketAddr,
    settings: MetricsSettings,
}

/// A listener that serves.
pub struct Serving {
    stop: CancellationToken,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Monitor {
    /// What a flag says, else the settings; `None` if neither says anything.
    ///
    /// # Errors
    /// It is no address, or one that others can reach although they must not read without saying who they are.
    pub fn of(flag: Option<&str>, settings: &MetricsSettings) -> Result<Option<Self>, Failure> {
        let Some(text) = flag.or(settings.listen.as_deref()) else { return Ok(None) };
        let address = address(text)?;
        if !address.ip().is_loopback() && settings.auth_required {
            let message = format!("everybody who can reach {address} could read the metrics of this process");
            return Err(Failure::new(Status::Invalid, "invalid_configuration", message).help(
                "listen on 127.0.0.1, or say that this is meant with telemetry.metrics_auth_required = false",
            ));
        }
        Ok(Some(Self { address, settings: settings.clone() }))
    }

    /// Begins to serve.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(
        self,
        engine: &Engine,
        metrics: &Metrics,
        printer: &Printer,
    ) -> anyhow::Result<Serving> {
        let source = source(&self.settings, metrics, engine);
        let options = ApiOptions {
            base_path: String::new(),
            allow_unauthenticated: true,
            max_connections: MOST_CONNECTIONS,
            shutdown_grace: GRACE,
            metrics: MetricsOptions { source, is_public: true },
            ..ApiOptions::default()
        };
        let api = Api::monitoring(engine.clone(), options).map_err(invalid)?;
        let address = self.address;
        let listener = listen(address).await?;
        printer.note(&format!("metrics at http://{}/metrics", listener.local_addr()?));
        let stop = CancellationToken::new();
        let until = stop.clone();
        let ended = tokio::spawn(async move { api.serve(listener, until).await });
        Ok(Serving { stop, ended })
    }
}

impl Serving {
    /// Stops, once scrapes under way had their time.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Ok(Err(error)) = self.ended.await {
            tracing::warn!(%error, "the listener for metrics ended by itself");
        }
    }
}

/// Where the metrics of this process come from, if they are on.
pub fn source(
    settings: &MetricsSettings,
    metrics: &Metrics,
    engine: &Engine,
) -> Option<Arc<dyn MetricsSource>> {
    settings.enabled.then(|| Arc::new(metrics.exporter(engine.clone())) as _)
}

/// An address to listen on.
///
/// # Errors
/// It is none.
pub fn address(text: &str) -> Result<SocketAddr, Failure> {
    text.parse().map_err(|_| {
        let message = format!("{text:?} is no address to listen on");
        Failure::new(Status::Invalid, "invalid_configuration", message)
            .help("write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")
    })
}

/// Options that cannot be used.
pub fn invalid(error: InvalidOptions) -> Failure {
    Failure::new(Status::Invalid, "invalid_configuration", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_unless_everybody_may_read() {
        let check = |flag: Option<&str>, listen: Option<&str>, auth_required, expected: Option<bool>| {
            let settings =
                MetricsSettings { enabled: true, auth_required, listen: listen.map(str::to_owned) };
            let found = Monitor::of(flag, &settings).map(|monitor| monitor.is_some()).ok();
            assert_eq!(found, expected, "{flag:?} {listen:?} {auth_required}");
        };
        check(None, None, true, Some(false));
        check(None, Some("127.0.0.1:0"), true, Some(true));
        check(Some("[::1]:9464"), Some("nowhere"), true, Some(true));
        check(Some("0.0.0.0:9464"), None, true, None);
        check(Some("0.0.0.0:9464"), None, false, Some(true));
        check(Some("localhost"), None, false, None);
    }
}
