//! Runs one program in its own process group, within limits.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;

use super::output::TAIL;
use super::watchdog;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// How long output is read after the group has ended: only a process that left the group can still hold it open.
const DRAIN: Duration = Duration::from_secs(2);

/// What to run.
#[derive(Debug)]
pub(super) struct Program {
    pub program: String,
    pub args: Vec<String>,
    pub env: BTreeMap<String, Option<String>>,
    pub cwd: Option<String>,
    pub stdin: Vec<u8>,
    pub max_output: usize,
    pub timeout: Option<Duration>,
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Exited(ExitStatus),
    TimedOut,
    Cancelled,
    OutputTooLarge,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Ended {
    pub end: End,
    pub stdout: Vec<u8>,
    /// The last part of standard error.
    pub stderr: Vec<u8>,
}

/// Runs a program to its end.
///
/// # Errors
/// The program cannot be started.
pub(super) async fn run(program: Program, cancellation: &CancellationToken) -> io::Result<Ended> {
    watchdog::prepare();
    locate(&program)?;
    let mut child = command(&program).spawn()?;
    let group = Group::of(&child);
    let collected = Arc::new(Collected::default());
    let streams = tokio::spawn(streams(&mut child, program.stdin, program.max_output, collected.clone()));
    let end = end(&mut child, &group, program.timeout, cancellation, &collected.overflow).await?;
    drop(group);
    // what is still in the pipes counts
    if tokio::time::timeout(DRAIN, streams).await.is_err() {
        tracing::debug!(program = program.program, "a process left its group and holds the output open");
    }
    let end = if collected.overflow.is_cancelled() { End::OutputTooLarge } else { end };
    Ok(Ended { end, stdout: take(&collected.stdout), stderr: take(&collected.stderr) })
}

/// Becomes the program at the first line of its input, which is sent once the watchdog knows the group. If the worker
/// dies before, the input ends without a line, and nothing is run.
const GATE: &str = r#"read -r _ && exec "$@""#;

/// The line that [`GATE`] waits for. A shell reads no further than it must, so the rest is the program's.
const GO: &[u8] = b"go\n";

fn command(program: &Program) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", GATE, "sh", &program.program]);
    command.args(&program.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_own(name)) {
        command.env_remove(name);
    }
    for (name, value) in &program.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(cwd) = &program.cwd {
        command.current_dir(Path::new(cwd));
    }
    command
}

/// Looks for the program where the shell will, so that its absence is told from a program that fails.
fn locate(program: &Program) -> io::Result<()> {
    let folder = program.cwd.as_deref().unwrap_or(".");
    if program.program.contains('/') {
        return executable(&Path::new(folder).join(&program.program));
    }
    let own = std::env::var("PATH").ok();
    let path = program.env.get("PATH").cloned().unwrap_or(own).unwrap_or_default();
    let found = std::env::split_paths(&path).map(|entry| executable(&entry.join(&program.program)));
    let mut worst = io::Error::from(io::ErrorKind::NotFound);
    for result in found {
        match result {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => worst = error,
            Err(_) => {}
        }
    }
    Err(worst)
}

fn executable(path: &Path) -> io::Result<()> {
    let metadata = std::fs::metadata(path)?;
    let is_program = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
    if is_program { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Whether a variable is this program's own: such as the one with the password of its database.
fn is_own(name: &OsString) -> bool {
    name.as_encoded_bytes().starts_with(b"TASKER_")
}

async fn end(
    child: &mut Child,
    group: &Group,
    timeout: Option<Duration>,
    cancellation: &CancellationToken,
    overflow: &CancellationToken,
) -> io::Result<End> {
    let limit = async {
        match timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let end = tokio::select! {
        biased;
        status = child.wait() => return Ok(End::Exited(status?)),
        () = overflow.cancelled() => End::OutputTooLarge,
        () = cancellation.cancelled() => End::Cancelled,
        () = limit => End::TimedOut,
    };
    group.signal(if end == End::OutputTooLarge { Signal::KILL } else { Signal::TERM });
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        group.signal(Signal::KILL);
        child.wait().await?;
    }
    Ok(end)
}

/// A process group that ends with this value.
struct Group(Option<Pid>);

impl Group {
    /// The group of a child that has just been started as its leader.
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            watchdog::watch(pid.as_raw_nonzero().get());
        }
        Self(pid)
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // the only error that can come is that nothing of the group is left
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if let Some(pid) = self.0 {
            watchdog::forget(pid.as_raw_nonzero().get());
        }
    }
}

#[derive(Default)]
struct Collected {
    stdout: Mutex<Vec<u8>>,
    stderr: Mutex<Vec<u8>>,
    overflow: CancellationToken,
}

fn take(bytes: &Mutex<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner))
}

fn streams(
    child: &mut Child,
    input: Vec<u8>,
    limit: usize,
    collected: Arc<Collected>,
) -> impl Future<Output = ()> + Send + use<> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    async move {
        tokio::join!(
            feed(stdin, input),
            read(stdout, |bytes| {
                let mut kept = collected.stdout.lock().unwrap_or_else(PoisonError::into_inner);
                let room = limit.saturating_sub(kept.len());
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if bytes.len() > room {
                    collected.overflow.cancel();
                }
            }),
            read(stderr, |bytes| {
                let mut kept = collected.stderr.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(bytes);
                let excess = kept.len().saturating_sub(TAIL);
                kept.drain(..excess);
            }),
        );
    }
}

/// Writes standard input. A program need not read it: that its end is closed is no error.
async fn feed(stdin: Option<ChildStdin>, input: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(GO).await;
        let _ = stdin.write_all(&input).await;
        let _ = stdin.shutdown().await;
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>, mut keep: impl FnMut(&[u8])) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        keep(&buffer[..length]);
    }
}
