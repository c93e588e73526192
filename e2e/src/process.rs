//! Processes of the tests. Each leads its own process group and is ended, by its id, with the value that holds it.

use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Longest time a process of a test may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that runs.
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
    pub fn start(mut command: Command, folder: &Path) -> Result<Self> {
        let (output, stdout) = new_file(folder)?;
        let (errors, stderr) = new_file(folder)?;
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0);
        let child = command.spawn().with_context(|| format!("starting {:?}", command.get_program()))?;
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

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// Sends a signal to the process itself, as a supervisor does.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.pid(), signal).context("sending a signal")
    }

    /// `kill -9`, for the process alone: what it started must notice by itself.
    pub fn kill(mut self) -> Result<Finished> {
        self.signal(Signal::KILL)?;
        self.wait(PATIENCE)
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Result<Finished> {
        self.wait(PATIENCE)
    }

    fn wait(&mut self, patience: Duration) -> Result<Finished> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Finished { code: code(status), stdout: self.stdout(), stderr: self.stderr() });
            }
            if Instant::now() > until {
                bail!("process {} did not end in {patience:?}; stderr:\n{}", self.id(), self.stderr());
            }
            std::thread::sleep(Duration::from_millis(5));
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
    pub fn expect_code(self, code: i32) -> Result<Self> {
        if self.code == code {
            return Ok(self);
        }
        bail!("exit status {}, not {code}\nstdout:\n{}\nstderr:\n{}", self.code, self.stdout, self.stderr)
    }

    /// Its standard output as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("not one JSON document: {}", self.stdout))
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

fn new_file(folder: &Path) -> Result<(PathBuf, File)> {
    let (file, path) = tempfile::Builder::new().prefix("out-").tempfile_in(folder)?.keep()?;
    Ok((path, file))
}
