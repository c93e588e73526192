//! How soon work went on after something was done to it, by the database's clock.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tasker_core::time::Timestamp;

use crate::history::{Attempt, End, History, LEASE_EXPIRED};

/// From when on work had to go on.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    /// When nodes died, by their names: what was lost with each has to run again.
    pub deaths: HashMap<String, Timestamp>,
    /// When the way was free again: whoever had work then has to go on with it, and new work has to begin.
    pub returns: Vec<Timestamp>,
}

/// The longest time that it took; `None` if there was nothing to wait for. `names` are those of workers by what the log
/// calls them.
pub(crate) fn recovery(
    history: &History,
    moments: &Moments,
    names: &HashMap<String, String>,
) -> Option<Duration> {
    let since_death = |(worker, again): (&str, Timestamp)| {
        let death = moments.deaths.get(names.get(worker)?)?;
        Some(again.since(*death))
    };
    let after_deaths = history.repeats().into_iter().filter_map(since_death).max();
    let after_returns = moments.returns.iter().filter_map(|at| after_return(history, *at)).max();
    after_deaths.max(after_returns)
}

/// How long it took until somebody claimed again, and each worker that had executions by then had the end of one
/// committed. Who claims what comes later is chance, and tells nothing.
fn after_return(history: &History, moment: Timestamp) -> Option<Duration> {
    let first_claim = history.attempts.iter().map(|attempt| attempt.began).filter(|at| *at >= moment).min();
    let mut first_ends: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let had = |attempt: &&Attempt| attempt.began < moment && attempt.ended >= moment && is_own(&attempt.end);
    for attempt in history.attempts.iter().filter(had) {
        let first = first_ends.entry(&attempt.worker).or_insert(attempt.ended);
        *first = attempt.ended.min(*first);
    }
    first_claim.into_iter().chain(first_ends.into_values()).map(|at| at.since(moment)).max()
}

/// Whether the worker itself had this end committed.
fn is_own(end: &End) -> bool {
    match end {
        End::Complete => true,
        End::Failed(code, _) => code != LEASE_EXPIRED,
        End::Released => false,
    }
}

#[cfg(test)]
mod tests {
    use tasker_core::ids::TaskId;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::default().plus_seconds(1_000 + seconds)
    }

    fn attempt(number: usize, worker: &str, began: i64, ended: i64, end: End) -> Attempt {
        let task = TaskId(uuid::Uuid::nil());
        let (began, ended) = (at(began), at(ended));
        Attempt { task, step: "a".into(), number, worker: format!("worker:{worker}"), began, ended, end }
    }

    #[test]
    fn what_was_lost_counts_from_the_death_without_the_wait_that_it_was_given() {
        let lost = |wait| End::Failed("lease_expired".into(), Duration::from_secs(wait));
        let attempts = vec![
            attempt(1, "one", 0, 8, lost(0)),
            attempt(2, "two", 9, 17, lost(2)),
            attempt(3, "three", 20, 21, End::Complete),
        ];
        let names = ["one", "two", "three"].map(|name| (format!("worker:{name}"), name.to_owned())).into();
        let deaths = [("one".to_owned(), at(2)), ("two".to_owned(), at(12))].into();
        let moments = Moments { deaths, returns: Vec::new() };
        let found = recovery(&History { attempts }, &moments, &names);
        assert_eq!(found, Some(Duration::from_secs(7)));
    }

    #[test]
    fn the_last_worker_that_goes_on_counts() {
        let mut attempts = vec![
            attempt(1, "one", 0, 11, End::Complete),
            attempt(1, "two", 1, 14, End::Complete),
            attempt(1, "two", 2, 19, End::Complete),
            attempt(1, "dead", 3, 18, End::Failed("lease_expired".into(), Duration::ZERO)),
        ];
        let moments = Moments { returns: vec![at(10)], ..Moments::default() };
        let took = |attempts: &[Attempt]| {
            recovery(&History { attempts: attempts.to_vec() }, &moments, &HashMap::new())
        };
        assert_eq!(took(&attempts), Some(Duration::from_secs(4)));
        // Nobody claims for longer.
        attempts.push(attempt(1, "new", 17, 20, End::Complete));
        assert_eq!(took(&attempts), Some(Duration::from_secs(7)));
        attempts.push(attempt(1, "new", 12, 13, End::Complete));
        assert_eq!(took(&attempts), Some(Duration::from_secs(4)));
        assert_eq!(took(&[]), None);
    }
}
