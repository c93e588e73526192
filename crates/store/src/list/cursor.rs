//! Places in a list as text that people hand back.
//!
//! The text says the place, and a checksum over it, the filter and the order. It is no secret: it keeps a place in one list
//! from being used in another, where it would silently skip tasks.

use tasker_core::decide::Rejection;
use tasker_core::ids::{Digest, TaskId};
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::state::TaskState;
use tasker_core::text::hex;
use tasker_core::time::Timestamp;
use uuid::Uuid;

use super::{Position, SortKey, TaskFilter, TaskSort};

/// Digits of the checksum.
const CHECK: usize = 16;

/// Digits of an id.
const ID: usize = 32;

impl TaskFilter {
    /// A place in this list as text.
    pub fn cursor(&self, position: &Position) -> String {
        let place = format!("{:032x}{}", position.id.0.as_u128(), hex(position.key.text().as_bytes()));
        self.checksum(&place) + &place
    }

    /// This list after the place that a text names.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn after_cursor(self, cursor: &str) -> Result<Self, Rejection> {
        let position = self.position(cursor).ok_or_else(|| {
            let shown: String = cursor.chars().take(100).collect();
            Rejection::new("invalid_cursor", format!("{shown:?} is no place in this list")).help(
                "use next_cursor of the page before, with the same filters, sort_by and sort_order; or begin with the \
                 first page, without a cursor",
            )
        })?;
        Ok(Self { after: Some(position), ..self })
    }

    fn position(&self, cursor: &str) -> Option<Position> {
        let (check, place) = cursor.split_at_checked(CHECK)?;
        let (id, key) = place.split_at_checked(ID)?;
        if check != self.checksum(place) {
            return None;
        }
        let id = TaskId(Uuid::from_u128(u128::from_str_radix(id, 16).ok()?));
        Some(Position { key: SortKey::parse(self.sort, &unhex(key)?)?, id })
    }

    fn checksum(&self, place: &str) -> String {
        let list = serde_json::json!([self, place]).to_string();
        let mut digest = Digest::of(list.as_bytes()).to_string();
        digest.truncate(CHECK);
        digest
    }
}

impl SortKey {
    fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Status(state) => state.as_str().to_owned(),
            Self::Complete(complete) => complete.to_string(),
            Self::Namespace(namespace) => namespace.to_string(),
            Self::Name(name) => name.to_string(),
            Self::Version(version) => version.to_string(),
            Self::Time(at) => at.as_micros().to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    fn parse(sort: TaskSort, text: &str) -> Option<Self> {
        match sort {
            TaskSort::Id => text.is_empty().then_some(Self::Nothing),
            TaskSort::Status => TaskState::from_name(text).map(Self::Status),
            TaskSort::Complete => text.parse().ok().map(Self::Complete),
            TaskSort::Namespace => Namespace::new(text).ok().map(Self::Namespace),
            TaskSort::Name => DefinitionName::new(text).ok().map(Self::Name),
            TaskSort::Version => Version::new(text).ok().map(Self::Version),
            TaskSort::RequestedAt | TaskSort::CreatedAt => {
                text.parse().ok().map(Timestamp::from_micros).map(Self::Time)
            }
            TaskSort::Initiator | TaskSort::SourceSystem => Some(Self::Text(text.to_owned())),
        }
    }
}

fn unhex(digits: &str) -> Option<String> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    rest.is_empty().then(|| String::from_utf8(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::Direction;
    use crate::list::filter::Between;

    fn sorted(sort: TaskSort) -> TaskFilter {
        TaskFilter { sort, ..TaskFilter::default() }
    }

    fn place(key: SortKey) -> Position {
        Position { key, id: TaskId(Uuid::from_u128(7)) }
    }

    #[test]
    fn a_place_survives_as_text() {
        for (sort, key) in [
            (TaskSort::Id, SortKey::Nothing),
            (TaskSort::Status, SortKey::Status(TaskState::InProgress)),
            (TaskSort::Complete, SortKey::Complete(true)),
            (TaskSort::Namespace, SortKey::Namespace(Namespace::new("shop").unwrap())),
            (TaskSort::Name, SortKey::Name(DefinitionName::new("order").unwrap())),
            (TaskSort::Version, SortKey::Version(Version::new("1.0.0-beta.1").unwrap())),
            (TaskSort::RequestedAt, SortKey::Time(Timestamp::from_micros(-7))),
            (TaskSort::Initiator, SortKey::Text("tills, süd".into())),
        ] {
            let list = sorted(sort);
            let position = place(key);
            let cursor = list.cursor(&position);
            assert_eq!(list.after_cursor(&cursor).unwrap().after, Some(position));
        }
    }

    #[test]
    fn a_place_in_another_list_is_refused() {
        let list = || TaskFilter { tags: vec!["vip".into()], ..TaskFilter::default() };
        let cursor = list().cursor(&place(SortKey::Nothing));
        for other in [
            TaskFilter { tags: vec![], ..list() },
            TaskFilter { states: vec![TaskState::Error], ..list() },
            TaskFilter { reason: Some("vip".into()), ..list() },
            TaskFilter { direction: Direction::Asc, ..list() },
            TaskFilter { sort: TaskSort::Status, ..list() },
            TaskFilter { created: Between { from: Some(Timestamp::from_micros(1)), before: None }, ..list() },
        ] {
            assert_eq!(other.after_cursor(&cursor).unwrap_err().code, "invalid_cursor");
        }
        assert!(TaskFilter { limit: 9, count_all: true, ..list() }.after_cursor(&cursor).is_ok());
    }

    #[test]
    fn the_instants_of_a_span_do_not_matter() {
        let since = |n| TaskFilter {
            created: Between { from: Some(Timestamp::from_micros(n)), before: None },
            ..TaskFilter::default()
        };
        let cursor = since(1).cursor(&place(SortKey::Nothing));
        assert!(since(2).after_cursor(&cursor).is_ok());
    }

    #[test]
    fn garbage_is_refused() {
        let cursor = sorted(TaskSort::Status).cursor(&place(SortKey::Status(TaskState::Error)));
        let tampered: String = cursor.chars().rev().collect();
        let longer = format!("{cursor}00");
        for text in ["", "x", "ü", &"ü".repeat(40), &cursor[..cursor.len() - 1], &tampered, &longer] {
            assert!(sorted(TaskSort::Status).after_cursor(text).is_err(), "{text}");
        }
    }
}
