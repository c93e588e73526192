//! The states of tasks and steps, and which changes between them are legal.
//!
//! Source: `spec/domain.md` 3.2 and 3.3, with the two changes of the engine's rules: a step may go
//! `in_progress -> pending` (given back, its handler was never called), a task in `error` may be cancelled.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            /// Not started, or waiting to start again.
            Pending,
            /// Under way.
            InProgress,
            /// Ended well.
            Complete,
            /// Failed.
            Error,
            /// Called off.
            Cancelled,
            /// Declared done by an operator.
            ResolvedManually,
        }

        impl $name {
            /// All states, in the order of their codes.
            pub const ALL: [Self; 6] = [
                Self::Pending,
                Self::InProgress,
                Self::Complete,
                Self::Error,
                Self::Cancelled,
                Self::ResolvedManually,
            ];

            /// The name in texts, JSON and views.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Pending => "pending",
                    Self::InProgress => "in_progress",
                    Self::Complete => "complete",
                    Self::Error => "error",
                    Self::Cancelled => "cancelled",
                    Self::ResolvedManually => "resolved_manually",
                }
            }

            /// The small number that stores keep.
            pub fn code(self) -> u8 {
                self as u8
            }

            /// The state of a stored number.
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }

            /// The state of a name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|state| state.as_str() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

states! {
    /// State of a task.
    TaskState
}

states! {
    /// State of a step.
    StepState
}

impl TaskState {
    /// Whether the change is legal. `None` is "does not exist yet".
    pub fn allows(from: Option<Self>, to: Self) -> bool {
        use TaskState::*;
        matches!(
            (from, to),
            (None, Pending)
                | (Some(Pending), InProgress | Cancelled | Error)
                | (Some(InProgress), Pending | Complete | Error | Cancelled)
                | (Some(Error), Pending | ResolvedManually | Cancelled)
                | (Some(Complete | ResolvedManually), Cancelled)
        )
    }

    /// Whether work may still happen by itself: the task is `pending` or `in_progress`.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress)
    }
}

impl StepState {
    /// Whether the change is legal. `None` is "does not exist yet".
    pub fn allows(from: Option<Self>, to: Self) -> bool {
        use StepState::*;
        matches!(
            (from, to),
            (None, Pending)
                | (Some(Pending), InProgress | Error | Cancelled | ResolvedManually)
                | (Some(InProgress), Complete | Error | Cancelled | Pending)
                | (Some(Error), Pending | ResolvedManually)
        )
    }

    /// Whether the step counts as done for its dependents: `complete` or `resolved_manually`.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Complete | Self::ResolvedManually)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of states, `None` included, against the pairs that a table allows.
    fn check<S: Copy + PartialEq + fmt::Debug>(
        all: [S; 6],
        allows: fn(Option<S>, S) -> bool,
        table: &[(Option<S>, S)],
    ) {
        for from in std::iter::once(None).chain(all.map(Some)) {
            for to in all {
                assert_eq!(allows(from, to), table.contains(&(from, to)), "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn dom_36_dom_37_dom_38_tasks_change_as_the_table_says() {
        use TaskState::*;
        let table = [
            (None, Pending),
            (Some(Pending), InProgress),
            (Some(Pending), Cancelled),
            (Some(Pending), Error),
            (Some(InProgress), Pending),
            (Some(InProgress), Complete),
            (Some(InProgress), Error),
            (Some(InProgress), Cancelled),
            (Some(Error), Pending),
            (Some(Error), ResolvedManually),
            (Some(Error), Cancelled),
            (Some(Complete), Cancelled),
            (Some(ResolvedManually), Cancelled),
        ];
        check(TaskState::ALL, TaskState::allows, &table);
    }

    #[test]
    fn dom_42_dom_43_dom_44_steps_change_as_the_table_says() {
        use StepState::*;
        let table = [
            (None, Pending),
            (Some(Pending), InProgress),
            (Some(Pending), Error),
            (Some(Pending), Cancelled),
            (Some(Pending), ResolvedManually),
            (Some(InProgress), Complete),
            (Some(InProgress), Error),
            (Some(InProgress), Cancelled),
            (Some(InProgress), Pending),
            (Some(Error), Pending),
            (Some(Error), ResolvedManually),
        ];
        check(StepState::ALL, StepState::allows, &table);
    }

    #[test]
    fn names_and_codes_lead_back_to_their_states() {
        for state in StepState::ALL {
            assert_eq!(StepState::from_name(state.as_str()), Some(state));
            assert_eq!(StepState::from_code(state.code()), Some(state));
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
        }
        assert_eq!(TaskState::ALL.map(TaskState::code), [0, 1, 2, 3, 4, 5]);
        assert_eq!(TaskState::from_code(6), None);
        assert_eq!(TaskState::from_name("Pending"), None);
    }

    #[test]
    fn open_and_done_are_what_they_say() {
        assert_eq!(TaskState::ALL.map(TaskState::is_open), [true, true, false, false, false, false]);
        assert_eq!(StepState::ALL.map(StepState::is_done), [false, false, true, false, false, true]);
    }
}
