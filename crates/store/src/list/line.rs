//! Lists along an index: tasks in the order of something that never changes of them, equal ones by id.

use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use uuid::Uuid;

use super::filter::Between;
use super::{Direction, Position, SortKey, TaskFilter, TaskSort};

/// What is told of a task once and never changes, and that a store keeps an index of, with the id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// When it was asked for.
    RequestedAt,
    /// When it was accepted.
    CreatedAt,
    /// Who asked.
    Initiator,
    /// From which system.
    SourceSystem,
    /// What ties it to whatever caused it, if anything does.
    CorrelationId,
    /// Whoever created it, if that is known.
    CreatedBy,
}

impl Column {
    /// Whether its values are instants; otherwise they are texts, sorted byte by byte.
    pub fn is_time(self) -> bool {
        matches!(self, Self::RequestedAt | Self::CreatedAt)
    }
}

/// A stretch of an index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Of what the index is.
    pub column: Column,
    low: SortKey,
    high: SortKey,
}

/// Characters of a text that is greater than all that are stored, which have 128 at most.
const BEYOND_ALL_TEXTS: usize = 129;

/// The first and the last instant that can be written down, in microseconds: the years 0 and 9999.
const ALL_TIMES: (i64, i64) = (-62_167_219_200_000_000, 253_402_300_799_999_999);

impl Line {
    /// The line on which the list lies, if it is sorted by what there is an index of; or if it is sorted by id, and only
    /// tasks with one value are wanted. Tasks of certain states or definitions are found by these.
    pub(super) fn of(filter: &TaskFilter) -> Option<Self> {
        let exact = |column, text: &Option<String>| text.as_ref().map(|_| Self::text(column, text));
        let creator = filter.own.as_ref().filter(|own| own.everything_in.is_empty());
        let creator = creator.map(|own| own.created_by.clone());
        match filter.sort {
            TaskSort::RequestedAt => Some(Self::time(Column::RequestedAt, filter.requested)),
            TaskSort::CreatedAt => Some(Self::time(Column::CreatedAt, filter.created)),
            TaskSort::Initiator => Some(Self::text(Column::Initiator, &filter.initiator)),
            TaskSort::SourceSystem => Some(Self::text(Column::SourceSystem, &filter.source_system)),
            TaskSort::Id if filter.correlation_id.is_some() => {
                exact(Column::CorrelationId, &filter.correlation_id)
            }
            TaskSort::Id if creator.is_some() => exact(Column::CreatedBy, &creator),
            TaskSort::Id if filter.is_of_kinds() => None,
            TaskSort::Id => exact(Column::Initiator, &filter.initiator)
                .or_else(|| exact(Column::SourceSystem, &filter.source_system)),
            _ => None,
        }
    }

    fn time(column: Column, span: Between) -> Self {
        let low = span.from.map_or(ALL_TIMES.0, Timestamp::as_micros);
        let high = span.before.map_or(ALL_TIMES.1, |before| before.as_micros().saturating_sub(1));
        let [low, high] = [low, high]
            .map(|at| Timestamp::from_micros(at.clamp(ALL_TIMES.0, ALL_TIMES.1)))
            .map(SortKey::Time);
        Self { column, low, high }
    }

    fn text(column: Column, wanted: &Option<String>) -> Self {
        let (low, high) = match wanted {
            Some(text) => (text.clone(), text.clone()),
            None => (String::new(), char::MAX.to_string().repeat(BEYOND_ALL_TEXTS)),
        };
        Self { column, low: SortKey::Text(low), high: SortKey::Text(high) }
    }

    /// The place before all tasks of the line.
    pub(super) fn start(&self, direction: Direction) -> Position {
        Position { key: direction.pick(&self.low, &self.high).clone(), id: before_all(direction) }
    }

    /// The last value of the line.
    pub fn end(&self, direction: Direction) -> &SortKey {
        direction.pick(&self.high, &self.low)
    }
}

/// An id before all that tasks have.
pub(super) fn before_all(direction: Direction) -> TaskId {
    TaskId(direction.pick(Uuid::nil(), Uuid::max()))
}

#[cfg(test)]
mod tests {
    use super::super::Own;
    use super::*;

    fn line(change: impl FnOnce(&mut TaskFilter)) -> Option<Line> {
        let mut filter = TaskFilter::default();
        change(&mut filter);
        Line::of(&filter)
    }

    fn text(text: &str) -> SortKey {
        SortKey::Text(text.into())
    }

    #[test]
    fn a_list_with_one_value_lies_on_a_line_unless_states_or_names_are_wanted() {
        let ops = line(|list| list.initiator = Some("ops".into())).unwrap();
        assert_eq!((ops.column, &ops.low, &ops.high), (Column::Initiator, &text("ops"), &text("ops")));
        assert_eq!(line(|list| list.reason = Some("ops".into())), None);
        let of_kind = |list: &mut TaskFilter| {
            (list.initiator, list.name) = (Some("ops".into()), Some("order".parse().unwrap()));
        };
        assert_eq!(line(of_kind), None);
        let mine = |list: &mut TaskFilter| {
            of_kind(list);
            list.own = Some(Own { created_by: "me".into(), everything_in: [].into() });
        };
        let mine = line(mine).unwrap();
        assert_eq!((mine.column, &mine.low, &mine.high), (Column::CreatedBy, &text("me"), &text("me")));
        let more = Own { created_by: "me".into(), everything_in: ["shop".parse().unwrap()].into() };
        assert_eq!(line(|list| list.own = Some(more)), None);
        let rarest = |list: &mut TaskFilter| {
            of_kind(list);
            list.correlation_id = Some("c".into());
        };
        assert_eq!(line(rarest).unwrap().column, Column::CorrelationId);
    }

    #[test]
    fn a_span_ends_a_line_by_time() {
        let at = Timestamp::from_micros;
        let span = Between { from: Some(at(5)), before: Some(at(9)) };
        let line = line(|list| (list.sort, list.requested) = (TaskSort::RequestedAt, span)).unwrap();
        assert_eq!(line.start(Direction::Asc).key, SortKey::Time(at(5)));
        assert_eq!(line.end(Direction::Asc), &SortKey::Time(at(8)));
        assert_eq!(line.start(Direction::Desc).key, SortKey::Time(at(8)));
        assert_eq!(line.end(Direction::Desc), &SortKey::Time(at(5)));
    }

    #[test]
    fn a_whole_line_by_text_holds_every_text() {
        let all = line(|list| list.sort = TaskSort::SourceSystem).unwrap();
        for held in ["", "till", &char::MAX.to_string().repeat(128)] {
            assert!(all.low <= text(held) && text(held) < all.high, "{held}");
        }
    }
}
