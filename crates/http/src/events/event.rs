//! An event as streams send it, and which of them a stream wants.

use std::fmt::Write as _;

use axum::body::Bytes;
use tasker_core::access::Extent;
use tasker_core::event;
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace};
use tasker_core::record::Origin;
use tasker_store::read::{Cursor, LogEntry};
use tasker_wire::{EventDocument, GapDocument};

/// An event, ready to be sent.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) cursor: Cursor,
    pub(super) frame: Bytes,
    task: TaskId,
    origin: Option<Origin>,
    name: &'static str,
}

/// Which events a stream is to tell.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Only those of this task.
    pub(crate) task: Option<TaskId>,
    /// Only those of tasks in these namespaces.
    pub(crate) within: Extent,
    /// Only those of tasks in this namespace.
    pub(crate) namespace: Option<Namespace>,
    /// Only those of tasks of definitions of this name.
    pub(crate) definition: Option<DefinitionName>,
    /// Only those of these names; of all, if it is empty.
    pub(crate) names: Vec<String>,
}

impl Event {
    pub(super) fn new(entry: LogEntry) -> Self {
        let name = event::name(&entry.transition.change);
        let document = EventDocument::new(entry.task, entry.origin.as_ref(), entry.step, &entry.transition);
        let frame = frame(Some(entry.cursor), name, &document);
        Self { cursor: entry.cursor, frame, task: entry.task, origin: entry.origin, name }
    }
}

impl Wanted {
    pub(super) fn takes(&self, event: &Event) -> bool {
        self.task.is_none_or(|task| task == event.task)
            && (self.names.is_empty() || self.names.iter().any(|name| name == event.name))
            && self.takes_origin(event.origin.as_ref())
    }

    /// What nobody knows the origin of is told only to whoever wants everything.
    fn takes_origin(&self, origin: Option<&Origin>) -> bool {
        let Some(origin) = origin else {
            return self.within == Extent::Everywhere
                && self.namespace.is_none()
                && self.definition.is_none();
        };
        self.within.contains(&origin.namespace)
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == origin.namespace)
            && self.definition.as_ref().is_none_or(|definition| *definition == origin.definition)
    }
}

/// What is sent where events are missing.
pub(super) fn gap(after: Cursor) -> Bytes {
    let message = "events were deleted before they were read, or this log never had that position; what comes next is what \
                   is left. Keep events longer (retention.*), or let a reader with a name hold them \
                   (tasker events tail --reader NAME)";
    frame(None, "gap", &GapDocument { after: after.to_string(), message: message.into() })
}

/// What is sent when nothing happens: it keeps the connection, and moves the position from which to go on.
pub(super) fn heartbeat(position: Cursor) -> Bytes {
    format!(": nothing new\nid: {position}\n\n").into()
}

/// One event of a stream. JSON has no line ends of its own, so one line of data is enough.
fn frame(id: Option<Cursor>, name: &str, document: &impl serde::Serialize) -> Bytes {
    let mut text = String::with_capacity(512);
    if let Some(id) = id {
        let _ = writeln!(text, "id: {id}");
    }
    let _ = writeln!(text, "event: {name}");
    text.push_str("data: ");
    text.push_str(&serde_json::to_string(document).expect("documents have text keys and finite numbers"));
    text.push_str("\n\n");
    text.into()
}

#[cfg(test)]
pub(super) mod tests {
    use tasker_core::record::{Change, Transition};
    use tasker_core::state::TaskState;
    use tasker_core::time::Timestamp;

    use super::*;

    /// The `n`th event of a log.
    pub(in crate::events) fn event(n: u64) -> Event {
        of(
            n,
            Some(Origin {
                namespace: Namespace::new("payments").unwrap(),
                definition: DefinitionName::new("bill").unwrap(),
                version: "1.0.0".parse().unwrap(),
                correlation_id: Some("abc-1\nid: 99".into()),
            }),
        )
    }

    fn of(n: u64, origin: Option<Origin>) -> Event {
        let change = Change::Task { from: None, to: TaskState::Pending };
        let at = Timestamp::from_micros(0);
        let transition = Transition { seq: 1, change, at, actor: "engine".into(), metadata: None };
        let task = TaskId(uuid::Uuid::from_u128(1));
        Event::new(LogEntry { cursor: Cursor::at(n), task, origin, step: None, transition })
    }

    fn all() -> Wanted {
        Wanted {
            task: None,
            within: Extent::Everywhere,
            namespace: None,
            definition: None,
            names: Vec::new(),
        }
    }

    #[test]
    fn an_event_is_three_lines_whatever_is_in_it() {
        let event = event(7);
        let text = std::str::from_utf8(&event.frame).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["id: 7", "event: task.initialize_requested"]);
        assert!(lines[2].starts_with("data: {"), "{text}");
        assert_eq!(lines[3..], [""]);
        let document: EventDocument = serde_json::from_str(&lines[2]["data: ".len()..]).unwrap();
        assert_eq!(document.id, "00000000-0000-0000-0000-000000000001:1");
        assert_eq!(document.correlation_id.as_deref(), Some("abc-1\nid: 99"));
    }

    #[test]
    fn what_is_wanted_is_told() {
        let event = event(1);
        let other = Namespace::new("orders").unwrap();
        let within = |names: &[&Namespace]| Extent::In(names.iter().copied().cloned().collect());
        let payments = Namespace::new("payments").unwrap();
        for (wanted, expected) in [
            (all(), true),
            (Wanted { task: Some(event.task), ..all() }, true),
            (Wanted { task: Some(TaskId(uuid::Uuid::from_u128(2))), ..all() }, false),
            (Wanted { within: within(&[&payments]), ..all() }, true),
            (Wanted { within: within(&[&other]), ..all() }, false),
            (Wanted { namespace: Some(other.clone()), ..all() }, false),
            (Wanted { definition: DefinitionName::new("order").ok(), ..all() }, false),
            (Wanted { names: vec!["task.failed".into()], ..all() }, false),
            (Wanted { names: vec!["task.failed".into(), "task.initialize_requested".into()], ..all() }, true),
        ] {
            assert_eq!(wanted.takes(&event), expected, "{wanted:?}");
        }
    }

    #[test]
    fn what_belongs_to_nobody_is_told_only_to_whoever_may_see_all() {
        let orphan = of(1, None);
        assert!(all().takes(&orphan));
        assert!(!Wanted { within: Extent::nowhere(), ..all() }.takes(&orphan));
        assert!(!Wanted { namespace: Namespace::new("payments").ok(), ..all() }.takes(&orphan));
    }
}
