//! Fetches a set of keys: over TLS, within limits, from the host that was named and no other.

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, redirect};
use tasker_core::text::chain;
use url::{Host, Url};

use super::key_set::KeySet;

/// Longest time that it may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Most bytes of a set.
const MAX_BYTES: usize = 1 << 20;

/// Most redirects.
const MAX_REDIRECTS: usize = 3;

/// Reads an address that keys may be fetched from.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is no address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a name or a password: public keys need none".into());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(
            "must begin with https: (http: is for loopback only), or anybody on the way could change keys"
                .into(),
        ),
    }
}

/// A client for one address.
pub(super) fn client(url: &Url) -> Result<Client, String> {
    // A program that chose another provider keeps its own.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("tasker/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects(url.clone()));
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| format!("no client can be set up for it: {}", told(&error)))
}

/// Fetches the keys.
///
/// # Errors
/// Why there are none, for the log.
pub(super) async fn keys(client: &Client, url: &Url) -> Result<KeySet, String> {
    let response = client.get(url.clone()).header("accept", "application/json").send().await;
    let mut response = response.map_err(|error| told(&error))?;
    if !response.status().is_success() {
        return Err(format!("the answer was {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| told(&error))? {
        if body.len() + part.len() > MAX_BYTES {
            return Err(format!("the answer is longer than {MAX_BYTES} bytes"));
        }
        body.extend_from_slice(&part);
    }
    KeySet::of_jwks(&body).map_err(|problem| format!("the answer {problem}"))
}

/// Redirects stay with scheme, host and port.
fn redirects(from: Url) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        if attempt.url().origin() != from.origin() {
            attempt.error("it redirects to another host")
        } else if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("it redirects too often")
        } else {
            attempt.follow()
        }
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error with its causes, without the address.
fn told(error: &reqwest::Error) -> String {
    let what = match error {
        error if error.is_timeout() => "it took too long",
        error if error.is_connect() => "no connection",
        error if error.is_redirect() => "a redirect was not followed",
        _ => "the answer could not be had",
    };
    error.source().map_or_else(|| what.to_owned(), |cause| format!("{what}: {}", chain(cause)))
}
