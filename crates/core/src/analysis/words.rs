//! The words that an analysis grades things with. They are spelled in JSON as people read them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl $name {
            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match String::deserialize(deserializer)?.as_str() {
                    $($text => Ok(Self::$word),)+
                    other => Err(D::Error::unknown_variant(other, &[$($text),+])),
                }
            }
        }
    };
}

words! {
    /// How much there is of something: of severity, priority, potential or risk.
    Grade {
        /// Least.
        Low = "Low",
        /// Some.
        Medium = "Medium",
        /// Much.
        High = "High",
        /// Most.
        Critical = "Critical",
    }
}

words! {
    /// How much all bottlenecks of a task hinder it.
    OverallImpact {
        /// There are none.
        None = "None",
        /// Hardly.
        Low = "Low",
        /// One of them is high, or they are many.
        Medium = "Medium",
        /// One of them is critical, or several are high.
        High = "High",
        /// Several of them are critical, or most steps failed.
        Severe = "Severe",
    }
}

words! {
    /// What kind of bottleneck a step is; the first that applies.
    BottleneckType {
        /// It failed and used up its attempts.
        PermanentFailure = "Permanent Failure",
        /// It failed in a way that allows no other attempt.
        NonRetryable = "Non-Retryable",
        /// It failed and will be tried again.
        ActiveError = "Active Error",
        /// It waits for a step that was cancelled.
        DependencyBlock = "Dependency Block",
        /// It runs, after two failed attempts or more.
        RetryExhaustion = "Retry Exhaustion",
        /// It runs longer than it may.
        Overdue = "Overdue",
    }
}

words! {
    /// What helps a failed step.
    Strategy {
        /// Somebody declares it done.
        ManualResolution = "Manual Resolution",
        /// Somebody allows more attempts.
        IncreaseRetryLimit = "Increase Retry Limit",
        /// Time passes.
        WaitForBackoff = "Wait for Backoff",
        /// It is due: a worker takes it.
        MonitorRetries = "Monitor Retries",
        /// Somebody removes the cause.
        InvestigateRootCause = "Investigate Root Cause",
    }
}

/// A share in per cent, one decimal; 0 of nothing.
pub(super) fn percentage(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (1_000.0 * part as f64 / whole as f64).round() / 10.0
}
