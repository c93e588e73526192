//! A PostgreSQL server of our own: made in a temporary directory, reached through a socket in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::disk::SmallDisk;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether commits reach the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// They do, as by default. For measurements and for tests that kill the server.
    Full,
    /// They do not: fast, and lost with the machine.
    None,
}

/// What a server shall be like.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Whether commits reach the disk.
    pub durability: Durability,
    /// Lines of `postgresql.conf` besides those that every server of tests has; they win over these.
    pub settings: &'a str,
    /// Where a part of it is, if not all of it is in one place.
    pub disk: Option<(&'a SmallDisk, Part)>,
}

/// A part of a server's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Its tables.
    Tables,
    /// Its log of changes (WAL).
    Log,
}

impl Setup<'_> {
    /// A server with the settings of all, and a whole disk.
    pub fn new(durability: Durability) -> Self {
        Self { durability, settings: "", disk: None }
    }
}

/// A server. Dropping it stops it and removes its files.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    data: PathBuf,
    programs: PathBuf,
    /// What every program is started by: what brings it to where the disk is, and what makes it somebody else.
    prefix: Vec<OsString>,
    /// Who runs it, if it is somebody else.
    user: Option<&'static str>,
    detached: bool,
}

impl Cluster {
    /// Makes and starts a server.
    ///
    /// # Panics
    /// PostgreSQL is not installed, or it does not start.
    pub fn start(durability: Durability) -> Self {
        Self::start_with(Setup::new(durability))
    }

    /// Makes and starts a server that is like this.
    ///
    /// # Panics
    /// As [`Cluster::start`].
    pub fn start_with(setup: Setup<'_>) -> Self {
        let cluster = Self::in_new_folder(setup.disk);
        cluster.make(setup);
        cluster.run();
        cluster
    }

    /// The place of a server that is yet to be made.
    pub(super) fn in_new_folder(disk: Option<(&SmallDisk, Part)>) -> Self {
        let (programs, folder) = (programs(), new_folder());
        let data = match disk {
            Some((disk, Part::Tables)) => disk.folder().join("data"),
            Some((_, Part::Log)) | None => folder.join("data"),
        };
        let mut prefix = disk.map(|(disk, _)| disk.prefix()).unwrap_or_default();
        let user = somebody().filter(|_| disk.is_none_or(|(disk, _)| disk.shows_users()));
        if let Some(user) = user {
            let ids = ["--reuid", "--regid"].map(|id| format!("{id}={user}"));
            prefix.extend(["setpriv", &ids[0], &ids[1], "--clear-groups"].map(OsString::from));
        }
        let cluster = Self { folder, data, programs, prefix, user, detached: false };
        cluster.give_away(&cluster.folder);
        cluster
    }

    /// The URL of a database of it; `postgres` exists.
    pub fn url(&self, database: &str) -> String {
        let socket: String =
            url::form_urlencoded::byte_serialize(self.folder.display().to_string().as_bytes()).collect();
        format!("postgres://tasker@localhost:5432/{database}?host={socket}")
    }

    /// The directory with its data, its socket and its `log`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The socket that it listens on.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// Stops it as a crash would, and starts it again.
    pub fn crash_and_restart(&self) {
        self.stop("immediate");
        self.run();
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        let mut status = self.program("pg_ctl");
        status.args(["status", "-D"]).arg(&self.data);
        let answer = status.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        answer.is_ok_and(|status| status.success())
    }

    /// What it has said so far.
    pub fn told(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Stops it: `smart`, `fast` or `immediate`.
    pub fn stop(&self, mode: &str) {
        let stop =
            self.program("pg_ctl").args(["stop", "-w", "-s", "-m", mode, "-D"]).arg(&self.data).status();
        assert!(stop.is_ok_and(|status| status.success()), "pg_ctl stop of {}", self.folder.display());
    }

    /// `kill -9` for its first process; waits until the others have noticed, and ended.
    ///
    /// # Panics
    /// It does not run, or they do not.
    pub fn kill(&self) {
        let pid_file = self.data.join("postmaster.pid");
        let told =
            fs::read_to_string(&pid_file).unwrap_or_else(|error| panic!("{}: {error}", pid_file.display()));
        let first = told.lines().next().unwrap_or_default();
        let children = format!("/proc/{first}/task/{first}/children");
        let all = fs::read_to_string(&children).unwrap_or_default();
        let killed = Command::new("kill").args(["-s", "KILL", first]).status();
        assert!(killed.is_ok_and(|status| status.success()), "kill -9 for process {first}");
        let deadline = Instant::now() + PATIENCE;
        let is_there = |process: &str| Path::new("/proc").join(process).exists();
        while all.split_whitespace().any(is_there) {
            assert!(Instant::now() < deadline, "processes of a killed server live on: {all}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts it after [`Cluster::stop`] or [`Cluster::kill`].
    pub fn run(&self) {
        let log = self.folder.join("log");
        let mut start = self.program("pg_ctl");
        start.args(["start", "-w", "-s", "-D"]).arg(&self.data).arg("-l").arg(&log);
        start.args(["-t", &PATIENCE.as_secs().to_string()]);
        let status = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "PostgreSQL does not start:\n{}", self.told());
    }

    /// Lets the server live on after this value; its files name what it takes to stop it.
    pub(super) fn detach(mut self) {
        self.detached = true;
    }

    /// Where its tables are, as its programs see it.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    fn make(&self, setup: Setup<'_>) {
        let settings = self.folder.join("settings.conf");
        fs::write(&settings, self.settings(setup)).expect("the folder was just made");
        let mut init = self.program("initdb");
        init.args(["--username=tasker", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        match setup.disk {
            Some((_, Part::Tables)) => drop(init.arg("--waldir").arg(self.folder.join("wal"))),
            Some((disk, Part::Log)) => drop(init.arg("--waldir").arg(disk.folder().join("wal"))),
            None => {}
        }
        self.succeed(init.arg("-D").arg(&self.data));
        self.include(&settings);
    }

    /// Lets a file of settings win over those that are there.
    pub(super) fn include(&self, settings: &Path) {
        let line = format!("include '{}'", settings.display());
        let add = "printf '%s\\n' \"$1\" >> \"$2\"";
        let mut append = self.as_its_user(Path::new("/bin/sh"));
        append.args(["-c", add, "sh", &line]).arg(self.data.join("postgresql.conf"));
        self.succeed(&mut append);
    }

    fn settings(&self, setup: Setup<'_>) -> String {
        let fast = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n";
        format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 300\nshared_buffers = 128MB\n\
             shared_preload_libraries = 'pg_stat_statements'\nmax_wal_size = 2GB\n\
             recovery_init_sync_method = syncfs\n{}{}",
            self.folder.display(),
            if setup.durability == Durability::None { fast } else { "" },
            setup.settings
        )
    }

    /// Runs one of its programs to its end, which must be success.
    pub(super) fn succeed(&self, command: &mut Command) {
        let output = command.stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(super) fn program(&self, name: &str) -> Command {
        self.as_its_user(&self.programs.join(name))
    }

    /// Gives a file or folder to whoever runs the server.
    pub(super) fn give_away(&self, path: &Path) {
        if let Some(user) = self.user {
            let status = Command::new("chown").arg("-R").arg(user).arg(path).status();
            assert!(status.is_ok_and(|status| status.success()), "chown {user} {}", path.display());
        }
    }

    /// A program that runs as whoever runs the server: as somebody else if we are root, which PostgreSQL refuses.
    pub(super) fn as_its_user(&self, path: &Path) -> Command {
        let mut words = self.prefix.clone();
        words.push(path.into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.folder).env_remove("PGDATA").env("LC_ALL", "C");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "-w", "-s", "-m", "immediate", "-D"]).arg(&self.data);
        // It may have been stopped already.
        let _ = stop.stderr(Stdio::null()).status();
        // A thousand files take their time, and nobody needs to wait for it.
        let mut remove = Command::new("rm");
        remove.arg("-rf").arg(&self.folder).current_dir("/");
        let _ = remove.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    }
}

/// The newest PostgreSQL of this machine.
fn programs() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .filter(|(version, folder)| *version >= 15 && folder.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, folder)| folder).unwrap_or_else(|| {
        panic!(
            "these tests need PostgreSQL 15 or newer. Install it (Debian: apt-get install postgresql-15), or name a \
             server where databases may be created: {}=postgres://user:password@host/postgres",
            super::URL_VARIABLE
        )
    })
}

/// Who runs the server if we are root: Debian's `postgres`, else `nobody`.
fn somebody() -> Option<&'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !status.lines().any(|line| line.starts_with("Uid:\t0\t")) {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" })
}

/// A new directory. Its path is short, because that of a socket must be.
fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("tasker-pg-{}-{number}", std::process::id()));
        if fs::create_dir(&folder).is_ok() {
            return folder;
        }
        assert!(Instant::now() < deadline, "no directory can be made in {}", std::env::temp_dir().display());
    }
}
