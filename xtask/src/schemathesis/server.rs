//! The real server, over a new database that holds tasks in all states.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};

/// What the line begins with in which the server tells where it is reached.
const SERVING: &str = "serving ";

/// A server that runs. It ends with the value.
pub(super) struct Server {
    process: Child,
    place: Place,
    url: String,
    log: Option<JoinHandle<std::io::Result<()>>>,
}

/// A folder with a database, and the program.
struct Place {
    folder: PathBuf,
    program: PathBuf,
}

impl Server {
    /// Fills a database and starts the server.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let place = Place::new(folder)?;
        place.fill()?;
        let settings = super::settings().join("tasker.toml");
        let mut command = place.command(&["server", "run", "--no-worker", "--listen", "127.0.0.1:0"]);
        command.arg("--config").arg(settings).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().context("starting the server")?;
        let mut lines = BufReader::new(process.stderr.take().context("the server has no standard error")?);
        let url = where_it_serves(&mut lines)?;
        // What it says later must be read, or it would wait.
        let mut log = File::create(place.log())?;
        let log = std::thread::spawn(move || std::io::copy(&mut lines, &mut log).map(drop));
        Ok(Self { process, place, url, log: Some(log) })
    }

    /// Where the description of its routes is.
    pub(super) fn description(&self) -> String {
        format!("{}/v1/openapi.json", self.url)
    }

    /// Where files may be left.
    pub(super) fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// Stops it, and looks whether it failed on the way or left something broken.
    pub(super) fn stop(mut self) -> Result<()> {
        if let Some(status) = self.process.try_wait()? {
            bail!("the server ended by itself ({status})");
        }
        self.end();
        let log = std::fs::read_to_string(self.place.log()).context("reading the log of the server")?;
        if let Some(line) = log.lines().find(|line| line.contains("ERROR") || line.contains("panicked")) {
            bail!("the server failed: {line}");
        }
        self.place.tasker(&["db", "check"]).map(drop)
    }

    fn end(&mut self) {
        // It may have ended; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(log) = self.log.take() {
            let _ = log.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl Place {
    fn new(folder: &Path) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
        }
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), program: super::program()? })
    }

    /// Tasks that are complete, failed, resolved, cancelled, half done and not begun.
    fn fill(&self) -> Result<()> {
        for name in ["order", "refund", "delivery", "report"] {
            let file = super::settings().join("definitions").join(format!("{name}.yaml"));
            self.tasker(&["definition", "register", &file.to_string_lossy()])?;
        }
        self.task(&["order"])?;
        self.task(&["order", "--bypass-step", "notify", "--tag", "eu"])?;
        self.task(&["refund"])?;
        let resolved = self.task(&["refund"])?;
        self.task(&["delivery", "--namespace", "shop"])?;
        self.task(&["report", "--namespace", "shop"])?;
        let cancelled = self.task(&["report", "--namespace", "shop"])?;
        self.tasker(&["task", "cancel", &cancelled])?;
        self.tasker(&["worker", "run", "--until-idle", "--allow-commands"])?;
        self.tasker(&["task", "resolve", "--reason", "paid by hand", &resolved])?;
        self.task(&["order"]).map(drop)
    }

    /// Creates a task; answers with its id.
    fn task(&self, arguments: &[&str]) -> Result<String> {
        let told = self.tasker(&[&["task", "create"], arguments].concat())?;
        Ok(told.trim().to_owned())
    }

    /// Runs the program to its end, which must be success.
    fn tasker(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output().context("starting the program")?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            bail!("tasker {} failed ({}):\n{told}", arguments.join(" "), output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.folder);
        let database = format!("sqlite:{}", self.folder.join("tasker.db").display());
        // Nothing that the machine has set up counts.
        command.env("TASKER_DATABASE_URL", database).env("XDG_CONFIG_HOME", &self.folder);
        command.env_remove("RUST_LOG");
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

/// Reads what the server says until it tells where it is reached.
fn where_it_serves(lines: &mut impl BufRead) -> Result<String> {
    let mut told = String::new();
    for line in lines.lines() {
        let line = line.context("reading what the server says")?;
        if let Some((url, _)) = line.strip_prefix(SERVING).and_then(|rest| rest.split_once(' ')) {
            return Ok(url.to_owned());
        }
        told.push_str(&line);
        told.push('\n');
    }
    bail!("the server ended before it served anything:\n{told}")
}
