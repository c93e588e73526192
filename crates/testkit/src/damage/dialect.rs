//! One text of damage for both databases.

/// Whose SQL it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// SQLite: the rows of a task have its number.
    Sqlite,
    /// PostgreSQL: the rows of a task have its id; the schema is on the search path.
    Postgres,
}

impl Dialect {
    /// Replaces what stands in braces. `$1` is the task's id.
    ///
    /// - `{of task}`: a condition on rows of `transition` and `task_input`
    /// - `{step N}`: the same on rows of `step` and `queue`, for one step
    /// - `{place N}`: an assignment that makes a row one of that step
    /// - `{row of N for M}`: an insertion of a queue row for one step, as that of another one is
    /// - `{any row for M}`: the same, as any that nobody holds
    /// - `{entry STEP FROM TO}`: an insertion of a log entry after the last one
    /// - `{worker}`, `{hour}`, `{no revision}`: a column, a span of time, and a value
    pub fn expand(self, text: &str) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').expect("a brace is closed");
            expanded += before;
            expanded += &self.word(&word.split(' ').collect::<Vec<_>>());
            rest = after;
        }
        expanded + rest
    }

    fn word(self, words: &[&str]) -> String {
        let sqlite = self == Self::Sqlite;
        let place = |ordinal: &str| format!("(SELECT seq * 32768 + {ordinal} FROM task WHERE id = $1)");
        match *words {
            ["of", "task"] if sqlite => "task_seq = (SELECT seq FROM task WHERE id = $1)".into(),
            ["of", "task"] => "task_id = $1".into(),
            ["step" | "place", ordinal] if sqlite => format!("key = {}", place(ordinal)),
            ["step", ordinal] => format!("task_id = $1 AND ordinal = {ordinal}"),
            ["place", ordinal] => format!("ordinal = {ordinal}"),
            ["row", "of", from, "for", to] => self.row(to, &self.expand(&format!("{{step {from}}}"))),
            ["any", "row", "for", to] => {
                self.row(to, &self.expand("{worker} IS NULL ORDER BY run_at LIMIT 1"))
            }
            ["entry", step, from, to] => self.entry(step, from, to),
            ["worker"] if sqlite => "worker_id".into(),
            ["worker"] => "worker".into(),
            ["hour"] if sqlite => "3600000000".into(),
            ["hour"] => "interval '1 hour'".into(),
            ["no", "revision"] if sqlite => "0".into(),
            ["no", "revision"] => "$1".into(),
            _ => panic!("{words:?} means nothing"),
        }
    }

    fn row(self, to: &str, of: &str) -> String {
        match self {
            Self::Sqlite => format!(
                "INSERT INTO queue SELECT (SELECT seq * 32768 + {to} FROM task WHERE id = $1), handler_id, priority, \
                 run_at, worker_id, fence FROM queue WHERE {of}"
            ),
            Self::Postgres => format!(
                "INSERT INTO queue SELECT $1, {to}, priority, handler_id, arrival, fence, run_at, worker FROM queue \
                 WHERE {of}"
            ),
        }
    }

    fn entry(self, step: &str, from: &str, to: &str) -> String {
        let (key, place) = if self == Self::Sqlite { ("task_seq", "") } else { ("task_id", ", xid, epoch") };
        let of = self.expand("{of task}");
        format!(
            "INSERT INTO transition ({key}, seq, ordinal, from_state, to_state, at, actor{place}) \
             SELECT {key}, seq + 1, {step}, {from}, {to}, at, actor{place} FROM transition WHERE {of} \
             ORDER BY seq DESC LIMIT 1"
        )
    }
}
