//! Processes that work on one database.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::TortureError;
use crate::process::Running;

/// Longest wait for a line of a node.
const PATIENCE: Duration = Duration::from_secs(60);

/// Exit status of a worker that SIGTERM has ended gracefully.
const TERMINATED: i32 = 143;

/// Makes the command that starts a worker of this name.
pub type Launch = Box<dyn Fn(&str) -> Command + Send + Sync>;

/// A process, and the name it has as a worker.
#[derive(Debug)]
pub struct Node {
    /// Name of its worker.
    pub name: String,
    /// The process.
    pub process: Running,
}

/// Nodes that run, oldest first.
pub struct Nodes {
    launch: Launch,
    /// Where what they write goes.
    folder: PathBuf,
    started: usize,
    /// The nodes.
    pub running: Vec<Node>,
}

impl Nodes {
    /// None yet. What they write goes to new files in `folder`.
    pub fn new(folder: PathBuf, launch: Launch) -> Self {
        Self { launch, folder, started: 0, running: Vec::new() }
    }

    /// The same, but started by commands that are changed before.
    #[must_use]
    pub fn changed(self, change: impl Fn(&str, Command) -> Command + Send + Sync + 'static) -> Self {
        let launch = self.launch;
        Self { launch: Box::new(move |name| change(name, launch(name))), ..self }
    }

    /// Starts one more.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn add(&mut self) -> Result<(), TortureError> {
        self.started += 1;
        let name = format!("node-{}", self.started);
        let process = Running::start_tied((self.launch)(&name), &self.folder)?;
        self.running.push(Node { name, process });
        Ok(())
    }

    /// `kill -9` for the oldest; answers its name.
    ///
    /// # Errors
    /// There is none, or it had ended before, or something else has ended it.
    pub fn kill_oldest(&mut self) -> Result<String, TortureError> {
        let Node { name, process } = self.take_oldest();
        process.kill()?.expect_code(128 + Signal::KILL.as_raw())?;
        Ok(name)
    }

    /// Takes the oldest out of the list.
    ///
    /// # Panics
    /// There is none.
    pub fn take_oldest(&mut self) -> Node {
        self.running.remove(0)
    }

    /// Checks that no process has ended.
    ///
    /// # Errors
    /// One has; with what it wrote.
    pub fn all_alive(&mut self) -> Result<(), TortureError> {
        match self.running.iter_mut().find_map(|node| (!node.process.is_alive()).then_some(&*node)) {
            None => Ok(()),
            Some(Node { name, process }) => {
                Err(TortureError::Process { what: format!("{name} has ended"), told: process.stderr() })
            }
        }
    }

    /// Waits until some node has written this to standard error.
    ///
    /// # Errors
    /// None has.
    pub async fn says(&self, text: &str) -> Result<(), TortureError> {
        let deadline = Instant::now() + PATIENCE;
        while !self.running.iter().any(|node| node.process.stderr().contains(text)) {
            if Instant::now() > deadline {
                let all: Vec<String> = self.running.iter().map(|node| node.process.stderr()).collect();
                return Err(TortureError::Process {
                    what: format!("no node said {text:?} in {PATIENCE:?}"),
                    told: all.join("\n"),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Stops all of them gracefully.
    ///
    /// # Errors
    /// One ends with another status than it should, or does not end.
    pub fn stop(self) -> Result<(), TortureError> {
        for node in &self.running {
            node.process.signal(Signal::TERM)?;
        }
        for Node { process, .. } in self.running {
            process.finish()?.expect_code(TERMINATED)?;
        }
        Ok(())
    }
}
