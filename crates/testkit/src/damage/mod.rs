//! Databases that are damaged on purpose: a check must find exactly the damage, and a repair must mend it or leave it as it
//! is and say why.

mod dialect;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tasker_core::audit::Code;
use tasker_core::decide::{Action, Answer, Input};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::state::StepState;
use tasker_store::integrity::{Finding, RepairRequest, Repaired};

pub use self::dialect::Dialect;
use self::table::{DAMAGES, Damage, Fate, Victim};
use crate::StoreUnderTest;
use crate::definitions::{plan, plan_with};
use crate::driver::{Driver, at, success};

/// The way into a database that no rule guards.
#[async_trait]
pub trait BackDoor: Send {
    /// Whose SQL it takes.
    fn dialect(&self) -> Dialect;

    /// Executes a statement, `$1` being a task; how many rows it wrote.
    async fn execute(&mut self, sql: String, task: TaskId) -> u64;
}

/// A new store and the back door of its database.
pub type Opened = (StoreUnderTest, Box<dyn BackDoor>);

/// Makes a test of each case. `$open` is the path of an `async fn() -> Opened` that opens an empty store.
#[macro_export]
macro_rules! damage_tests {
    ($open:path) => {
        #[tokio::test]
        async fn damage_is_found_and_mended_or_left() {
            $crate::damage::is_found_and_mended_or_left($open).await;
        }

        #[tokio::test]
        async fn a_repair_spares_live_workers() {
            $crate::damage::spares_live_workers($open).await;
        }

        #[tokio::test]
        async fn a_repair_leaves_sound_tasks_alone() {
            $crate::damage::leaves_sound_tasks_alone($open).await;
        }
    };
}

/// Every way to damage a task, each in a database that is in order.
pub async fn is_found_and_mended_or_left<F: Future<Output = Opened>>(open: impl Fn() -> F) {
    let mut codes: BTreeSet<&str> = BTreeSet::new();
    let mut world = World::new(open().await);
    for damage in DAMAGES {
        world.begin(damage.victim).await;
        world.suffer(damage.sql).await;
        let found = world.found().await;
        assert_eq!(names(&found), damage.expected(world.door.dialect()), "{:?}", damage.sql);
        world.mend(damage, found).await;
        codes.extend(damage.found.iter().filter_map(|line| line.split(' ').next()));
        if damage.fate == Fate::Left {
            world = World::new(open().await);
        }
    }
    let elsewhere = [Code::RowStep, Code::TaskUnreadable, Code::FileDamaged, Code::ObjectMissing];
    let missing = Code::ALL.iter().filter(|code| !codes.contains(code.as_str()) && !elsewhere.contains(code));
    assert_eq!(missing.collect::<Vec<_>>(), [&Code::RowStep; 0], "no damage leads to these");
}

/// Rows that a worker holds which is not known to be gone are left to it, and the damage is gone when it is done.
pub async fn spares_live_workers<F: Future<Output = Opened>>(open: impl Fn() -> F) {
    let claimed = "UPDATE queue SET {worker} = (SELECT {worker} FROM queue WHERE {step 4}) WHERE {step 1}";
    for (sql, found) in
        [("UPDATE queue SET fence = 5 WHERE {step 4}", "row_fence e"), (claimed, "row_claim b")]
    {
        let mut world = World::new(open().await);
        world.begin(Victim::Order).await;
        world.d.beat(world.d.worker, &[]).await;
        world.suffer(&[sql]).await;
        let before = world.found().await;
        assert_eq!(names(&before), [found]);
        let repaired = world.repair(&before, false).await;
        assert_eq!(repaired.mended, []);
        assert!(repaired.left[0].why.contains("not known to be gone"), "{:?}", repaired.left);
        assert_eq!(world.found().await, before);
        world.d.store.worker_stopped(world.d.worker).await.expect("stop a worker");
        assert_eq!(world.repair(&before, false).await.left, []);
        world.d.assert_sound().await;
    }
}

/// A repair of what is in order changes nothing, whoever works on it.
pub async fn leaves_sound_tasks_alone<F: Future<Output = Opened>>(open: impl Fn() -> F) {
    for victim in [Victim::Order, Victim::Cancelled, Victim::Turns, Victim::Complete, Victim::Failed] {
        let mut world = World::new(open().await);
        world.begin(victim).await;
        let before =
            (world.d.record(world.id).await, world.d.steps(world.id).await, world.d.log(world.id).await);
        world.d.clock.advance_seconds(100);
        for task in [Some(world.id), Some(world.d.new_id()), None] {
            let request = RepairRequest { task, dry_run: false };
            assert_eq!(world.d.store.repair(request).await.expect("repair"), Repaired::default());
        }
        let after =
            (world.d.record(world.id).await, world.d.steps(world.id).await, world.d.log(world.id).await);
        assert_eq!(after, before);
    }
}

impl Damage {
    fn expected(&self, dialect: Dialect) -> Vec<String> {
        let by_sql = if dialect == Dialect::Postgres { self.found_by_sql } else { &[] };
        let mut expected: Vec<String> =
            self.found.iter().chain(by_sql).map(|line| (*line).to_owned()).collect();
        expected.sort();
        expected
    }
}

/// Codes and steps of findings, each once.
fn names(findings: &[Finding]) -> Vec<String> {
    let name = |finding: &Finding| match &finding.step {
        Some(step) => format!("{} {step}", finding.code),
        None => finding.code.to_string(),
    };
    findings.iter().map(name).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A database with a task to be damaged and one that stays as it is.
struct World {
    d: Driver,
    door: Box<dyn BackDoor>,
    id: TaskId,
    other: TaskId,
}

impl World {
    fn new((store, door): Opened) -> Self {
        let d = Driver::new(store);
        let (id, other) = (d.new_id(), d.new_id());
        Self { d, door, id, other }
    }

    /// Adds the two tasks to whatever is there.
    async fn begin(&mut self, victim: Victim) {
        let refused = || Outcome::Failure(Failure::permanent("Refused", "refused", "not possible"));
        self.id = match victim {
            Victim::Order => order(&self.d).await,
            Victim::Cancelled => cancelled(&self.d).await,
            Victim::Turns => {
                let steps = [("a", &[][..]), ("b", &[])];
                self.d.start(&plan_with("turns", &steps, |definition| definition.concurrent = false)).await
            }
            Victim::Complete => ended(&self.d, success("1")).await,
            Victim::Failed => ended(&self.d, refused()).await,
        };
        self.other = order(&self.d).await;
        self.d.assert_sound().await;
    }

    async fn suffer(&mut self, sql: &[&str]) {
        for text in sql {
            let sql = self.door.dialect().expand(text);
            assert!(self.door.execute(sql.clone(), self.id).await > 0, "{sql} damages nothing");
        }
    }

    /// What a check finds, which must be about the damaged task.
    async fn found(&self) -> Vec<Finding> {
        let findings = self.d.store.check(1_000).await.expect("check");
        assert!(findings.iter().all(|finding| finding.task_id != Some(self.other)), "{findings:#?}");
        findings
    }

    async fn repair(&self, findings: &[Finding], dry_run: bool) -> Repaired {
        let tasks: BTreeSet<Option<TaskId>> = findings.iter().map(|finding| finding.task_id).collect();
        let mut all = Repaired::default();
        for task in tasks {
            let repaired = self.d.store.repair(RepairRequest { task, dry_run }).await.expect("repair");
            all.mended.extend(repaired.mended);
            all.left.extend(repaired.left);
        }
        all
    }

    async fn mend(&mut self, damage: &Damage, found: Vec<Finding>) {
        let sql = damage.sql;
        let planned = self.repair(&found, true).await;
        assert_eq!(self.found().await, found, "{sql:?}: a dry run changes something");
        let repaired = self.repair(&found, false).await;
        assert_eq!(repaired, planned, "{sql:?}");
        let after = self.found().await;
        match damage.fate {
            Fate::Left => {
                assert_eq!((after, repaired.mended), (found, vec![]), "{sql:?}");
                let is_told = repaired.left.iter().all(|left| !left.why.is_empty());
                assert!(is_told && (!repaired.left.is_empty() || names_input_only(damage)), "{sql:?}");
            }
            Fate::Deleted => assert_eq!((after, repaired.left), (vec![], vec![]), "{sql:?}"),
            Fate::Mended(end) => {
                assert_eq!((after, repaired.left), (vec![], vec![]), "{sql:?}");
                assert_eq!(self.repair(&found, false).await, Repaired::default(), "{sql:?}");
                self.run_to_the_end().await;
                assert_eq!(self.d.state(self.id).await, end, "{sql:?}");
                self.d.assert_sound().await;
            }
        }
    }

    /// Whatever runs or can run succeeds.
    async fn run_to_the_end(&self) {
        for step in self.d.steps(self.id).await {
            if step.record.state == StepState::InProgress {
                let (step, fence) = (step.record.ordinal, step.record.fence);
                let input = Input::Settle { step, fence, outcome: Outcome::Success(Payload::null()) };
                let answer = self.d.one(self.id, input).await;
                assert!(matches!(answer, Answer::Settled { .. }), "{answer:?}");
            }
        }
        self.d.drive(|_, _| success("1")).await;
    }
}

/// A repair looks at what rules are about; a request is not.
fn names_input_only(damage: &Damage) -> bool {
    damage.found == ["input_missing"]
}

/// A task of five steps in five states.
async fn order(d: &Driver) -> TaskId {
    let order = plan("order", &[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[]), ("e", &[])]);
    let id = d.start(&order).await;
    execute(d, &order, id, "a", success("1")).await;
    execute(d, &order, id, "d", Outcome::Failure(Failure::retryable("Broken", "broken", "it broke"))).await;
    claim(d, id, at(&order, "e")).await;
    id
}

async fn cancelled(d: &Driver) -> TaskId {
    let id = order(d).await;
    assert_eq!(d.operate(id, Action::CancelTask { force: false }).await, Answer::Done);
    id
}

async fn ended(d: &Driver, outcome: Outcome) -> TaskId {
    let one = plan("one", &[("a", &[])]);
    let id = d.start(&one).await;
    execute(d, &one, id, "a", outcome).await;
    id
}

async fn claim(d: &Driver, id: TaskId, step: Ordinal) {
    assert_eq!(d.one(id, Input::Claim { step, worker: d.worker }).await, Answer::Claimed);
}

async fn execute(d: &Driver, plan: &Arc<Plan>, id: TaskId, step: &str, outcome: Outcome) {
    let step = at(plan, step);
    claim(d, id, step).await;
    d.clock.advance_seconds(1);
    let fence = d.steps(id).await[step.index()].record.fence;
    let answer = d.one(id, Input::Settle { step, fence, outcome }).await;
    assert!(matches!(answer, Answer::Settled { .. }), "{answer:?}");
}
