//! The threads that own the connections: one that writes, a few that read. Callers send them closures and await the
//! answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tasker_store::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::caches::Revisions;
use crate::error::{Trouble, unavailable, unstorable};
use crate::open::{Clock, Opened};
use crate::writer::Writer;

/// How many calls may wait for the writer, and how many for a reader, before callers wait to hand theirs in.
const BACKLOG: usize = 1024;

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A thread's side of a connection that only reads.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) revisions: Arc<Revisions>,
}

/// The running threads. Dropping this lets them finish what they were handed, and waits for them.
pub(crate) struct Threads {
    writer: Option<mpsc::Sender<Job<Writer>>>,
    readers: Option<mpsc::Sender<Job<Reader>>>,
    running: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(crate) fn start(opened: Opened, clock: Clock) -> Result<Self, StoreError> {
        let revisions = Arc::new(Revisions::default());
        let (writer, writer_jobs) = mpsc::channel(BACKLOG);
        let (readers, reader_jobs) = mpsc::channel(BACKLOG);
        let writing = Writer::new(opened.writer, clock, revisions.clone(), opened.locks);
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
        let sender = self.writer.as_ref().expect("the sender is there until the store is dropped");
        let answer = ask(sender, trying, move |writer: &mut Writer| {
            let answer = catch_unwind(AssertUnwindSafe(|| job(writer)));
            if !matches!(answer, Ok(Ok(_))) {
                writer.forget();
            }
            answer
        });
        answer.await
    }

    /// Runs a job on a reader's thread, in one read transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        trying: &'static str,
        job: impl FnOnce(&mut Reader) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let sender = self.readers.as_ref().expect("the sender is there until the store is dropped");
        let answer =
            ask(sender, trying, move |reader: &mut Reader| catch_unwind(AssertUnwindSafe(|| job(reader))));
        answer.await
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

/// A panic is a defect met by this one job: it is told as data that cannot be stored, so that callers look for the
/// item that causes it instead of trying the same batch for ever.
async fn ask<C: 'static, T: Send + 'static>(
    sender: &mpsc::Sender<Job<C>>,
    trying: &'static str,
    job: impl FnOnce(&mut C) -> std::thread::Result<Result<T, Trouble>> + Send + 'static,
) -> Result<T, StoreError> {
    let (answer, answered) = oneshot::channel();
    let job: Job<C> = Box::new(move |side| {
        let _ = answer.send(match job(side) {
            Ok(answer) => answer.map_err(|trouble| trouble.while_trying(trying)),
            Err(panic) => Err(unstorable(trying, format!("the store panicked: {}", panic_text(&*panic)))),
        });
    });
    sender.send(job).await.map_err(|_| unavailable(trying, "the database thread has ended"))?;
    answered.await.map_err(|_| unavailable(trying, "the database thread has ended"))?
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(body);
    thread.map_err(|error| unavailable("starting a database thread", error))
}

fn serve_writer(mut jobs: mpsc::Receiver<Job<Writer>>, mut writer: Writer) {
    while let Some(job) = jobs.blocking_recv() {
        job(&mut writer);
    }
}

fn serve_reader(jobs: &Mutex<mpsc::Receiver<Job<Reader>>>, mut reader: Reader) {
    loop {
        let next = jobs.lock().expect("nothing panics while it holds this lock").blocking_recv();
        let Some(job) = next else { return };
        job(&mut reader);
    }
}
