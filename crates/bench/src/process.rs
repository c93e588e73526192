//! What a process used: processor time and memory, as Linux tells it.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Memory of a process, in bytes. What the system does not tell is left out.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) resident: Option<u64>,
    /// At most since [`reset_peak`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) peak: Option<u64>,
}

/// Processor time of this process so far: all threads, in user and in kernel mode.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) =
        (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanos)
}

/// Forgets the peak of memory so far; `false` if the system does not allow it.
pub(crate) fn reset_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Memory of this process.
pub(crate) fn memory() -> Memory {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    Memory { resident: kilobytes(&status, "VmRSS:"), peak: kilobytes(&status, "VmHWM:") }
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1024)
}

/// Processor time of a process that has children: its own, that of children that ended, and that of those that run.
pub(crate) fn family_cpu_time(parent: i32) -> Option<Duration> {
    let own = Stat::of(parent)?;
    let mut ticks = own.own_ticks + own.ticks_of_ended_children;
    for entry in fs::read_dir("/proc").ok()?.filter_map(Result::ok) {
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let child = id.and_then(Stat::of).filter(|child| child.parent == parent);
        ticks += child.map_or(0, |child| child.own_ticks);
    }
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// What `/proc/ID/stat` tells.
pub(crate) struct Stat {
    pub(crate) name: String,
    pub(crate) parent: i32,
    own_ticks: u64,
    ticks_of_ended_children: u64,
}

impl Stat {
    /// Of a process, if there is one.
    pub(crate) fn of(process: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// The name stands in brackets and may hold spaces and brackets; see proc(5).
    fn parse(text: &str) -> Option<Self> {
        let (before, after) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok());
        Some(Self {
            name: before.split_once('(')?.1.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            own_ticks: ticks(11)? + ticks(12)?,
            ticks_of_ended_children: ticks(13)? + ticks(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let before = cpu_time();
        let used = memory();
        assert!(used.resident.unwrap() > 1024 * 1024 && used.peak >= used.resident);
        assert!((0..1_000_000).fold(1_u64, |a, b| a.wrapping_mul(31) ^ b) != 0);
        assert!(cpu_time() > before);
        assert!(family_cpu_time(std::process::id().cast_signed()).is_some());
    }

    #[test]
    fn a_stat_line_with_an_odd_name() {
        let stat = Stat::parse("17 (post) gres) S 4 17 17 0 -1 4194560 1 2 3 4 100 50 7 3 20 0 1").unwrap();
        assert_eq!((stat.name.as_str(), stat.parent), ("post) gres", 4));
        assert_eq!((stat.own_ticks, stat.ticks_of_ended_children), (150, 10));
    }
}
