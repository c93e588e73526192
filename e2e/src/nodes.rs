//! Processes that work on one PostgreSQL database.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::home::Home;
use crate::process::{Finished, Running};

/// Longest wait for a line of a node.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process, and the name it has as a worker.
pub struct Node {
    /// Name of its worker.
    pub name: String,
    /// The process.
    pub process: Running,
}

/// Nodes that run, oldest first.
pub struct Nodes {
    home: Home,
    url: String,
    started: usize,
    /// The nodes.
    pub running: Vec<Node>,
}

impl Nodes {
    /// Starts so many, each with these settings (`tasker.toml`).
    pub fn start(url: &str, count: usize, settings: &str) -> Result<Self> {
        let home = Home::new()?;
        home.write("tasker.toml", settings)?;
        let mut nodes = Self { home, url: url.to_owned(), started: 0, running: Vec::new() };
        (0..count).try_for_each(|_| nodes.add())?;
        Ok(nodes)
    }

    /// Starts one more.
    pub fn add(&mut self) -> Result<()> {
        self.started += 1;
        let name = format!("node-{}", self.started);
        let process = self.home.start(&["worker", "run", "--name", &name, "--database-url", &self.url])?;
        self.running.push(Node { name, process });
        Ok(())
    }

    /// `kill -9` for the oldest; answers its name.
    pub fn kill_oldest(&mut self) -> Result<String> {
        let Node { name, process } = self.running.remove(0);
        process.kill()?;
        Ok(name)
    }

    /// Takes the oldest out of the list.
    pub fn take_oldest(&mut self) -> Node {
        self.running.remove(0)
    }

    /// Checks that no process has ended.
    ///
    /// # Errors
    /// One has; with what it wrote.
    pub fn all_alive(&mut self) -> Result<()> {
        for Node { name, process } in &mut self.running {
            ensure!(process.is_alive(), "{name} has ended:\n{}", process.stderr());
        }
        Ok(())
    }

    /// Waits until some node has written this to standard error.
    pub async fn says(&self, text: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.running.iter().any(|node| node.process.stderr().contains(text)) {
            let all: Vec<String> = self.running.iter().map(|node| node.process.stderr()).collect();
            ensure!(Instant::now() < deadline, "no node said {text:?}:\n{}", all.join("\n"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Writes a file into their directory; answers its path.
    pub fn write(&self, name: &str, text: &str) -> Result<String> {
        Ok(self.home.write(name, text)?.display().to_string())
    }

    /// Runs a command on their database to its end.
    pub fn command(&self, arguments: &[&str]) -> Result<Finished> {
        self.home.run(&[arguments, &["--database-url", &self.url]].concat())
    }

    /// Stops all of them gracefully, and has the database checked.
    pub fn stop(self) -> Result<()> {
        for node in &self.running {
            node.process.signal(Signal::TERM)?;
        }
        for Node { name, process } in self.running {
            process.finish()?.expect_code(143).with_context(|| name)?;
        }
        self.home.ok(&["db", "check", "--database-url", &self.url])?;
        Ok(())
    }
}
