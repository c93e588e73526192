//! Group commit: what waits for the writer at the same time shares one transaction, and so one sync of the disk.
//!
//! Nobody suffers from the company: if one of a group fails, the transaction is rolled back and each of them gets a
//! transaction of its own.

use tasker_store::StoreError;
use tokio::sync::oneshot;

use crate::error::{Trouble, caught};
use crate::writer::{Writer, Writing};

/// Most parts of one transaction.
const MOST: usize = 16;

/// What can be done in the same transaction as others.
pub(crate) trait Part: Send {
    /// Does it, and keeps the answer. Is called again after the transaction was rolled back.
    fn run(&mut self, writing: &mut Writing<'_>) -> Result<(), Trouble>;

    /// Tells the caller that it is committed, or why it is not.
    fn end(self: Box<Self>, ended: Result<(), Trouble>);
}

/// A batch of a caller who waits for the answer.
pub(crate) struct Call<B, T> {
    pub(crate) trying: &'static str,
    pub(crate) batch: B,
    pub(crate) work: fn(&mut Writing<'_>, &B) -> Result<T, Trouble>,
    pub(crate) done: Option<T>,
    /// The batch goes back with the answer: to take it apart is left to the caller's thread.
    pub(crate) reply: oneshot::Sender<(Result<T, StoreError>, B)>,
}

impl<B: Send, T: Send> Part for Call<B, T> {
    fn run(&mut self, writing: &mut Writing<'_>) -> Result<(), Trouble> {
        self.done = Some((self.work)(writing, &self.batch)?);
        Ok(())
    }

    fn end(self: Box<Self>, ended: Result<(), Trouble>) {
        let Self { trying, batch, done, reply, .. } = *self;
        let answer = match ended {
            Ok(()) => Ok(done.expect("a part that was committed has run")),
            Err(trouble) => Err(trouble.while_trying(trying)),
        };
        // Whoever went away does not want the answer.
        let _ = reply.send((answer, batch));
    }
}

/// Runs a part, and those that `more` gives until it is committed, in one transaction.
pub(crate) fn commit(
    writer: &mut Writer,
    first: Box<dyn Part>,
    mut more: impl FnMut() -> Option<Box<dyn Part>>,
) {
    let mut group = vec![first];
    let ended = caught(|| {
        writer.transaction(|writing| {
            group[0].run(writing)?;
            while group.len() < MOST
                && let Some(part) = more()
            {
                group.push(part);
                group.last_mut().map_or(Ok(()), |part| part.run(writing))?;
            }
            Ok(())
        })
    });
    match ended {
        Ok(()) => group.into_iter().for_each(|part| part.end(Ok(()))),
        Err(trouble) => {
            writer.forget();
            after_failure(writer, group, trouble);
        }
    }
}

/// Every part of a transaction whose outcome is not known is told so; otherwise each is tried alone.
fn after_failure(writer: &mut Writer, mut group: Vec<Box<dyn Part>>, trouble: Trouble) {
    if group.len() > 1 && !trouble.is_unknown_outcome() {
        group.into_iter().for_each(|part| commit(writer, part, || None));
        return;
    }
    let last = group.pop();
    group.into_iter().for_each(|part| part.end(Err(trouble.again())));
    if let Some(part) = last {
        part.end(Err(trouble));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use rusqlite::{Connection, params};

    use super::*;
    use crate::caches::Revisions;
    use crate::open::{self, OpenOptions};

    type Answer<T> = oneshot::Receiver<(Result<T, StoreError>, String)>;

    fn writer(path: &Path) -> Writer {
        let options = OpenOptions::default();
        let clock = options.clock.clone();
        let opened = open::open(path, options, true).unwrap();
        Writer::new(opened.writer, clock, Arc::new(Revisions::default()), opened.locks, opened.turns)
    }

    fn names(connection: &Connection) -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT name FROM namespace WHERE id > 1 ORDER BY id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// Makes a namespace, and tells which there are by then.
    fn make(writing: &mut Writing<'_>, name: &String) -> Result<Vec<String>, Trouble> {
        assert_ne!(name, "panic", "a defect");
        let insert = "INSERT INTO namespace (name, created_at) VALUES (?1, 0)";
        writing.connection.execute(insert, params![name])?;
        Ok(names(writing.connection))
    }

    fn call(name: &str) -> (Box<dyn Part>, Answer<Vec<String>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Call { trying: "testing", batch: name.to_owned(), work: make, done: None, reply }), answer)
    }

    /// Runs calls as one group; each answer is the names that were there, or the error.
    fn run(names: &[&str]) -> (Vec<Result<Vec<String>, StoreError>>, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasker.db");
        let mut writer = writer(&path);
        let (parts, answers): (Vec<_>, Vec<_>) = names.iter().map(|name| call(name)).unzip();
        let mut parts = parts.into_iter();
        // Whoever comes after one that failed begins the next group.
        while let Some(first) = parts.next() {
            commit(&mut writer, first, || parts.next());
        }
        let answers = answers.into_iter().map(|mut answer| answer.try_recv().unwrap().0).collect();
        (answers, self::names(&Connection::open(&path).unwrap()))
    }

    #[test]
    fn what_waits_is_committed_together() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasker.db");
        let mut writer = writer(&path);
        let other = Connection::open(&path).unwrap();
        let ((first, mut answer), (second, mut answer_2)) = (call("a"), call("b"));
        let mut second = Some(second);
        commit(&mut writer, first, || {
            assert_eq!(names(&other), [""; 0], "nobody else sees the first before the second is done");
            second.take()
        });
        assert_eq!(answer.try_recv().unwrap().0.unwrap(), ["a"]);
        assert_eq!(answer_2.try_recv().unwrap().0.unwrap(), ["a", "b"]);
        assert_eq!(names(&other), ["a", "b"]);
    }

    #[test]
    fn one_that_fails_costs_the_others_nothing() {
        let (answers, stored) = run(&["a", "a", "b"]);
        assert_eq!(stored, ["a", "b"]);
        assert_eq!(answers[0].as_ref().unwrap(), &["a"]);
        assert!(matches!(&answers[1], Err(StoreError::Unstorable { .. })), "{:?}", answers[1]);
        assert_eq!(answers[2].as_ref().unwrap(), &["a", "b"]);
    }

    #[test]
    fn one_that_panics_costs_the_others_nothing() {
        let (answers, stored) = run(&["a", "panic", "b"]);
        assert_eq!(stored, ["a", "b"]);
        assert!(matches!(&answers[1], Err(StoreError::Unstorable { .. })), "{:?}", answers[1]);
    }

    #[test]
    fn an_unknown_outcome_is_told_to_all_of_a_group() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(&directory.path().join("tasker.db"));
        let (parts, answers): (Vec<_>, Vec<_>) = ["a", "b"].iter().map(|name| call(name)).unzip();
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        after_failure(&mut writer, parts, Trouble::Commit(rusqlite::Error::SqliteFailure(code, None)));
        for mut answer in answers {
            let answer = answer.try_recv().unwrap().0;
            assert!(matches!(&answer, Err(StoreError::OutcomeUnknown { .. })), "{answer:?}");
        }
        assert_eq!(names(writer.connection()), [""; 0]);
    }
}
