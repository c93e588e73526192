//! Names people give to things, each with the rule it must keep.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name broke its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a valid {kind}: {rule}")]
pub struct InvalidName {
    /// What the text was meant to name.
    pub kind: &'static str,
    /// The text.
    pub value: String,
    /// The rule, in words.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the rule and makes the name.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { kind: $kind, value: text.chars().take(200).collect(), rule: $rule })
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn length_within(text: &str, max: usize) -> bool {
    !text.is_empty() && text.len() <= max
}

fn alphanumeric_or(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

name! {
    /// Name space of definitions.
    Namespace, "namespace", "1 to 64 of A-Z a-z 0-9 _ -",
    |text| length_within(text, 64) && alphanumeric_or(text, "_-")
}

impl Default for Namespace {
    fn default() -> Self {
        Self("default".into())
    }
}

name! {
    /// Name of a definition inside its namespace.
    DefinitionName, "definition name", "1 to 64 of A-Z a-z 0-9 _ - / .",
    |text| length_within(text, 64) && alphanumeric_or(text, "_-/.")
}

name! {
    /// Name of a step inside its definition; addresses the step of a task.
    StepName, "step name", "1 to 128 of A-Z a-z 0-9 _ . -, the first a letter, a digit or _",
    |text| {
        length_within(text, 128)
            && alphanumeric_or(text, "_.-")
            && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    }
}

name! {
    /// Name of a step handler: what a worker must serve to run the step. Ruby class names and paths are just names.
    HandlerName, "handler name", "1 to 200 printable characters without spaces",
    |text| length_within(text, 200) && text.chars().all(|c| !c.is_whitespace() && !c.is_control())
}

/// Name of the handler that ships and makes HTTP requests.
pub const HTTP: &str = "http";

/// Name of the handler that ships and runs local programs.
pub const COMMAND: &str = "command";

/// Version of a definition: SemVer 2.0, at most 32 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(semver::Version);

impl Version {
    /// Checks the rule and makes the version.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName {
            kind: "version",
            value: text.chars().take(200).collect(),
            rule: "SemVer, such as 1.0.0 or 2.1.0-rc.1, at most 32 characters",
        };
        if text.len() > 32 {
            return Err(invalid());
        }
        semver::Version::parse(text).map(Self).map_err(|_| invalid())
    }

    /// Whether the version has a pre-release part; such versions are never "latest" while others exist.
    pub fn is_pre_release(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// The latest of some versions: the highest that is no pre-release; if all are, the highest.
    pub fn latest<'a>(versions: impl IntoIterator<Item = &'a Version>) -> Option<&'a Version> {
        versions.into_iter().max_by(|a, b| (!a.is_pre_release(), *a).cmp(&(!b.is_pre_release(), *b)))
    }
}

impl Default for Version {
    fn default() -> Self {
        Self(semver::Version::new(0, 1, 0))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Version {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_case_sensitive_and_at_most_64_characters() {
        assert_ne!(Namespace::new("payments").unwrap(), Namespace::new("Payments").unwrap());
        assert!(Namespace::new(&"n".repeat(64)).is_ok());
        assert!(Namespace::new(&"n".repeat(65)).is_err());
        assert!(Namespace::new("").is_err());
        assert!(Namespace::new("a b").is_err());
    }

    #[test]
    fn step_names_begin_with_a_letter_a_digit_or_an_underscore() {
        for name in ["a", "_a", "1st", "step-one", "a.b"] {
            assert!(StepName::new(name).is_ok(), "{name}");
        }
        for name in ["", "-a", ".a", "a b", "a/b", "ä"] {
            assert!(StepName::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn dom_10_as_33_latest_is_numeric_and_avoids_pre_releases() {
        let latest = |texts: &[&str]| {
            let versions: Vec<_> = texts.iter().map(|t| Version::new(t).unwrap()).collect();
            Version::latest(&versions).unwrap().to_string()
        };
        assert_eq!(latest(&["0.9.0", "0.10.0"]), "0.10.0");
        assert_eq!(latest(&["9.0.0", "10.0.0", "10.1.0-rc.1"]), "10.0.0");
        assert_eq!(latest(&["1.0.0-alpha", "1.0.0-beta"]), "1.0.0-beta");
    }

    #[test]
    fn dom_6_versions_are_semver() {
        for text in ["1.0", "v1.0.0", "", "1.0.0.0", "99999999999999999999.0.0"] {
            assert!(Version::new(text).is_err(), "{text}");
        }
        for text in ["1.0.0", "1.0.0-beta.1", "1.0.0-rc.1+build.5"] {
            assert!(Version::new(text).is_ok(), "{text}");
        }
    }
}
