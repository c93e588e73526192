//! Values that several commands take.

use std::str::FromStr;
use std::time::Duration;

use tasker_config::span;
use tasker_core::payload::Payload;
use tasker_core::time::Timestamp;
use tasker_store::list::MAX_WANTED_CONTEXT;

/// Longest way to an instant, 365,000 days: no further than years of four digits go.
const MOST_AWAY: Duration = Duration::from_secs(365_000 * 24 * 60 * 60);

/// An instant, or how far away it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// This instant.
    At(Timestamp),
    /// So far from now.
    Away(Duration),
}

impl When {
    /// The instant, if spans count into the future.
    pub fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Away(span) => now.plus(span),
        }
    }

    /// The instant, if spans count into the past.
    pub fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Away(span) => now.minus(span),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(at) = Timestamp::parse(text) {
            return Ok(Self::At(at));
        }
        let span = span::parse(text).map_err(|_| {
            "write an instant such as 2026-01-31T09:00:00Z, or a span such as 30s, 10m, 2h or 7d".to_owned()
        })?;
        if span > MOST_AWAY {
            return Err("a span is 365000d at most".to_owned());
        }
        Ok(Self::Away(span))
    }
}

/// A span of time, for clap.
pub(super) fn duration(text: &str) -> Result<Duration, span::InvalidSpan> {
    span::parse(text)
}

/// A state of a task, for clap.
pub(super) fn task_state(text: &str) -> Result<tasker_core::state::TaskState, String> {
    use tasker_core::state::TaskState;
    TaskState::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = TaskState::ALL.iter().map(|state| state.as_str()).collect();
        format!("states are {}", names.join(", "))
    })
}

/// `type:key:value`, for clap.
pub(super) fn annotation(text: &str) -> Result<(String, String, String), String> {
    let mut parts = text.splitn(3, ':').map(str::to_owned);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(kind), Some(key), Some(value)) => Ok((kind, key, value)),
        _ => Err("write TYPE:KEY:VALUE".into()),
    }
}

/// A JSON object of at most 4 KiB.
pub(super) fn context(text: &str) -> Result<Payload, String> {
    Payload::object(text, MAX_WANTED_CONTEXT).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_or_a_span() {
        let now = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        assert_eq!("2026-01-31T10:00:00+01:00".parse::<When>().unwrap().after(now), now);
        assert_eq!("10m".parse::<When>().unwrap().after(now), now.plus_seconds(600));
        assert_eq!("1h".parse::<When>().unwrap().before(now), now.plus_seconds(-3600));
        assert!("tomorrow".parse::<When>().is_err());
    }
}
