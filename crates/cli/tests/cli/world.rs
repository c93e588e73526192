//! A folder of its own with the binary in it: no configuration, no data and no variables of the machine get in.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

/// The binary.
pub const TASKER: &str = env!("CARGO_BIN_EXE_tasker");

/// A workflow of two commands, the second after the first.
pub const ECHO: &str = r#"
name: echo
version: 1.0.0
schema:
  type: object
  required: [who]
  properties:
    who: {type: string, minLength: 2}
    times: {type: integer, default: 1}
step_templates:
- name: first
  handler: command
  handler_config: {program: echo, args: ["hello {{ context.who }}"], output: text}
- name: second
  handler: command
  depends_on_step: first
  handler_config: {program: echo, args: ["{{ results.first }}, {{ context.times }}"], output: text}
"#;

/// A workflow whose only step fails for good.
pub const FAIL: &str = r#"
name: fail
step_templates:
- name: broken
  handler: command
  default_retry_limit: 1
  handler_config: {program: "false", output: text}
"#;

/// A workflow whose first step takes some seconds.
pub const SLOW: &str = r#"
name: slow
step_templates:
- name: nap
  handler: command
  handler_config: {program: sleep, args: ["2"], output: text}
- name: after
  handler: command
  depends_on_step: nap
  handler_config: {program: echo, args: ["rested"], output: text}
"#;

/// A workflow that only a worker of somebody's own could run.
pub const FOREIGN: &str = "name: foreign\nstep_templates:\n- {name: only, handler: somebody/else}\n";

/// At its end the database is checked.
pub struct World {
    folder: tempfile::TempDir,
    is_damaged: Cell<bool>,
}

/// How a run of the binary ended.
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), is_damaged: Cell::new(false) }
    }

    /// With a file.
    pub fn with(self, name: &str, text: &str) -> Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of the embedded database.
    pub fn database(&self) -> PathBuf {
        self.path("data/tasker/tasker.db")
    }

    /// The database stays damaged: it is not checked.
    pub fn leave_damaged(&self) {
        self.is_damaged.set(true);
    }

    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("TZ", "UTC")
            .env("COLUMNS", "100")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(TASKER, args))
    }

    pub fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(TASKER, args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The program may refuse before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    pub fn shell(&self, script: &str) -> Ran {
        let mut command = self.command("sh", &["-c", script]);
        command.env("TASKER", TASKER);
        Ran::of(command)
    }

    /// Runs a command that must succeed; answers with its JSON document.
    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--output", "json"]].concat());
        assert_eq!(ran.status, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        ran.json()
    }

    /// Registers a file's definition and creates a task of it; answers with its id.
    pub fn task(&self, file: &str, name: &str) -> String {
        self.json(&["definition", "register", file]);
        self.json(&["task", "create", name])["task_id"].as_str().unwrap().to_owned()
    }

    /// Starts the binary in the background.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(TASKER, args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stderr, seen: String::new() }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() || self.is_damaged.get() || !self.database().exists() {
            return;
        }
        let checked = self.run(&["db", "check"]);
        assert_ne!(checked.status, 1, "{}", checked.stdout);
    }
}

impl Ran {
    fn of(mut command: Command) -> Self {
        command.output().unwrap().into()
    }

    /// The one JSON document on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", self.stdout, self.stderr))
    }

    /// Exit status and code of the error document.
    pub fn failure(&self) -> (i32, String) {
        let code = self.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
        (self.status, code)
    }
}

impl From<std::process::Output> for Ran {
    fn from(output: std::process::Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary in the background. Killed when dropped.
pub struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    seen: String,
}

impl Running {
    /// Reads messages until one holds this text.
    pub fn until(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.stderr.read_line(&mut line).unwrap(),
                0,
                "it ended without {text:?}: {}",
                self.seen
            );
            self.seen.push_str(&line);
            if line.contains(text) {
                return;
            }
        }
    }

    /// The messages that were read.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Processes that it has started and that live.
    pub fn children(&self) -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().flatten();
        let of = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("children"));
        let lists: Vec<String> = threads.filter_map(|thread| of(thread).ok()).collect();
        lists.join(" ").split_whitespace().map(str::to_owned).collect()
    }

    /// Waits for its end; answers with its exit status and all of its messages.
    pub fn end(self) -> (i32, String) {
        let ran = self.finish();
        (ran.status, ran.stderr)
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Ran {
        let (mut rest, mut stdout) = (String::new(), String::new());
        self.stderr.read_to_string(&mut rest).unwrap();
        // Results are short enough for the pipe to hold them.
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { status, stdout, stderr: std::mem::take(&mut self.seen) + &rest }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
