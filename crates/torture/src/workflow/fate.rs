//! What becomes of executions, and how often.

use std::time::Duration;

use crate::chance::Chance;

/// The limit of executions that hang once, in seconds.
pub(super) const SHORT_TIMEOUT: u32 = 2;

/// What becomes of one execution, if nothing else ends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It works for so long, and succeeds.
    Succeed(Duration),
    /// The server fails.
    Fail,
    /// The server asks to come back after so many seconds.
    Busy(u32),
    /// The server refuses for good.
    Refuse,
    /// The server is gone in the middle of its answer.
    Break,
    /// The server never answers.
    Hang,
}

impl Fate {
    /// The codes that its failure may have; none if it succeeds. `docs/errors.md`
    pub fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Succeed(_) => &[],
            Self::Fail => &["HTTP_500"],
            Self::Busy(_) => &["HTTP_503"],
            Self::Refuse => &["HTTP_422"],
            Self::Break => &["connection_reset"],
            // The handler has the same limit as the attempt, and either may be first.
            Self::Hang => &["step_timeout", "http_timeout"],
        }
    }

    /// The shortest time until the next execution.
    pub fn wait(self) -> Duration {
        match self {
            Self::Busy(seconds) => Duration::from_secs(u64::from(seconds)),
            _ => Duration::from_secs(1),
        }
    }
}

/// How much fails in a workflow: shares of executions, in thousandths, and how often steps may be tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Temper {
    fail: usize,
    busy: usize,
    breaks: usize,
    hang: usize,
    refuse: usize,
    least_limit: usize,
}

/// Most executions that any step may have.
pub(super) const MOST_EXECUTIONS: usize = 5;

const CALM: Temper = Temper { fail: 30, busy: 15, breaks: 15, hang: 2, refuse: 0, least_limit: 3 };
const ROUGH: Temper = Temper { fail: 90, busy: 40, breaks: 40, hang: 8, refuse: 2, least_limit: 2 };
const HOSTILE: Temper = Temper { fail: 200, busy: 60, breaks: 60, hang: 15, refuse: 15, least_limit: 1 };

impl Temper {
    pub(super) fn draw(chance: &mut Chance) -> Self {
        match chance.below(10) {
            0..=4 => CALM,
            5..=7 => ROUGH,
            _ => HOSTILE,
        }
    }

    pub(super) fn limit(self, chance: &mut Chance) -> usize {
        chance.between(self.least_limit, MOST_EXECUTIONS)
    }

    pub(super) fn fate(self, chance: &mut Chance) -> Fate {
        let mut drawn = chance.below(1_000);
        let shares = [
            (self.fail, Fate::Fail),
            (self.busy, Fate::Busy(u32::try_from(chance.between(1, 2)).expect("a small number"))),
            (self.breaks, Fate::Break),
            (self.hang, Fate::Hang),
            (self.refuse, Fate::Refuse),
        ];
        for (share, fate) in shares {
            if drawn < share {
                return fate;
            }
            drawn -= share;
        }
        let millis = if chance.per_mille(50) { chance.between(300, 1_200) } else { chance.between(5, 80) };
        Fate::Succeed(Duration::from_millis(millis as u64))
    }
}
