//! Processes that are started, watched, signalled and ended. Each leads its own process group and is ended, by its id,
//! with the value that holds it.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::error::{TortureError, Trying};

/// Longest time a process may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(120);

/// Time between two looks whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// A process that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: PathBuf,
    errors: PathBuf,
}

/// A process that ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status; 128 + the signal's number if a signal ended it.
    pub code: i32,
    /// Everything it wrote to standard output.
    pub stdout: String,
    /// Everything it wrote to standard error.
    pub stderr: String,
}

impl Running {
    /// Starts a command in a process group of its own; its output goes to new files in `folder`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: Command, folder: &Path) -> Result<Self, TortureError> {
        Self::start_with(command, folder, Stdio::null())
    }

    /// The same, with a standard input that ends when this process does, however that is.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_tied(command: Command, folder: &Path) -> Result<Self, TortureError> {
        Self::start_with(command, folder, Stdio::piped())
    }

    fn start_with(mut command: Command, folder: &Path, input: Stdio) -> Result<Self, TortureError> {
        let (output, stdout) = new_file(folder)?;
        let (errors, stderr) = new_file(folder)?;
        command.stdin(input).stdout(stdout).stderr(stderr).process_group(0);
        let child = command.spawn().trying(format!("starting {:?}", command.get_program()))?;
        Ok(Self { child, output, errors })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Whether a signal has stopped it.
    pub fn is_frozen(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // The name stands in brackets and may hold anything; the state is the next word.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// Sends a signal to the process itself, as a supervisor does.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), TortureError> {
        let sent = kill_process(self.pid(), signal).map_err(std::io::Error::from);
        sent.trying(format!("sending {signal:?} to process {}", self.id()))
    }

    /// `kill -9`, for the process alone: what it started must notice by itself.
    ///
    /// # Errors
    /// It had ended before.
    pub fn kill(mut self) -> Result<Finished, TortureError> {
        self.signal(Signal::KILL)?;
        self.wait(PATIENCE)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not come.
    pub fn finish(mut self) -> Result<Finished, TortureError> {
        self.wait(PATIENCE)
    }

    fn wait(&mut self, patience: Duration) -> Result<Finished, TortureError> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().trying("waiting for a process")? {
                return Ok(Finished { code: code(status), stdout: self.stdout(), stderr: self.stderr() });
            }
            if Instant::now() > until {
                let what = format!("process {} did not end in {patience:?}", self.id());
                return Err(TortureError::Process { what, told: self.stderr() });
            }
            std::thread::sleep(LOOK);
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_alive() {
            // Fails only if the group is gone, which is what is wanted.
            let _ = kill_process_group(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

impl Finished {
    /// Itself if it ended with `code`, else an error that shows what it wrote.
    ///
    /// # Errors
    /// It ended with another status.
    pub fn expect_code(self, code: i32) -> Result<Self, TortureError> {
        if self.code == code {
            return Ok(self);
        }
        let what = format!("exit status {}, not {code}", self.code);
        Err(TortureError::Process { what, told: format!("{}\n{}", self.stderr, self.stdout) })
    }

    /// Its standard output as JSON.
    ///
    /// # Errors
    /// It is not one document.
    pub fn json(&self) -> Result<serde_json::Value, TortureError> {
        serde_json::from_str(&self.stdout).map_err(|error| TortureError::Process {
            what: format!("not one JSON document: {error}"),
            told: self.stdout.clone(),
        })
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

fn new_file(folder: &Path) -> Result<(PathBuf, File), TortureError> {
    let made = tempfile::Builder::new().prefix("out-").tempfile_in(folder);
    let trying = || format!("making a file in {}", folder.display());
    let (file, path) = made.trying(trying())?.keep().map_err(|kept| kept.error).trying(trying())?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_frozen_thawed_and_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo begun; read -r end; echo ended"]);
        let mut process = Running::start_tied(command, folder.path()).unwrap();
        while process.stdout().is_empty() {
            std::thread::yield_now();
        }
        process.signal(Signal::STOP).unwrap();
        while !process.is_frozen() {
            std::thread::yield_now();
        }
        process.signal(Signal::CONT).unwrap();
        assert!(process.is_alive());
        let finished = process.kill().unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (137, "begun\n"));
    }

    #[test]
    fn what_a_process_says_is_told_with_its_wrong_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo why >&2; exit 3"]);
        let finished = Running::start(command, folder.path()).unwrap().finish().unwrap();
        let told = finished.expect_code(0).unwrap_err().to_string();
        assert!(told.contains("exit status 3, not 0") && told.contains("why"), "{told}");
    }
}
