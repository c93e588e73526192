//! What happens to each call: a pure function of the seed, the desk, the order and how often it was asked.

use std::time::Duration;

use super::Desk;

/// How a call goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fate {
    /// How long the answer takes.
    pub delay: Duration,
    /// The answer.
    pub answer: Answer,
}

/// What is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The work is done.
    Done,
    /// The work is done, but the caller is told 500.
    Lost,
    /// 500, nothing done.
    Broken,
    /// 503 with `Retry-After`.
    Busy,
    /// 429 with `Retry-After`.
    TooMany,
    /// 422, now and always.
    Refused,
}

/// Decides by seed.
#[derive(Clone, Copy, Debug)]
pub struct Fates {
    seed: u64,
    refused: u32,
}

impl Fates {
    /// For orders `1..=orders`, one of which has a card that the bank refuses.
    pub fn new(seed: u64, orders: u32) -> Self {
        let refused = 1 + (mix(seed) % u64::from(orders.max(1))) as u32;
        Self { seed, refused }
    }

    /// The fate of call number `call` (from 1) at a desk for an order.
    pub fn of(&self, desk: Desk, order: u32, call: u32) -> Fate {
        let drawn = mix(mix(self.seed ^ ((desk as u64) << 32)) ^ u64::from(order));
        if desk == Desk::Payment && order == self.refused {
            return Fate { delay: quick(drawn), answer: Answer::Refused };
        }
        // Troubles pass: by the third call at the latest everything works.
        let answer = match (drawn % 100, call) {
            (0..3, 1) => Answer::Busy,
            (3..5, 1) => Answer::TooMany,
            (5..7, 1) | (7..8, 1..=2) => Answer::Broken,
            (8..10, 1) if desk == Desk::Payment => Answer::Lost,
            _ => Answer::Done,
        };
        let slow = (10..18).contains(&(drawn % 100));
        Fate { delay: if slow { long(drawn) } else { quick(drawn) }, answer }
    }
}

fn quick(drawn: u64) -> Duration {
    Duration::from_millis(10 + (drawn >> 32) % 70)
}

fn long(drawn: u64) -> Duration {
    Duration::from_millis(300 + (drawn >> 32) % 500)
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESKS: [Desk; 8] = [
        Desk::Reception,
        Desk::Stock,
        Desk::Fraud,
        Desk::Payment,
        Desk::Shipping,
        Desk::Label,
        Desk::Mail,
        Desk::Books,
    ];

    fn answers(seed: u64, call: u32) -> Vec<Answer> {
        let fates = Fates::new(seed, 100);
        DESKS
            .iter()
            .flat_map(|desk| (1..=100).map(move |order| fates.of(*desk, order, call).answer))
            .collect()
    }

    #[test]
    fn one_seed_gives_one_world() {
        assert_eq!(answers(7, 1), answers(7, 1));
        assert_ne!(answers(7, 1), answers(8, 1));
    }

    #[test]
    fn exactly_one_order_is_refused_for_good() {
        for seed in 0..50 {
            for call in 1..4 {
                let refused = answers(seed, call).iter().filter(|answer| **answer == Answer::Refused).count();
                assert_eq!(refused, 1, "seed {seed}, call {call}");
            }
        }
    }

    #[test]
    fn every_trouble_happens_and_passes() {
        let first = answers(1, 1);
        for trouble in [Answer::Lost, Answer::Broken, Answer::Busy, Answer::TooMany] {
            assert!(first.contains(&trouble), "{trouble:?} never happens");
        }
        let third: Vec<_> = answers(1, 3).into_iter().filter(|answer| *answer != Answer::Done).collect();
        assert_eq!(third, [Answer::Refused]);
    }
}
