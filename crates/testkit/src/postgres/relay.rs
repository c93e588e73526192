//! A relay between clients and a server, as a network would be: it can be cut, it can lead elsewhere, and it can lose
//! the answer to a commit that the server has done.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::cluster::Cluster;
use super::frontend::Frontend;

/// What clients call their connections that write.
const WRITES: &str = "tasker";

/// How long the answer to a commit is waited for before the connection is cut.
const PATIENCE: Duration = Duration::from_secs(10);

/// The relay. It listens on a loopback port until it is dropped.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    server: Mutex<PathBuf>,
    /// Changes when all connections are to be cut.
    cuts: watch::Sender<()>,
    /// Every so manieth commit loses its answer; 0 is none.
    every: AtomicUsize,
    n_commits: AtomicUsize,
    n_lost: AtomicUsize,
}

impl Relay {
    /// Leads to this server.
    ///
    /// # Panics
    /// No loopback port is free.
    pub async fn before(cluster: &Cluster) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let port = listener.local_addr().expect("the listener is bound").port();
        let shared = Arc::new(Shared {
            server: Mutex::new(socket_of(cluster)),
            cuts: watch::Sender::new(()),
            every: AtomicUsize::new(0),
            n_commits: AtomicUsize::new(0),
            n_lost: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { port, shared, accepting }
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://tasker@127.0.0.1:{}/{database}", self.port)
    }

    /// Cuts every connection. New ones are made as before.
    pub fn cut(&self) {
        self.shared.cuts.send_replace(());
    }

    /// Leads to another server from now on; connections to the old one are cut.
    pub fn lead_to(&self, cluster: &Cluster) {
        *self.shared.server.lock().expect("nothing panics while it holds this lock") = socket_of(cluster);
        self.cut();
    }

    /// Loses the answer to every so manieth commit of a connection that writes: the server does it, and the connection is
    /// cut before anybody hears of it. 0 loses none any more.
    pub fn lose_commits(&self, every: usize) {
        self.shared.every.store(every, Ordering::Relaxed);
    }

    /// How many commits were done whose answer was lost.
    pub fn lost_commits(&self) -> usize {
        self.shared.n_lost.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

fn socket_of(cluster: &Cluster) -> PathBuf {
    cluster.folder().join(".s.PGSQL.5432")
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let mut cuts = shared.cuts.subscribe();
            let socket = shared.server.lock().expect("nothing panics while it holds this lock").clone();
            // Whoever calls a server that is not there is hung up on.
            let Ok(server) = UnixStream::connect(socket).await else { return };
            tokio::select! {
                // A connection ends as it likes.
                _ = pass(client, server, &shared) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

async fn pass(mut client: TcpStream, mut server: UnixStream, shared: &Shared) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut frontend = Frontend::default();
    let (mut sent, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            n = client.read(&mut sent) => {
                let bytes = &sent[..n?];
                if bytes.is_empty() {
                    return Ok(());
                }
                server.write_all(bytes).await?;
                let commits = frontend.read(bytes);
                if commits > 0 && frontend.application() == WRITES && shared.loses_one_of(commits) {
                    return shared.lose(server).await;
                }
            }
            n = server.read(&mut answered) => match n? {
                0 => return Ok(()),
                n => client.write_all(&answered[..n]).await?,
            },
        }
    }
}

impl Shared {
    fn loses_one_of(&self, commits: usize) -> bool {
        let every = self.every.load(Ordering::Relaxed);
        let before = self.n_commits.fetch_add(commits, Ordering::Relaxed);
        every > 0 && (before + 1..=before + commits).any(|n| n % every == 0)
    }

    /// Waits until the server has committed, and lets nobody hear of it.
    async fn lose(&self, mut server: UnixStream) -> std::io::Result<()> {
        let mut heard = Vec::new();
        let mut answer = [0; 4096];
        let hear = async {
            while !is_committed(&heard) {
                match server.read(&mut answer).await? {
                    0 => return Ok(false),
                    n => heard.extend_from_slice(&answer[..n]),
                }
            }
            std::io::Result::Ok(true)
        };
        if tokio::time::timeout(PATIENCE, hear).await.is_ok_and(|heard| matches!(heard, Ok(true))) {
            self.n_lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Whether the server has said that it committed. A transaction that failed is answered with ROLLBACK.
fn is_committed(heard: &[u8]) -> bool {
    heard.windows(7).any(|bytes| bytes == b"COMMIT\0")
}
