//! A disk of a few megabytes that can be filled up: memory that is mounted where only the server of one test sees it,
//! and that is gone with its last process.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Mounts the disk at `$1` with `$2` megabytes, says so, and keeps it until standard input ends.
const HOLD: &str = r#"mount -t tmpfs -o "size=${2}m,mode=0777" tmpfs "$1" && echo mounted && exec cat"#;

/// The disk.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
    holder: Holder,
}

/// Who sees it.
#[derive(Debug)]
enum Holder {
    /// Only programs that are brought to where this process is.
    Process(Child, &'static Mode),
    /// This process and all that it starts.
    Everybody,
}

/// A way to be allowed to mount.
#[derive(Debug)]
struct Mode {
    unshare: &'static [&'static str],
    nsenter: &'static [&'static str],
    /// Whether users are there the same as here. If not there is one, who is not root, because PostgreSQL refuses that.
    shows_users: bool,
}

const MODES: [Mode; 2] = [
    Mode { unshare: &["--mount"], nsenter: &["--mount"], shows_users: true },
    Mode {
        unshare: &["--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "--mount"],
        nsenter: &["--user", "--preserve-credentials", "--mount"],
        shows_users: false,
    },
];

impl SmallDisk {
    /// Makes an empty one.
    ///
    /// # Errors
    /// Neither root nor an ordinary user may mount anything on this machine; says what was tried.
    pub fn new(megabytes: u32) -> Result<Self, String> {
        let folder = new_folder()?;
        let mut why = Vec::new();
        for mode in &MODES {
            match hold(&folder, megabytes, mode) {
                Ok(holder) => return Ok(Self { folder, holder: Holder::Process(holder, mode) }),
                Err(error) => why.push(format!("unshare {}: {error}", mode.unshare.join(" "))),
            }
        }
        // Left behind, an empty folder does no harm.
        let _ = fs::remove_dir(&folder);
        Err(why.join("; "))
    }

    /// Makes an empty one that this process sees too, and everybody else who shares its mounts: see [`privately`].
    ///
    /// # Errors
    /// It cannot be mounted.
    pub fn here(megabytes: u32) -> Result<Self, String> {
        let folder = new_folder()?;
        let mut mount = Command::new("mount");
        let options = format!("size={megabytes}m,mode=0777");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&folder);
        let mounted = mount.output().map_err(|error| error.to_string())?;
        match mounted.status.success() {
            true => Ok(Self { folder, holder: Holder::Everybody }),
            false => Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned()),
        }
    }

    /// Takes all the space that is left.
    ///
    /// # Panics
    /// Space is left.
    pub fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).expect("a full disk has room for a name");
        let page = [1_u8; 4096];
        let refused = std::iter::repeat_with(|| ballast.write_all(&page)).find_map(Result::err);
        let kind = refused.map(|error| error.kind());
        assert_eq!(kind, Some(std::io::ErrorKind::StorageFull), "filling the disk");
    }

    /// Gives it back.
    ///
    /// # Panics
    /// It was not taken.
    pub fn free(&self) {
        fs::remove_file(self.ballast()).expect("the disk was filled before");
    }

    /// Where it is, for those who see it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What starts a program that sees it.
    pub(super) fn prefix(&self) -> Vec<OsString> {
        let Holder::Process(holder, mode) = &self.holder else { return Vec::new() };
        let process = format!("--target={}", holder.id());
        let words = ["nsenter", &process].into_iter().chain(mode.nsenter.iter().copied()).chain(["--"]);
        words.map(OsString::from).collect()
    }

    /// Whether users are the same for whoever sees the disk.
    pub(super) fn shows_users(&self) -> bool {
        matches!(self.holder, Holder::Everybody | Holder::Process(_, Mode { shows_users: true, .. }))
    }

    /// Through the eyes of a process that sees the disk.
    fn ballast(&self) -> PathBuf {
        let Holder::Process(holder, _) = &self.holder else { return self.folder.join("ballast") };
        let root = PathBuf::from(format!("/proc/{}/root", holder.id()));
        let inside = self.folder.strip_prefix("/").unwrap_or(&self.folder);
        root.join(inside).join("ballast")
    }
}

/// A program with arguments, in mounts of its own, where it may make a [`SmallDisk::here`]; `None` if nobody may have such
/// mounts on this machine.
pub fn privately(program: &Path, arguments: &[OsString]) -> Option<Command> {
    MODES.iter().find_map(|mode| {
        let start = |words: &[&str]| {
            let mut command = Command::new("unshare");
            command.args(mode.unshare).args(words);
            command
        };
        let mut probe = start(&["mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
        let answer = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        answer.is_ok_and(|status| status.success()).then(|| {
            let mut command = start(&["--"]);
            command.arg(program).args(arguments);
            command
        })
    })
}

fn new_folder() -> Result<PathBuf, String> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("tasker-disk-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn hold(folder: &Path, megabytes: u32, mode: &Mode) -> Result<Child, String> {
    let mut holder = Command::new("unshare");
    holder.args(mode.unshare).args(["sh", "-c", HOLD, "tasker-disk"]).arg(folder).arg(megabytes.to_string());
    holder.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut holder = holder.spawn().map_err(|error| error.to_string())?;
    let mut said = String::new();
    if let Some(output) = holder.stdout.take() {
        // Whoever says nothing has failed, and says why on standard error.
        let _ = BufReader::new(output).read_line(&mut said);
    }
    if said.trim() == "mounted" {
        return Ok(holder);
    }
    let failed = holder.wait_with_output().map_err(|error| error.to_string())?;
    Err(String::from_utf8_lossy(&failed.stderr).trim().to_owned())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        match &mut self.holder {
            Holder::Process(holder, _) => {
                // It ends when its standard input does; it may have ended already.
                drop(holder.stdin.take());
                let _ = holder.wait();
            }
            // Whoever still uses it keeps it until it does not.
            Holder::Everybody => drop(Command::new("umount").arg("--lazy").arg(&self.folder).status()),
        }
        let _ = fs::remove_dir(&self.folder);
    }
}
