//! One server for all test processes of a workspace.
//!
//! In `target/postgres` lie: `lock`, held by whoever starts or stops the server; `url`, where it is; `in-use`, held shared by
//! every process that uses it. A small shell process stops the server when nobody held `in-use` for a minute. Locks are
//! the kernel's, so a process that is killed leaves none behind.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::cluster::{Cluster, Durability};

/// Stops the server `$1/data` when `$2/in-use` is free for a minute.
const STOP_WHEN_IDLE: &str = r#"
idle=0
while [ "$idle" -lt 12 ]; do
    sleep 5
    if flock -n -x "$2/in-use" true; then idle=$((idle + 1)); else idle=0; fi
    [ -e "$1/data/postmaster.pid" ] || exit 0
    if [ "$idle" -eq 12 ]; then
        exec 9>"$2/lock"
        flock -x 9
        if flock -n -x "$2/in-use" true; then
            rm -f "$2/url"
            kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")"
            while [ -e "$1/data/postmaster.pid" ]; do sleep 1; [ $((waited = waited + 1)) -lt 20 ] || break; done
            rm -rf "$1"
            exit 0
        fi
        exec 9>&-
        idle=0
    fi
done
"#;

/// The URL of the shared server, which is started if it does not run. It stays until this process has ended.
pub(super) fn url() -> String {
    static URL: OnceLock<(String, File)> = OnceLock::new();
    URL.get_or_init(join).0.clone()
}

fn join() -> (String, File) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/postgres");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let folder = folder.canonicalize().expect("the folder was just made");
    let lock = open(&folder.join("lock"));
    lock.lock().expect("a file can be locked");
    let in_use = open(&folder.join("in-use"));
    in_use.lock_shared().expect("a file can be locked");
    let url = match fs::read_to_string(folder.join("url")) {
        Ok(text) if answers(&text) => text,
        _ => start(&folder),
    };
    (url, in_use)
}

fn open(path: &PathBuf) -> File {
    let file = OpenOptions::new().read(true).append(true).create(true).open(path);
    file.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether a server listens on the socket that a URL names.
fn answers(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    let folder = url.query_pairs().find(|(key, _)| key == "host").map(|(_, folder)| folder.into_owned());
    let socket = folder.map(|folder| Path::new(&folder).join(".s.PGSQL.5432"));
    socket.is_some_and(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok())
}

#[allow(clippy::zombie_processes, reason = "the shell outlives this process")]
fn start(folder: &Path) -> String {
    let cluster = Cluster::start(Durability::None);
    let url = cluster.url("postgres");
    let watch = Command::new("setsid")
        .args(["sh", "-c", STOP_WHEN_IDLE, "tasker-postgres-watch"])
        .args([cluster.folder(), folder])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    watch.expect("a shell can be started");
    fs::write(folder.join("url"), &url).expect("the target folder can be written");
    cluster.detach();
    url
}
