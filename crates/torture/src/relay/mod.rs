//! A relay between clients and a server, as a network would be: it can be slow, it can be cut, it can lead elsewhere, and
//! it can lose the answer to a commit that the server has done.

mod address;
mod frontend;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

pub use self::address::Address;

use self::address::Wire;
use self::frontend::Frontend;

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
    server: Mutex<Address>,
    /// Changes when all connections are to be cut.
    cuts: watch::Sender<()>,
    /// How long everything takes that passes.
    delay_millis: AtomicU64,
    n_delayed: AtomicUsize,
    /// Every so manieth commit loses its answer; 0 is none.
    every: AtomicUsize,
    n_commits: AtomicUsize,
    n_lost: AtomicUsize,
    is_encrypted: AtomicBool,
}

impl Relay {
    /// Leads to this server.
    ///
    /// # Errors
    /// No loopback port is free.
    pub async fn before(server: Address) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            server: Mutex::new(server),
            cuts: watch::Sender::new(()),
            delay_millis: AtomicU64::new(0),
            n_delayed: AtomicUsize::new(0),
            every: AtomicUsize::new(0),
            n_commits: AtomicUsize::new(0),
            n_lost: AtomicUsize::new(0),
            is_encrypted: AtomicBool::new(false),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { port, shared, accepting })
    }

    /// The URL of a database with the way through this relay.
    pub fn url(&self, direct: &Url) -> String {
        address::through(direct, self.port).into()
    }

    /// Cuts every connection; says how many there were. New ones are made as before.
    pub fn cut(&self) -> usize {
        let n_cut = self.shared.cuts.receiver_count();
        self.shared.cuts.send_replace(());
        n_cut
    }

    /// Leads to another server from now on; connections to the old one are cut.
    ///
    /// # Panics
    /// Never: nobody panics while it holds the lock.
    pub fn lead_to(&self, server: Address) {
        *self.shared.server.lock().expect("nothing panics while it holds this lock") = server;
        self.cut();
    }

    /// Lets everything that passes take so long in each direction.
    pub fn delay(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.shared.delay_millis.store(millis, Ordering::Relaxed);
    }

    /// How much was delayed.
    pub fn delayed(&self) -> usize {
        self.shared.n_delayed.load(Ordering::Relaxed)
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

    /// Whether connections are encrypted: then no commit can be told from anything else.
    pub fn is_encrypted(&self) -> bool {
        self.shared.is_encrypted.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let mut cuts = shared.cuts.subscribe();
            let address = shared.server.lock().expect("nothing panics while it holds this lock").clone();
            // Whoever calls a server that is not there is hung up on.
            let Ok(server) = address.connect().await else { return };
            tokio::select! {
                // A connection ends as it likes.
                _ = pass(client, server, &shared) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

async fn pass(mut client: TcpStream, mut server: Box<dyn Wire>, shared: &Shared) -> io::Result<()> {
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
                shared.take_time().await;
                server.write_all(bytes).await?;
                let commits = frontend.read(bytes);
                if frontend.is_encrypted() {
                    shared.is_encrypted.store(true, Ordering::Relaxed);
                }
                if commits > 0 && frontend.application() == WRITES && shared.loses_one_of(commits) {
                    return shared.lose(server).await;
                }
            }
            n = server.read(&mut answered) => match n? {
                0 => return Ok(()),
                n => {
                    shared.take_time().await;
                    client.write_all(&answered[..n]).await?;
                }
            },
        }
    }
}

impl Shared {
    async fn take_time(&self) {
        let millis = self.delay_millis.load(Ordering::Relaxed);
        if millis > 0 {
            self.n_delayed.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }

    fn loses_one_of(&self, commits: usize) -> bool {
        let every = self.every.load(Ordering::Relaxed);
        let before = self.n_commits.fetch_add(commits, Ordering::Relaxed);
        every > 0 && (before + 1..=before + commits).any(|n| n % every == 0)
    }

    /// Waits until the server has committed, and lets nobody hear of it.
    async fn lose(&self, mut server: Box<dyn Wire>) -> io::Result<()> {
        let mut heard = Vec::new();
        let mut answer = [0; 4096];
        let hear = async {
            while !is_committed(&heard) {
                match server.read(&mut answer).await? {
                    0 => return Ok(false),
                    n => heard.extend_from_slice(&answer[..n]),
                }
            }
            io::Result::Ok(true)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says back what it is told.
    async fn echo() -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = client.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        Address::Port("127.0.0.1".into(), port)
    }

    async fn ask(client: &mut TcpStream) -> io::Result<usize> {
        client.write_all(b"hello").await?;
        client.read(&mut [0; 16]).await
    }

    #[tokio::test]
    async fn what_passes_can_be_delayed_and_cut() {
        let relay = Relay::before(echo().await).await.unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", relay.port)).await.unwrap();
        assert_eq!(ask(&mut client).await.unwrap(), 5);
        assert_eq!(relay.delayed(), 0);
        relay.delay(Duration::from_millis(30));
        let began = std::time::Instant::now();
        assert_eq!(ask(&mut client).await.unwrap(), 5);
        assert!(began.elapsed() >= Duration::from_millis(60) && relay.delayed() == 2);
        relay.delay(Duration::ZERO);
        assert_eq!(relay.cut(), 1);
        assert!(matches!(client.read(&mut [0; 16]).await, Ok(0) | Err(_)), "the connection is gone");
    }
}
