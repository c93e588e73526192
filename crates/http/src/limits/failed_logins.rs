//! Addresses from which credentials come that are not good.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::network;

/// Failures of an address within [`WINDOW`] after which it is not listened to.
const MAX_FAILURES: u32 = 10;

/// How long failures count, and how long an address is not listened to.
const WINDOW: Duration = Duration::from_secs(60);

/// Most addresses that are remembered. Should there be more, the rest is not counted.
const MAX_ADDRESSES: usize = 65_536;

/// Counts failures by address.
#[derive(Default)]
pub(crate) struct FailedLogins(Mutex<HashMap<IpAddr, Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    n: u32,
    /// When the first of them was; when the last of them was, once there are too many.
    since: Instant,
}

impl FailedLogins {
    /// Seconds until an address is listened to again, if it is not now.
    pub(crate) fn blocked_seconds(&self, address: IpAddr, now: Instant) -> Option<u64> {
        let failures = *self.map().get(&network(address))?;
        let age = now.saturating_duration_since(failures.since);
        let is_blocked = failures.n >= MAX_FAILURES && age < WINDOW;
        is_blocked.then(|| (WINDOW - age).as_secs_f64().ceil() as u64)
    }

    /// Counts a failure.
    pub(crate) fn count(&self, address: IpAddr, now: Instant) {
        let address = network(address);
        let mut map = self.map();
        let is_over = |failures: &Failures| now.saturating_duration_since(failures.since) >= WINDOW;
        if map.len() >= MAX_ADDRESSES && !map.contains_key(&address) {
            map.retain(|_, failures| !is_over(failures));
            if map.len() >= MAX_ADDRESSES {
                return;
            }
        }
        let failures = map.entry(address).or_insert(Failures { n: 0, since: now });
        if is_over(failures) {
            *failures = Failures { n: 0, since: now };
        }
        failures.n += 1;
        if failures.n >= MAX_FAILURES {
            failures.since = now;
        }
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_not_listened_to_for_a_minute_after_ten_failures() {
        let (logins, start) = (FailedLogins::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let (bad, good) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        for n in 0..10 {
            assert_eq!(logins.blocked_seconds(bad, at(n)), None);
            logins.count(bad, at(n));
        }
        assert_eq!(logins.blocked_seconds(bad, at(9)), Some(60));
        assert_eq!(logins.blocked_seconds(good, at(9)), None);
        assert_eq!(logins.blocked_seconds(bad, at(69)), None);
        logins.count(bad, at(69));
        assert_eq!(logins.blocked_seconds(bad, at(69)), None, "it begins anew");
    }

    #[test]
    fn whoever_owns_a_network_is_one() {
        let (logins, now) = (FailedLogins::default(), Instant::now());
        for n in 0..10 {
            logins.count(format!("2001:db8::{n}").parse().unwrap(), now);
        }
        assert!(logins.blocked_seconds("2001:db8::ffff".parse().unwrap(), now).is_some());
        assert_eq!(logins.blocked_seconds("2001:db8:0:1::1".parse().unwrap(), now), None);
    }
}
