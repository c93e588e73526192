//! How long things took: their mean, percentiles, and how many took how long.

use std::time::Duration;

use super::figures::{mean, micros};

/// Where a bucket of [`Spread::buckets`] ends and the next begins, in seconds. An end belongs to the next one.
pub const BUCKET_ENDS: [u64; 2] = [10, 30];

/// The buckets' names.
pub const BUCKETS: [&str; 3] = ["0-10s", "10-30s", "30s+"];

/// How long things took, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spread {
    /// How many they are. Of none, all else is 0.
    pub count: u64,
    /// How long they took together.
    pub total: u64,
    /// What half of them did not exceed: the span at the place `0.5 * count` in their order, rounded up.
    pub p50: u64,
    /// The same of 95 in 100.
    pub p95: u64,
    /// The same of 99 in 100.
    pub p99: u64,
    /// The longest.
    pub longest: u64,
    /// How many are in each bucket.
    pub buckets: [u64; 3],
}

/// Spans, collected one by one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spans(Vec<u64>);

impl Spans {
    /// Adds one.
    pub fn add(&mut self, span: Duration) {
        self.0.push(micros(span));
    }

    /// What is told of them.
    pub fn spread(mut self) -> Spread {
        self.0.sort_unstable();
        let spans = &self.0;
        let [first, second] = BUCKET_ENDS.map(|end| spans.partition_point(|span| *span < end * 1_000_000));
        Spread {
            count: spans.len() as u64,
            total: spans.iter().sum(),
            p50: nearest_rank(spans, 50),
            p95: nearest_rank(spans, 95),
            p99: nearest_rank(spans, 99),
            longest: spans.last().copied().unwrap_or(0),
            buckets: [first, second - first, spans.len() - second].map(|n| n as u64),
        }
    }
}

impl Spread {
    /// Seconds that they took on average, three decimals.
    pub fn mean(&self) -> f64 {
        mean(self.total, self.count, 3)
    }

    /// Seconds of its three percentiles, three decimals.
    pub fn percentiles(&self) -> [f64; 3] {
        [self.p50, self.p95, self.p99].map(|span| mean(span, 1, 3))
    }
}

/// The least of sorted values that so many percent of them do not exceed; 0 if there are none.
fn nearest_rank(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(seconds: impl IntoIterator<Item = u64>) -> Spread {
        let mut spans = Spans::default();
        seconds.into_iter().for_each(|seconds| spans.add(Duration::from_secs(seconds)));
        spans.spread()
    }

    #[test]
    fn three_tasks_of_5_20_and_100_seconds() {
        let three = spread([100, 5, 20]);
        assert_eq!(three.percentiles(), [20.0, 100.0, 100.0]);
        assert_eq!((three.mean(), three.buckets, three.longest), (41.667, [1, 1, 1], 100_000_000));
    }

    #[test]
    fn of_nothing_everything_is_0() {
        assert_eq!(spread([]), Spread::default());
    }

    #[test]
    fn percentiles_are_spans_that_there_were() {
        assert_eq!(spread(1..=100).percentiles(), [50.0, 95.0, 99.0]);
        assert_eq!(spread(1..=20).percentiles(), [10.0, 19.0, 20.0]);
        assert_eq!(spread(1..=2).percentiles(), [1.0, 2.0, 2.0]);
        assert_eq!(spread([7]).percentiles(), [7.0; 3]);
    }

    #[test]
    fn the_end_of_a_bucket_belongs_to_the_next() {
        assert_eq!(spread([9, 10, 29, 30, 31]).buckets, [1, 2, 2]);
    }
}
