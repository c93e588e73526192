//! Addresses that nodes lead to.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use crate::ids::TaskId;
use crate::names::StepName;

/// Where the API is reached: `https://tasker.example.org/tasker`, or a path such as `/tasker`. Has no `/` at its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkBase(String);

/// No address that links can begin with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{0:?} is no address that links can begin with: write https://HOST/PATH, http://HOST/PATH or /PATH, without ? and #"
)]
pub struct InvalidLinkBase(pub String);

impl LinkBase {
    /// The address of a step.
    pub fn step(&self, task: TaskId, step: &StepName) -> String {
        format!("{self}/tasks/{task}/workflow_steps/{step}")
    }
}

impl fmt::Display for LinkBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for LinkBase {
    type Err = InvalidLinkBase;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = text.chars().all(|c| is_of_urls(c) && c != '?');
        if !is_plain || !(text.is_empty() || is_web_address(text)) {
            return Err(InvalidLinkBase(text.chars().take(200).collect()));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// Whether an address leads to a page and does nothing else: `javascript:` and the like do.
pub(super) fn is_web_address(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(rest) => !rest.is_empty() && !rest.starts_with('/'),
        None => url.starts_with('/') && !url.starts_with("//"),
    }
}

/// The address with everything escaped that cannot stand in one. So is `#`: links lead to whole pages, and Mermaid would
/// take what follows for an entity code.
pub(super) fn percent_encoded(url: &str) -> String {
    let mut encoded = String::with_capacity(url.len());
    for c in url.chars() {
        if is_of_urls(c) {
            encoded.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

fn is_of_urls(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_with_a_web_address_or_a_path() {
        for (text, base) in [
            ("https://a.example/tasker/", "https://a.example/tasker"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("/tasker", "/tasker"),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(text.parse::<LinkBase>().map(|base| base.to_string()), Ok(base.to_owned()), "{text}");
        }
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "https://",
            "https:///x",
            "ftp://a.example",
            "tasker",
            "/a b",
            "/a\"b",
            "/a?b=1",
            "/a#b",
            "/ä",
        ] {
            assert!(text.parse::<LinkBase>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_cannot_stand_in_an_address_is_escaped() {
        assert_eq!(percent_encoded("/a/b?c=d&e=%20"), "/a/b?c=d&e=%20");
        assert_eq!(percent_encoded("/#\"<ä>`\\\n"), "/%23%22%3C%C3%A4%3E%60%5C%0A");
    }
}
