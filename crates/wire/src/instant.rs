//! Instants as documents show them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tasker_core::time::Timestamp;

/// Microseconds of a millisecond.
const MILLI: i64 = 1_000;

/// An instant of whole milliseconds, written as RFC 3339 in UTC: `2026-01-31T09:00:00.500Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Instant(Timestamp);

/// Keeps the milliseconds only, so that whoever writes a document and whoever reads it see the same.
impl From<Timestamp> for Instant {
    fn from(at: Timestamp) -> Self {
        let micros = at.as_micros();
        Self(Timestamp::from_micros(micros - micros.rem_euclid(MILLI)))
    }
}

impl Instant {
    /// The instant as the engine counts.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.to_string();
        let millis = micros.strip_suffix('Z').and_then(|text| text.get(..text.len() - 3)).unwrap_or(&micros);
        write!(f, "{millis}Z")
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_milliseconds() {
        for (given, written) in [
            ("2026-01-31T10:00:00.5+01:00", "2026-01-31T09:00:00.500Z"),
            ("2026-01-31T09:00:00.123999Z", "2026-01-31T09:00:00.123Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Instant::from(Timestamp::parse(given).unwrap()).to_string(), written);
        }
    }

    #[test]
    fn whoever_reads_a_document_has_the_instants_that_its_writer_had() {
        let written = Instant::from(Timestamp::parse("2026-01-31T09:00:00.0019Z").unwrap());
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Instant>(&text).unwrap(), written);
        assert_eq!(serde_json::from_str::<Instant>("\"2026-01-31T09:00:00.0019Z\"").unwrap(), written);
    }
}
