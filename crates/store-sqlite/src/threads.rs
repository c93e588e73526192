//! The threads that own the connections: one that writes, a few that read. Callers send them closures and await the
//! answers.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tasker_store::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::caches::Revisions;
use crate::error::{Trouble, caught, unavailable};
use crate::group::{self, Call, Part};
use crate::open::{Clock, Opened};
use crate::writer::{Writer, Writing};

/// How many calls may wait for the writer, and how many for a reader, before callers wait to hand theirs in.
const BACKLOG: usize = 1024;

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// What the writer is handed.
enum Order {
    /// Makes transactions of its own.
    Alone(Job<Writer>),
    /// Can share a transaction.
    Shared(Box<dyn Part>),
}

/// What was handed to the writer, in the order of arrival.
struct Orders {
    arriving: mpsc::Receiver<Order>,
    put_back: Option<Order>,
}

/// A thread's side of a connection that only reads.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) revisions: Arc<Revisions>,
}

/// The running threads. Dropping this lets them finish what they were handed, and waits for them.
pub(crate) struct Threads {
    writer: Option<mpsc::Sender<Order>>,
    readers: Option<mpsc::Sender<Job<Reader>>>,
    running: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(crate) fn start(opened: Opened, clock: Clock) -> Result<Self, StoreError> {
        let revisions = Arc::new(Revisions::default());
        let (writer, writer_jobs) = mpsc::channel(BACKLOG);
        let (readers, reader_jobs) = mpsc::channel(BACKLOG);
        let writing = Writer::new(opened.writer, clock, revisions.clone(), opened.locks, opened.turns);
        let mut running = vec![spawn("tasker-sqlite-writer", move || serve_writer(writer_jobs, writing))?];
        let reader_jobs = Arc::new(Mutex::new(reader_jobs));
        for connection in opened.readers {
            let (jobs, reader) = (reader_jobs.clone(), Reader { connection, revisions: revisions.clone() });
            running.push(spawn("tasker-sqlite-reader", move || serve_reader(&jobs, reader))?);
        }
        Ok(Self { writer: Some(writer), readers: Some(readers), running })
    }

    /// Runs a job on the writer's thread. It makes its own transactions.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        trying: &'static str,
        job: impl FnOnce(&mut Writer) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let job = move |writer: &mut Writer| {
            let answer = caught(|| job(writer));
            if answer.is_err() {
                writer.forget();
            }
            answer
        };
        ask(self.writer(), trying, Order::Alone, job).await
    }

    /// Does something on the writer's thread, in a transaction that it may share with others.
    pub(crate) async fn share<B: Send + 'static, T: Send + 'static>(
        &self,
        trying: &'static str,
        batch: B,
        work: fn(&mut Writing<'_>, &B) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        let (reply, answered) = oneshot::channel();
        let call = Call { trying, batch, work, done: None, reply };
        self.writer().send(Order::Shared(Box::new(call))).await.map_err(|_| ended(trying))?;
        let (answer, _batch) = answered.await.map_err(|_| ended(trying))?;
        answer
    }

    fn writer(&self) -> &mpsc::Sender<Order> {
        self.writer.as_ref().expect("the sender is there until the store is dropped")
    }

    /// Runs a job on a reader's thread, in one read transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        trying: &'static str,
        job: impl FnOnce(&mut Reader) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let sender = self.readers.as_ref().expect("the sender is there until the store is dropped");
        ask(sender, trying, |job| job, move |reader: &mut Reader| caught(|| job(reader))).await
    }
}

impl Reader {
    /// Lets several statements see the same state of the database.
    pub(crate) fn snapshot<T>(
        &mut self,
        read: impl FnOnce(&Reader) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let transaction =
            rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)?;
        let answer = read(self);
        transaction.finish()?;
        answer
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writer.take();
        self.readers.take();
        for thread in self.running.drain(..) {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

async fn ask<C: 'static, O, T: Send + 'static>(
    sender: &mpsc::Sender<O>,
    trying: &'static str,
    order: impl FnOnce(Job<C>) -> O,
    job: impl FnOnce(&mut C) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, answered) = oneshot::channel();
    let job: Job<C> = Box::new(move |side| {
        // Whoever went away does not want the answer.
        let _ = reply.send(job(side).map_err(|trouble| trouble.while_trying(trying)));
    });
    sender.send(order(job)).await.map_err(|_| ended(trying))?;
    answered.await.map_err(|_| ended(trying))?
}

fn ended(trying: &str) -> StoreError {
    unavailable(trying, "the database thread has ended")
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(body);
    thread.map_err(|error| unavailable("starting a database thread", error))
}

fn serve_writer(arriving: mpsc::Receiver<Order>, mut writer: Writer) {
    let mut orders = Orders { arriving, put_back: None };
    while let Some(order) = orders.next() {
        match order {
            Order::Alone(job) => job(&mut writer),
            Order::Shared(first) => group::commit(&mut writer, first, || orders.next_shared()),
        }
    }
}

impl Orders {
    fn next(&mut self) -> Option<Order> {
        self.put_back.take().or_else(|| self.arriving.blocking_recv())
    }

    /// The next one, if it is there already and can share a transaction.
    fn next_shared(&mut self) -> Option<Box<dyn Part>> {
        if self.put_back.is_some() {
            return None;
        }
        match self.arriving.try_recv().ok()? {
            Order::Shared(part) => Some(part),
            alone => {
                self.put_back = Some(alone);
                None
            }
        }
    }
}

fn serve_reader(jobs: &Mutex<mpsc::Receiver<Job<Reader>>>, mut reader: Reader) {
    loop {
        let next = jobs.lock().expect("nothing panics while it holds this lock").blocking_recv();
        let Some(job) = next else { return };
        job(&mut reader);
    }
}
