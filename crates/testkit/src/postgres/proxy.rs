//! A proxy that hands every transaction to whichever session is free: Debian's pgbouncer in front of a server of ours.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cluster::Cluster;

const PATIENCE: Duration = Duration::from_secs(20);

/// The proxy. Dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    folder: PathBuf,
    child: Child,
}

impl Proxy {
    /// Starts a proxy with so many sessions for all of its clients.
    ///
    /// # Panics
    /// pgbouncer is not installed, or it does not start.
    pub fn before(cluster: &Cluster, sessions: usize) -> Self {
        let folder = cluster.folder().join("proxy");
        fs::create_dir(&folder).expect("the server's folder can be written");
        let settings = folder.join("pgbouncer.ini");
        fs::write(&settings, settings_for(cluster.folder(), &folder, sessions))
            .expect("the folder was just made");
        cluster.give_away(&folder);
        let mut proxy = cluster.as_its_user(Path::new("/usr/sbin/pgbouncer"));
        proxy.args(["-q"]).arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = start(proxy);
        let proxy = Self { folder, child };
        proxy.wait();
        proxy
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        let socket: String =
            url::form_urlencoded::byte_serialize(self.folder.display().to_string().as_bytes()).collect();
        format!("postgres://tasker@localhost:6432/{database}?host={socket}&pooled=true")
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(self.folder.join(".s.PGSQL.6432")).is_err() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "pgbouncer does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn start(mut proxy: Command) -> Child {
    let missing = "these tests need pgbouncer (Debian: apt-get install pgbouncer)";
    assert!(Path::new("/usr/sbin/pgbouncer").exists(), "{missing}");
    proxy.spawn().unwrap_or_else(|error| panic!("{missing}: {error}"))
}

fn settings_for(server: &Path, folder: &Path, sessions: usize) -> String {
    format!(
        "[databases]\n* = host={} port=5432 user=tasker\n[pgbouncer]\nunix_socket_dir = {1}\nlisten_addr =\n\
         listen_port = 6432\nlogfile = {1}/log\npidfile = {1}/pid\nauth_type = any\npool_mode = transaction\n\
         max_client_conn = 200\ndefault_pool_size = {sessions}\n",
        server.display(),
        folder.display()
    )
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
