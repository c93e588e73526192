//! What one target's fuzzer said, as a line of a table.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// How much of a panic is shown.
const SHOWN_LINES: usize = 12;

/// How a target ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Its name.
    pub target: String,
    executions: u64,
    /// Branches, told apart by how often they were taken.
    features: u64,
    /// Inputs that reach something that no other does.
    inputs: u64,
    broken: Option<Broken>,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Broken {
    /// The input's file; `None` if the process died before it could write one.
    file: Option<String>,
    reason: String,
}

impl Outcome {
    /// Titles of the columns.
    pub const HEADING: &str = "target       executions  features  inputs";

    /// Reads what the fuzzer wrote.
    pub fn read(target: &str, status: ExitStatus, output: &str) -> Self {
        let last = output.lines().rfind(|line| line.starts_with('#') && line.contains(" ft: "));
        let last = last.unwrap_or_default();
        let executions = last.trim_start_matches('#').split_whitespace().next().and_then(|n| n.parse().ok());
        Self {
            target: target.to_owned(),
            executions: executions.unwrap_or(0),
            features: number_after(last, " ft: "),
            inputs: number_after(last, " corp: "),
            broken: (!status.success()).then(|| Broken::read(status, output)),
        }
    }

    /// What was found, and how to see it again.
    pub fn finding(&self) -> Option<String> {
        let (target, broken) = (&self.target, self.broken.as_ref()?);
        let again = match &broken.file {
            Some(file) => format!("cargo run --package tasker-fuzz --bin {target} -- {file}"),
            None => {
                format!("cargo xtask fuzz {target}    (the process died before it could write the input)")
            }
        };
        Some(format!("{target} is broken: {}\n  again: {again}", broken.reason))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, executions, features, inputs, broken } = self;
        write!(f, "{target:<12} {executions:>10} {features:>9} {inputs:>7}")?;
        if broken.is_some() { f.write_str("  BROKEN") } else { Ok(()) }
    }
}

impl Broken {
    fn read(status: ExitStatus, output: &str) -> Self {
        let file = output.lines().find_map(|line| line.split_once("Test unit written to "));
        let panic: Vec<&str> = output
            .lines()
            .skip_while(|line| !line.contains("panicked at"))
            .take_while(|line| !line.contains("ERROR: libFuzzer"))
            .take(SHOWN_LINES)
            .collect();
        let error = output.lines().find_map(|line| line.split_once("ERROR: libFuzzer: "));
        let reason = match (panic.is_empty(), error, status.signal()) {
            (false, ..) => panic.join("\n  "),
            (true, Some((_, error)), _) => error.to_owned(),
            (true, None, Some(signal)) => {
                format!("ended by signal {signal}; 11 is mostly a stack that is too small")
            }
            (true, None, None) => format!("ended with {status}:\n{output}"),
        };
        Self { file: file.map(|(_, file)| file.trim().to_owned()), reason }
    }
}

fn number_after(line: &str, label: &str) -> u64 {
    let digits = line.split_once(label).map_or("", |(_, rest)| rest);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "INFO: Seed: 1\n#2\tINITED cov: 9 ft: 10 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #65536\tDONE   cov: 91 ft: 312 corp: 40/512b lim: 4096 exec/s: 9362 rss: 44Mb\nDone 65536 runs in 7 second(s)\n";

    #[test]
    fn the_last_line_counts() {
        let outcome = Outcome::read("payload", ExitStatus::from_raw(0), OUTPUT);
        assert_eq!(outcome.to_string(), "payload           65536       312      40");
        assert_eq!(outcome.to_string().len(), Outcome::HEADING.len());
        assert_eq!(outcome.finding(), None);
    }

    #[test]
    fn a_panic_is_shown_with_the_command_that_repeats_it() {
        let output = format!(
            "{OUTPUT}thread '<unnamed>' panicked at fuzz/src/payload.rs:1:2:\nmasked twice\n\
             ==1== ERROR: libFuzzer: deadly signal\nartifact_prefix='x'; Test unit written to target/fuzz/crash-1\n"
        );
        let outcome = Outcome::read("payload", ExitStatus::from_raw(77 << 8), &output);
        assert_eq!(
            outcome.finding().unwrap(),
            "payload is broken: thread '<unnamed>' panicked at fuzz/src/payload.rs:1:2:\n  masked twice\n  \
             again: cargo run --package tasker-fuzz --bin payload -- target/fuzz/crash-1"
        );
        assert!(outcome.to_string().ends_with("BROKEN"));
    }

    #[test]
    fn a_process_that_dies_is_a_finding_too() {
        let outcome = Outcome::read("template", ExitStatus::from_raw(11), OUTPUT);
        assert!(outcome.finding().unwrap().contains("ended by signal 11"));
    }
}
