//! The keys that an issuer publishes: asked for when a token needs them, kept, and asked for anew as [`Ages`] tells.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Client;
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use super::clock::JwtClock;
use super::download;
use super::freshness::{Ages, Step};
use super::key_set::KeySet;
use crate::auth::AuthenticationFailure;

/// The keys of an issuer.
pub(super) struct RemoteKeys {
    url: Url,
    client: Client,
    clock: Arc<dyn JwtClock>,
    held: RwLock<Held>,
    /// Held by whoever asks the issuer; the others wait, and find what it brought.
    turn: Arc<Mutex<()>>,
}

/// What there is.
#[derive(Clone, Default)]
struct Held {
    keys: Arc<KeySet>,
    /// When they were asked for that there are.
    since: Option<Duration>,
    /// When they were asked for the last time, and an answer came or none.
    asked: Option<Duration>,
    is_down: bool,
}

impl RemoteKeys {
    /// The keys at an address. Nothing is asked for yet.
    ///
    /// # Errors
    /// The address cannot be used.
    pub(super) fn at(url: &str, clock: Arc<dyn JwtClock>) -> Result<Arc<Self>, String> {
        let url = download::address(url)?;
        let client = download::client(&url)?;
        Ok(Arc::new(Self { url, client, clock, held: RwLock::default(), turn: Arc::default() }))
    }

    /// The keys as they are now, fetched first if that is needed for a token; `is_known` tells whether its key is there.
    ///
    /// # Errors
    /// Its key may exist, but the issuer cannot be asked.
    pub(super) async fn keys(
        self: &Arc<Self>,
        is_known: impl Fn(&KeySet) -> bool + Send,
    ) -> Result<Arc<KeySet>, AuthenticationFailure> {
        let (step, keys) = self.look(&is_known);
        match step {
            Step::Use => return Ok(keys),
            Step::UseAndAsk => {
                if let Ok(turn) = self.turn.clone().try_lock_owned() {
                    self.ask(turn);
                }
                return Ok(keys);
            }
            Step::Ask => {
                let turn = self.turn.clone().lock_owned().await;
                // Whoever had the turn before may have brought what is needed. What was begun is ended, though the caller
                // goes away: nobody makes the issuer be asked again and again that way.
                if self.ages().may_ask() {
                    let _ = self.ask(turn).await;
                }
            }
            Step::Wait => {}
        }
        match self.look(&is_known) {
            (Step::Use | Step::UseAndAsk, keys) => Ok(keys),
            (Step::Ask | Step::Wait, _) => {
                Err(AuthenticationFailure::Unavailable { cause: format!("no keys from {}", self.name()) })
            }
        }
    }

    /// Asks the issuer, whoever waits for it.
    fn ask(self: &Arc<Self>, turn: OwnedMutexGuard<()>) -> tokio::task::JoinHandle<()> {
        let this = self.clone();
        tokio::spawn(async move {
            let begun = this.clock.uptime();
            let answer = download::keys(&this.client, &this.url).await;
            // Only now it was asked: whoever came meanwhile waited for the turn.
            let asked = Some(this.clock.uptime());
            match answer {
                Ok(keys) => this.change(|held| {
                    *held = Held { keys: Arc::new(keys), since: Some(begun), asked, is_down: false };
                }),
                Err(cause) => {
                    tracing::warn!(
                        url = this.name(),
                        cause,
                        "the keys of the issuer of tokens could not be had"
                    );
                    this.change(|held| (held.asked, held.is_down) = (asked, true));
                }
            }
            drop(turn);
        })
    }

    fn look(&self, is_known: &impl Fn(&KeySet) -> bool) -> (Step, Arc<KeySet>) {
        let keys = self.held.read().unwrap_or_else(PoisonError::into_inner).keys.clone();
        (self.ages().step(is_known(&keys)), keys)
    }

    fn ages(&self) -> Ages {
        let now = self.clock.uptime();
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let age = |then: Duration| now.saturating_sub(then);
        Ages { keys: held.since.map(age), asked: held.asked.map(age), is_down: held.is_down }
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        change(&mut self.held.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The address without its query, which may hold what is nobody's business.
    fn name(&self) -> String {
        format!("{}{}", self.url.origin().ascii_serialization(), self.url.path())
    }
}
