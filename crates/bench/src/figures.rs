//! Percentiles and medians.

use std::time::Duration;

use serde::Serialize;

/// Three percentiles, in milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Percentiles {
    /// Half of them took no longer.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
}

impl Percentiles {
    /// Of some times; `None` if there are none.
    pub(crate) fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let at = |share: f64| {
            // The smallest value that this share does not exceed.
            let rank = (share * times.len() as f64).ceil() as usize;
            times.get(rank.max(1) - 1).map(|time| milliseconds(*time))
        };
        Some(Self { p50: at(0.50)?, p95: at(0.95)?, p99: at(0.99)? })
    }

    /// Each one the median of those of several runs.
    pub(crate) fn medians(all: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        let all: Vec<Self> = all.collect::<Option<_>>()?;
        Some(Self {
            p50: median(all.iter().map(|one| one.p50))?,
            p95: median(all.iter().map(|one| one.p95))?,
            p99: median(all.iter().map(|one| one.p99))?,
        })
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) { (values[middle - 1] + upper) / 2.0 } else { upper })
}

/// The median of values that every run has; `None` if one has it not.
pub(crate) fn median_known(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    median(values.collect::<Option<Vec<f64>>>()?.into_iter())
}

/// A time in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let times = |n: u64| (1..=n).rev().map(Duration::from_millis).collect();
        assert_eq!(Percentiles::of(times(100)), Some(Percentiles { p50: 50.0, p95: 95.0, p99: 99.0 }));
        assert_eq!(Percentiles::of(times(1)), Some(Percentiles { p50: 1.0, p95: 1.0, p99: 1.0 }));
        assert_eq!(Percentiles::of(times(0)), None);
    }

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0].into_iter()), Some(2.5));
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median_known([Some(1.0), None].into_iter()), None);
    }
}
