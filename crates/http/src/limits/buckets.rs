//! Limits of rates by token buckets, kept in the memory of this process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Bucket, Limiter, Verdict, network};
use crate::route::Cost;

/// Most buckets that are kept. Those who come while all are in use share one.
const MAX_BUCKETS: usize = 65_536;

/// Time between two searches for buckets that are full again, and can be forgotten.
const SWEEP: Duration = Duration::from_secs(1);

const MINUTE: f64 = 60.0;

/// How often something may happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// How often in a minute, on average; 0 sets no limit.
    pub per_minute: u32,
    /// How often at once; 0 is as often as in a minute.
    pub burst: u32,
}

/// Limits of one node. Writes and analytics count twice: as such, and among all requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rates {
    /// Requests of a principal.
    pub principal: Rate,
    /// Requests of an address that do not say who they are.
    pub peer: Rate,
    /// Changes by one of them.
    pub writes: Rate,
    /// Looks at many rows by one of them.
    pub analytics: Rate,
}

/// Limits rates by token buckets. Its memory is bounded.
pub struct TokenBuckets {
    rates: Rates,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    buckets: HashMap<Key, Level>,
    swept_at: Option<Instant>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    owner: String,
    class: Class,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Class {
    Principal,
    Peer,
    Writes,
    Analytics,
}

/// What is left in a bucket, and when that was so.
#[derive(Clone, Copy)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            principal: Rate { per_minute: 600, burst: 100 },
            peer: Rate { per_minute: 120, burst: 0 },
            writes: Rate { per_minute: 120, burst: 0 },
            analytics: Rate { per_minute: 30, burst: 0 },
        }
    }
}

impl TokenBuckets {
    /// Full buckets.
    pub fn new(rates: Rates) -> Self {
        Self { rates, kept: Mutex::default() }
    }

    /// Counts at an instant. A request that one bucket refuses is taken from none.
    fn take_at(&self, bucket: Bucket<'_>, cost: Cost, now: Instant) -> Option<Verdict> {
        let (owner, general) = match bucket {
            Bucket::Peer(address) => (format!("peer {}", network(address)), Class::Peer),
            Bucket::Principal(id) => (format!("principal {id}"), Class::Principal),
        };
        let special = match cost {
            Cost::Write => Some(Class::Writes),
            Cost::Analytics => Some(Class::Analytics),
            Cost::Probe | Cost::Read | Cost::Stream => None,
        };
        let limited =
            [Some(general), special].into_iter().flatten().filter(|class| self.rate(*class).is_set());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut levels = Vec::new();
        for class in limited {
            let key = kept.place(Key { owner: owner.clone(), class }, now, self);
            let level = kept
                .buckets
                .get(&key)
                .map_or(self.rate(class).burst(), |level| self.refilled(class, *level, now));
            levels.push((key, level));
        }
        let is_allowed = levels.iter().all(|(_, tokens)| *tokens >= 1.0);
        if is_allowed {
            for (key, tokens) in &mut levels {
                *tokens -= 1.0;
                kept.buckets.insert(key.clone(), Level { tokens: *tokens, at: now });
            }
        }
        // The one that is nearest to its end is what the caller has to know of.
        let (key, tokens) = levels.into_iter().min_by(|one, two| one.1.total_cmp(&two.1))?;
        Some(self.rate(key.class).verdict(is_allowed, tokens))
    }

    fn rate(&self, class: Class) -> Rate {
        match class {
            Class::Principal => self.rates.principal,
            Class::Peer => self.rates.peer,
            Class::Writes => self.rates.writes,
            Class::Analytics => self.rates.analytics,
        }
    }

    fn refilled(&self, class: Class, level: Level, now: Instant) -> f64 {
        let rate = self.rate(class);
        let gained =
            now.saturating_duration_since(level.at).as_secs_f64() * f64::from(rate.per_minute) / MINUTE;
        (level.tokens + gained).min(rate.burst())
    }
}

impl Limiter for TokenBuckets {
    fn take(&self, bucket: Bucket<'_>, cost: Cost) -> Option<Verdict> {
        self.take_at(bucket, cost, Instant::now())
    }
}

impl Kept {
    /// Where a bucket is kept: its own place, unless there is none left.
    fn place(&mut self, key: Key, now: Instant, buckets: &TokenBuckets) -> Key {
        if self.buckets.len() < MAX_BUCKETS || self.buckets.contains_key(&key) {
            return key;
        }
        if self.swept_at.is_none_or(|at| now.saturating_duration_since(at) >= SWEEP) {
            self.swept_at = Some(now);
            let is_used = |key: &Key, level: Level| {
                buckets.refilled(key.class, level, now) < buckets.rate(key.class).burst()
            };
            self.buckets.retain(|key, level| is_used(key, *level));
        }
        if self.buckets.len() < MAX_BUCKETS { key } else { Key { owner: String::new(), ..key } }
    }
}

impl Rate {
    fn is_set(self) -> bool {
        self.per_minute > 0
    }

    fn burst(self) -> f64 {
        f64::from(if self.burst == 0 { self.per_minute } else { self.burst })
    }

    fn verdict(self, is_allowed: bool, tokens: f64) -> Verdict {
        let missing = if is_allowed { self.burst() - tokens } else { 1.0 - tokens };
        let seconds = (missing * MINUTE / f64::from(self.per_minute)).ceil();
        Verdict {
            is_allowed,
            limit: self.per_minute,
            remaining: tokens.max(0.0) as u32,
            reset_seconds: seconds.max(0.0) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Bucket<'static> = Bucket::Principal("me");

    /// How many of `n` requests pass.
    fn passed(buckets: &TokenBuckets, who: Bucket<'_>, cost: Cost, now: Instant, n: usize) -> usize {
        let is_allowed = |_: &usize| buckets.take_at(who, cost, now).is_none_or(|verdict| verdict.is_allowed);
        (0..n).filter(is_allowed).count()
    }

    #[test]
    fn a_bucket_fills_up_again_and_no_further() {
        let (buckets, start) = (TokenBuckets::new(Rates::default()), Instant::now());
        assert_eq!(passed(&buckets, ME, Cost::Read, start, 700), 100);
        assert_eq!(passed(&buckets, ME, Cost::Read, start + Duration::from_secs(1), 700), 10);
        assert_eq!(passed(&buckets, ME, Cost::Read, start + Duration::from_secs(3_600), 700), 100);
        assert_eq!(passed(&buckets, Bucket::Principal("other"), Cost::Read, start, 1), 1);
    }

    #[test]
    fn what_costs_more_has_a_limit_of_its_own() {
        let (buckets, now) = (TokenBuckets::new(Rates::default()), Instant::now());
        assert_eq!(passed(&buckets, ME, Cost::Analytics, now, 50), 30);
        // What was refused was taken from no bucket.
        assert_eq!(passed(&buckets, ME, Cost::Read, now, 200), 70);
        let peer = Bucket::Peer("10.0.0.1".parse().unwrap());
        assert_eq!(passed(&buckets, peer, Cost::Write, now, 200), 120);
    }

    #[test]
    fn a_rate_of_0_sets_no_limit() {
        let none = Rate { per_minute: 0, burst: 0 };
        let rates = Rates { principal: none, writes: none, ..Rates::default() };
        let (buckets, now) = (TokenBuckets::new(rates), Instant::now());
        assert_eq!(passed(&buckets, ME, Cost::Write, now, 5_000), 5_000);
        assert_eq!(buckets.take_at(ME, Cost::Read, now), None);
    }

    #[test]
    fn a_verdict_says_when_to_come_back() {
        let (buckets, now) = (TokenBuckets::new(Rates::default()), Instant::now());
        let first = buckets.take_at(ME, Cost::Analytics, now).unwrap();
        assert_eq!((first.is_allowed, first.limit, first.remaining, first.reset_seconds), (true, 30, 29, 2));
        passed(&buckets, ME, Cost::Analytics, now, 29);
        let last = buckets.take_at(ME, Cost::Analytics, now).unwrap();
        assert_eq!((last.is_allowed, last.remaining, last.reset_seconds), (false, 0, 2));
    }

    #[test]
    fn memory_is_bounded_and_full_buckets_are_forgotten() {
        let (buckets, now) = (TokenBuckets::new(Rates::default()), Instant::now());
        let n_kept = |buckets: &TokenBuckets| buckets.kept.lock().unwrap().buckets.len();
        for n in 0..MAX_BUCKETS + 200 {
            buckets.take_at(Bucket::Principal(&n.to_string()), Cost::Read, now);
        }
        assert_eq!(n_kept(&buckets), MAX_BUCKETS + 1, "those who found no place share one");
        buckets.take_at(ME, Cost::Read, now + Duration::from_secs(60));
        assert_eq!(n_kept(&buckets), 1);
    }
}
