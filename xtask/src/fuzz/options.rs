//! What `cargo xtask fuzz` was asked for.

use anyhow::{Context, Result, bail};

/// Seconds that all targets take together, unless told otherwise: what every test run takes.
const USUAL_SECONDS: u64 = 30;

/// What is tried, and for how long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// For all targets together.
    pub seconds: u64,
    /// The only target to run.
    pub target: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: USUAL_SECONDS, target: None }
    }
}

impl Options {
    /// Reads arguments.
    ///
    /// # Errors
    /// An argument that is not known, or a number of seconds that is none.
    pub fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments;
        loop {
            rest = match rest {
                [] => return Ok(options),
                ["--seconds", seconds, after @ ..] => {
                    options.seconds = seconds
                        .parse()
                        .with_context(|| format!("--seconds {seconds:?} is no whole number"))?;
                    after
                }
                [flag, ..] if flag.starts_with('-') => {
                    bail!("no such option: {flag}; there is --seconds N")
                }
                [target, after @ ..] if options.target.is_none() => {
                    options.target = Some((*target).to_owned());
                    after
                }
                [another, ..] => bail!("one target at most, but {another} is a second one"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_in_any_order() {
        let expected = Options { seconds: 600, target: Some("payload".into()) };
        assert_eq!(Options::read(&["payload", "--seconds", "600"]).unwrap(), expected);
        assert_eq!(Options::read(&["--seconds", "600", "payload"]).unwrap(), expected);
        assert_eq!(Options::read(&[]).unwrap(), Options::default());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for arguments in [&["--second", "1"][..], &["--seconds", "x"], &["--seconds"], &["a", "b"]] {
            assert!(Options::read(arguments).is_err(), "{arguments:?}");
        }
    }
}
