//! Ends the process groups of a worker that died.
//!
//! A worker killed with SIGKILL cannot clean up after itself. So one small shell per process listens on a pipe for the
//! groups that run; the pipe closes when the worker dies, however it dies, and the shell kills what is left. Asking the
//! kernel for a signal at the parent's death would need unsafe code, would reach the program but not its children, and
//! would come when the *thread* that started it ends. A program does not begin before the shell knows its group
//! (`process`).

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Reads `+ GROUP` and `- GROUP`; kills the groups that are left when its input ends.
const SCRIPT: &str = r#"
groups=
while read -r sign group; do
  if [ "$sign" = + ]; then
    groups="$groups $group"
  else
    rest=
    for g in $groups; do [ "$g" = "$group" ] || rest="$rest $g"; done
    groups=$rest
  fi
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
"#;

#[derive(Default)]
struct Watchdog {
    shell: Option<(Child, ChildStdin)>,
    groups: BTreeSet<i32>,
}

static WATCHDOG: Mutex<Option<Watchdog>> = Mutex::new(None);

/// Starts the shell if there is none, so that it need not be waited for once a program runs.
pub(super) fn prepare() {
    with(|watchdog| {
        if watchdog.shell.is_none() {
            watchdog.start();
        }
    });
}

/// Has a group killed if this process dies.
pub(super) fn watch(group: i32) {
    with(|watchdog| {
        watchdog.groups.insert(group);
        watchdog.tell('+', group);
    });
}

/// The group has ended.
pub(super) fn forget(group: i32) {
    with(|watchdog| {
        watchdog.groups.remove(&group);
        watchdog.tell('-', group);
    });
}

fn with(act: impl FnOnce(&mut Watchdog)) {
    // the set and the pipe are whole after every statement, so that a panic in between does no harm
    let mut watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
    act(watchdog.get_or_insert_default());
}

impl Watchdog {
    fn tell(&mut self, sign: char, group: i32) {
        let line = format!("{sign} {group}\n");
        let told = self.shell.as_mut().is_some_and(|(_, pipe)| pipe.write_all(line.as_bytes()).is_ok());
        if !told {
            self.start();
        }
    }

    /// Starts a shell, the first one or one in place of a shell that was killed, and tells it everything.
    fn start(&mut self) {
        if let Some((mut dead, _)) = self.shell.take() {
            let _ = dead.kill();
            let _ = dead.wait();
        }
        match spawn() {
            Ok((shell, mut pipe)) => {
                let list: String = self.groups.iter().map(|group| format!("+ {group}\n")).collect();
                if pipe.write_all(list.as_bytes()).is_ok() {
                    self.shell = Some((shell, pipe));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "programs may outlive this worker if it is killed: sh cannot be started");
            }
        }
    }
}

fn spawn() -> std::io::Result<(Child, ChildStdin)> {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // signals of the terminal are for the worker, which then ends its programs in order
        .process_group(0)
        .spawn()?;
    let pipe = shell.stdin.take().expect("its standard input is a pipe");
    Ok((shell, pipe))
}
