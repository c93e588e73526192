//! When the keys of an issuer are asked for anew. Pure: ages are arguments.

use std::time::Duration;

/// Age at which keys are asked for anew, while the old ones are still used.
const STALE: Duration = Duration::from_secs(10 * 60);

/// Age at which keys are no longer used, though no new ones can be had.
const USELESS: Duration = Duration::from_secs(60 * 60);

/// Least time between two times of asking.
const PAUSE: Duration = Duration::from_secs(30);

/// The same while there are no keys at all, so that nobody can be let in.
const SHORT_PAUSE: Duration = Duration::from_secs(5);

/// How old things are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ages {
    /// The keys that there are; `None`: there are none.
    pub(super) keys: Option<Duration>,
    /// The last time that they were asked for, whatever came of it; `None`: never.
    pub(super) asked: Option<Duration>,
    /// Whether nothing came of it.
    pub(super) is_down: bool,
}

/// What is to be done for a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Use the keys that there are.
    Use,
    /// Use them, and ask for new ones meanwhile.
    UseAndAsk,
    /// Ask for new ones, then look again.
    Ask,
    /// It cannot be known now.
    Wait,
}

impl Ages {
    /// What is to be done for a token whose key is, or is not, among the keys that there are.
    pub(super) fn step(self, is_known: bool) -> Step {
        match (self.is_usable(), is_known) {
            (true, true) if self.is_stale() && self.may_ask() => Step::UseAndAsk,
            (true, true) => Step::Use,
            _ if self.may_ask() => Step::Ask,
            // It was looked for a moment ago, and there is no such key.
            (true, false) if !self.is_down => Step::Use,
            _ => Step::Wait,
        }
    }

    /// Whether they may be asked for now. However many tokens name keys that nobody knows, it is not oftener than this.
    pub(super) fn may_ask(self) -> bool {
        let pause = if self.is_usable() { PAUSE } else { SHORT_PAUSE };
        self.asked.is_none_or(|asked| asked >= pause)
    }

    fn is_usable(self) -> bool {
        self.keys.is_some_and(|age| age < USELESS)
    }

    fn is_stale(self) -> bool {
        self.keys.is_some_and(|age| age >= STALE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ages(keys: Option<u64>, asked: Option<u64>, is_down: bool) -> Ages {
        Ages { keys: keys.map(Duration::from_secs), asked: asked.map(Duration::from_secs), is_down }
    }

    #[test]
    fn keys_are_asked_for_when_they_are_needed_and_not_too_often() {
        let cases = [
            // keys, asked, down; step if the key is known, and if it is not
            ((None, None, false), Step::Ask, Step::Ask),
            ((None, Some(4), true), Step::Wait, Step::Wait),
            ((None, Some(5), true), Step::Ask, Step::Ask),
            ((Some(0), Some(0), false), Step::Use, Step::Use),
            ((Some(29), Some(29), false), Step::Use, Step::Use),
            ((Some(30), Some(30), false), Step::Use, Step::Ask),
            ((Some(599), Some(599), false), Step::Use, Step::Ask),
            ((Some(600), Some(600), false), Step::UseAndAsk, Step::Ask),
            ((Some(620), Some(20), true), Step::Use, Step::Wait),
            ((Some(630), Some(30), true), Step::UseAndAsk, Step::Ask),
            ((Some(3_599), Some(1), true), Step::Use, Step::Wait),
            ((Some(3_600), Some(4), true), Step::Wait, Step::Wait),
            ((Some(3_600), Some(5), true), Step::Ask, Step::Ask),
        ];
        for ((keys, asked, is_down), known, unknown) in cases {
            let ages = ages(keys, asked, is_down);
            assert_eq!((ages.step(true), ages.step(false)), (known, unknown), "{ages:?}");
        }
    }
}
