//! Which tasks a list shows.

/// Which tasks a list shows, in which order. What is not set does not matter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TaskQuery {
    pairs: Vec<(&'static str, String)>,
}

macro_rules! parameters {
    ($($(#[$about:meta])+ $name:ident: $kind:ty;)+) => {
        impl TaskQuery {
            $(
                $(#[$about])+
                pub fn $name(self, $name: $kind) -> Self {
                    self.with(stringify!($name), $name.to_string())
                }
            )+
        }
    };
}

parameters! {
    /// Only of this namespace.
    namespace: &str;
    /// Only of definitions of this name.
    name: &str;
    /// Only of this version.
    version: &str;
    /// Only in one of these states, with commas between them: `error,cancelled`.
    status: &str;
    /// Only asked for by this one.
    initiator: &str;
    /// Only from this system.
    source_system: &str;
    /// Only for exactly this reason.
    reason: &str;
    /// Only with this correlation id.
    correlation_id: &str;
    /// Only of this urgency, 0 to 9.
    priority: u8;
    /// Only accepted at or after this instant (RFC 3339, as everywhere).
    created_after: &str;
    /// Only accepted before this instant.
    created_before: &str;
    /// Only asked for at or after this instant.
    requested_after: &str;
    /// Only asked for before this instant.
    requested_before: &str;
    /// Only with a context that contains all of this JSON object.
    context: &str;
    /// Only last changed at or after this instant.
    updated_after: &str;
    /// Only last changed before this instant.
    updated_before: &str;
    /// Only ended at or after this instant, however they ended.
    ended_after: &str;
    /// Only ended before this instant.
    ended_before: &str;
    /// What to sort by: `task_id` (unless set), `status`, `complete`, `namespace`, `name`, `version`.
    sort_by: &str;
    /// `desc` (unless set) or `asc`.
    sort_order: &str;
    /// Most tasks of a page, 1 to 100; 20 unless set.
    limit: usize;
    /// Go on after a page: its `next_cursor`, with the same filters and order.
    cursor: &str;
    /// Whether all tasks that match are counted.
    include_total: bool;
}

impl TaskQuery {
    /// All tasks, newest first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only with this label; several times: with all of them.
    pub fn tag(mut self, tag: &str) -> Self {
        self.pairs.push(("tag", tag.to_owned()));
        self
    }

    /// Only with an annotation of this type whose key has this value; several times: with all of them.
    pub fn annotation(mut self, kind: &str, key: &str, value: &str) -> Self {
        self.pairs.push(("annotation", format!("{kind}:{key}:{value}")));
        self
    }

    pub(crate) fn pairs(&self) -> &[(&'static str, String)] {
        &self.pairs
    }

    /// With one parameter, instead of what it was before.
    fn with(mut self, name: &'static str, value: String) -> Self {
        self.pairs.retain(|(set, _)| *set != name);
        self.pairs.push((name, value));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_add_up_and_all_else_is_set_once() {
        let query = TaskQuery::new().tag("a").limit(5).tag("b").limit(7).annotation("k", "x", "y:z");
        let pairs: Vec<(&str, &str)> =
            query.pairs().iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(pairs, [("tag", "a"), ("tag", "b"), ("limit", "7"), ("annotation", "k:x:y:z")]);
    }
}
