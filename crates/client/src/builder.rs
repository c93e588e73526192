//! How a client is set up.

use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Certificate, redirect};

use crate::address::Address;
use crate::client::{Client, Shared};
use crate::error::InvalidClient;
use crate::retry::Patience;

/// Sets up a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    url: String,
    token: Option<String>,
    timeout: Duration,
    connect_timeout: Duration,
    user_agent: String,
    patience: Patience,
}

impl ClientBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            token: None,
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            user_agent: concat!("tasker-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            patience: Patience::default(),
        }
    }

    /// What every request proves with who asks: an API key or a JWT.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Longest time that one attempt may take, its answer included; 60 s unless set. The server's own deadline is 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Longest time until a connection stands; 10 s unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Who the program is; `tasker-client/VERSION` unless set.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// How often what may be tried again is tried again; 3 times unless set.
    pub fn retries(mut self, retries: u32) -> Self {
        self.patience.retries = retries;
        self
    }

    /// Longest wait before one more attempt; 10 s unless set.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.patience.max_wait = wait;
        self
    }

    /// The client. Nothing is connected yet.
    ///
    /// # Errors
    /// The address, the token or the name of the program cannot be used, or there are no certificates to trust.
    pub fn build(self) -> Result<Client, InvalidClient> {
        let address = Address::parse(&self.url)?;
        install_provider();
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(self.user_agent)
            .default_headers(headers)
            .timeout(self.timeout)
            .connect_timeout(self.connect_timeout)
            // A token is meant for this server and no other.
            .redirect(redirect::Policy::none())
            .referer(false);
        if address.as_str().starts_with("http:") {
            // The system's certificates are not looked for where none is checked.
            builder = builder.tls_certs_only(Vec::<Certificate>::new());
        }
        let http = builder.build().map_err(InvalidClient::Setup)?;
        Ok(Client::of(Shared { address: Arc::new(address), http, patience: self.patience }))
    }
}

fn bearer(token: &str) -> Result<HeaderValue, InvalidClient> {
    let token = token.trim();
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| InvalidClient::Token)?;
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(InvalidClient::Token);
    }
    value.set_sensitive(true);
    Ok(value)
}

/// Encryption wants one of its providers to be named, once in a process.
fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Whoever came first named one already, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_never_told() {
        for token in ["", " ", "a b", "a\nb", "\u{7f}secret"] {
            let error = ClientBuilder::new("http://a").token(token).build().expect_err(token);
            assert!(matches!(error, InvalidClient::Token));
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
        let client = ClientBuilder::new("http://a").token("secret\n").build().unwrap();
        assert!(!format!("{client:?}").contains("secret"));
    }
}
