//! One seed, several stores, in lock step: each random operation is done on all of them, and afterwards all must have
//! given the same answer and hold the same state.
//!
//! The first store is the reference ([`tasker_store::memory::MemoryStore`] as a rule): what may happen next is chosen
//! from its answers.

mod observe;
mod operations;
mod world;

use crate::StoreUnderTest;

use self::observe::Observed;
use self::world::World;

/// How many operations one seed does.
const N_OPERATIONS: usize = 60;

/// Environment variable with the number of seeds to run.
pub const SEEDS_VARIABLE: &str = "TASKER_DIFFERENTIAL_SEEDS";

/// Environment variable with the first seed.
pub const START_VARIABLE: &str = "TASKER_DIFFERENTIAL_START";

/// Seeds that found something once. They are always run.
const KEPT_SEEDS: &str = include_str!("../../seeds/differential.txt");

/// A store with the name that messages give it.
pub struct Side {
    /// The name.
    pub name: &'static str,
    /// The store.
    pub under_test: StoreUnderTest,
}

/// The seeds to run: the kept ones, then as many as the environment says, else `default`.
///
/// # Panics
/// An environment variable is no number.
pub fn seeds(default: u64) -> Vec<u64> {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text:?}")))
    };
    let start = number(START_VARIABLE, 1);
    let lines = KEPT_SEEDS.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let kept = lines.filter(|line| !line.is_empty()).map(|line| line.parse().expect("seeds are numbers"));
    kept.chain(start..start + number(SEEDS_VARIABLE, default)).collect()
}

/// Runs one seed on these stores, all of them empty. Answers with all that the first one said.
///
/// # Panics
/// The stores differ, or one of them finds something wrong with itself; the message says which seed, which operation,
/// and what differs.
pub async fn run(seed: u64, sides: &[Side]) -> String {
    let mut said = String::new();
    let mut world = World::new(seed);
    for number in 1..=N_OPERATIONS {
        let operation = world.next_operation();
        let context = || format!("seed {seed}, operation {number}: {operation:#?}");
        let mut first: Option<(operations::Answered, Observed)> = None;
        for side in sides {
            let answered = operation.perform(&side.under_test).await;
            let observed = Observed::of(side.under_test.store.as_ref(), number).await;
            assert!(observed.findings.is_empty(), "{}: {}\n{:#?}", side.name, context(), observed.findings);
            match &first {
                None => first = Some((answered, observed)),
                Some((expected, state)) => {
                    let names = (sides[0].name, side.name);
                    assert_same("answers", names, &expected.text, &answered.text, context);
                    if *state != observed {
                        let (left, right) = (format!("{state:#?}"), format!("{observed:#?}"));
                        assert_same("states", names, &left, &right, context);
                    }
                }
            }
        }
        let (answered, observed) = first.expect("there is at least one store");
        said.push_str(&answered.text);
        world.learn(answered, observed);
    }
    said
}

/// Asserts that two texts are equal; if not, shows where they begin to differ.
fn assert_same(what: &str, names: (&str, &str), left: &str, right: &str, context: impl Fn() -> String) {
    if left == right {
        return;
    }
    let same = left.lines().zip(right.lines()).take_while(|(a, b)| a == b).count();
    let excerpt = |text: &str| {
        let lines: Vec<&str> = text.lines().skip(same.saturating_sub(12)).take(30).collect();
        lines.join("\n")
    };
    panic!(
        "{what} of {} and {} differ from line {same}\n{}\n--- {}\n{}\n--- {}\n{}",
        names.0,
        names.1,
        context(),
        names.0,
        excerpt(left),
        names.1,
        excerpt(right)
    );
}
