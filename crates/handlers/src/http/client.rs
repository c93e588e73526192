//! One pooled client per distinct way to connect.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::redirect;
use reqwest::tls::Version;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy};
use url::Url;

use super::config::{HttpConfig, SslConfig};
use super::net::{GuardedResolver, HttpPolicy};
use crate::settings::SettingProblem;

/// Most clients that are kept; beyond that all are dropped and made again as they are needed.
const MAX_KEPT: usize = 64;

/// Everything about a connection that a client cannot change afterwards.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Setup {
    connect_timeout: Duration,
    ssl: SslConfig,
    /// When the files that `ssl` names were written, so that a renewed certificate is noticed.
    written: Vec<Option<SystemTime>>,
    /// Whether certificates may be needed at all; where not, the system's are not looked for.
    secure: bool,
    proxy: Option<String>,
    redirects: u64,
}

/// The clients in use.
pub(super) struct Clients {
    policy: Arc<HttpPolicy>,
    by_setup: Mutex<HashMap<Setup, Client>>,
}

impl Clients {
    pub(super) fn new(policy: Arc<HttpPolicy>) -> Self {
        Self { policy, by_setup: Mutex::default() }
    }

    /// The client for a request.
    ///
    /// # Errors
    /// A setting that cannot be used, such as a file that cannot be read.
    pub(super) fn get(&self, config: &HttpConfig, url: &Url) -> Result<Client, SettingProblem> {
        let setup = Setup::of(config, url);
        if let Some(client) = self.by_setup.lock().unwrap_or_else(PoisonError::into_inner).get(&setup) {
            return Ok(client.clone());
        }
        let client = setup.client(&self.policy)?;
        let mut clients = self.by_setup.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MAX_KEPT {
            clients.clear();
        }
        clients.insert(setup, client.clone());
        Ok(client)
    }
}

impl Setup {
    fn of(config: &HttpConfig, url: &Url) -> Self {
        let ssl = config.ssl.clone().unwrap_or_default();
        let redirects = config.follow_redirects.unwrap_or(0);
        let written = [&ssl.ca_file, &ssl.client_cert, &ssl.client_key]
            .into_iter()
            .flatten()
            .map(|file| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok())
            .collect();
        let proxy = config.proxy.clone();
        let secure = url.scheme() == "https" || redirects > 0 || proxy.is_some();
        Self { connect_timeout: config.connect_timeout(), ssl, written, secure, proxy, redirects }
    }

    fn client(&self, policy: &Arc<HttpPolicy>) -> Result<Client, SettingProblem> {
        install_provider();
        let mut builder = Client::builder()
            .connect_timeout(self.connect_timeout)
            .dns_resolver(GuardedResolver(policy.clone()))
            .redirect(redirects(self.redirects, policy.clone()))
            .referer(false);
        if !self.secure {
            builder = builder.tls_certs_only(Vec::<Certificate>::new());
        }
        builder = match self.proxy.as_deref() {
            None => builder,
            Some("none" | "") => builder.no_proxy(),
            Some(url) => builder
                .proxy(Proxy::all(url).map_err(|_| SettingProblem::at("/proxy", "is no URL of a proxy"))?),
        };
        self.secured(builder)?.build().map_err(|error| {
            let cause =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            SettingProblem::at("/ssl", format!("no client can be made: {cause}"))
        })
    }

    fn secured(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, SettingProblem> {
        let ssl = &self.ssl;
        if ssl.verify == Some(false) {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(file) = &ssl.ca_file {
            let wrong = |_| SettingProblem::at("/ssl/ca_file", "holds no PEM certificates");
            builder = builder
                .tls_certs_merge(Certificate::from_pem_bundle(&read(file, "ca_file")?).map_err(wrong)?);
        }
        if let Some(file) = &ssl.client_cert {
            let mut pem = read(file, "client_cert")?;
            if let Some(key) = &ssl.client_key {
                pem.push(b'\n');
                pem.extend(read(key, "client_key")?);
            }
            let wrong =
                |_| SettingProblem::at("/ssl/client_cert", "holds no PEM certificate with its private key");
            builder = builder.identity(Identity::from_pem(&pem).map_err(wrong)?);
        }
        Ok(match ssl.min_version.as_deref() {
            Some("1.3") => builder.tls_version_min(Version::TLS_1_3),
            _ => builder.tls_version_min(Version::TLS_1_2),
        })
    }
}

fn read(file: &str, key: &str) -> Result<Vec<u8>, SettingProblem> {
    std::fs::read(file)
        .map_err(|error| SettingProblem::at(format!("/ssl/{key}"), format!("{file} cannot be read: {error}")))
}

/// Follows so many redirects, each to where requests may go; the answer after the last one stands.
fn redirects(most: u64, policy: Arc<HttpPolicy>) -> redirect::Policy {
    if most == 0 {
        return redirect::Policy::none();
    }
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() as u64 > most {
            return attempt.stop();
        }
        match policy.check_url(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(denied) => attempt.error(denied),
        }
    })
}

/// Chooses the cryptography for TLS, unless the program that embeds this has chosen before.
fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // the only error is that another thread was first
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
