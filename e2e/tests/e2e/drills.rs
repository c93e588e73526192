//! Every drill once, short. `cargo xtask drills` does them for as long as is wanted.
//!
//! `TASKER_E2E_SEED` is what workflows follow from (default 1), `TASKER_E2E_KILLS` how often all processes on one file are
//! killed (default 3).

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::Result;
use tasker_e2e::drill::{self, Store};
use tasker_e2e::{seeds, setting};
use tasker_torture::{Load, Round};

/// Enough that all nodes are in the middle of their work.
const LOAD: Load = Load { busy: 60, most_steps: 120, least_tasks: 10 };

async fn done(store: Store, name: &str) -> Result<()> {
    let drill = drill::named(store, name)?;
    is_well(&drill::run(&*drill, store, setting("TASKER_E2E_SEED", 1), LOAD).await?)
}

fn is_well(round: &Round) -> Result<()> {
    println!("{}", round.line());
    seeds::keep(round)?;
    let told: Vec<String> = round.findings.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    Ok(())
}

/// Workflows are small, so that there are many moments in a short time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kill_moments_on_one_file() -> Result<()> {
    let kills = setting("TASKER_E2E_KILLS", 3);
    let drill = drill::named(Store::Sqlite, "kill-all")?;
    let load = Load { most_steps: 30, least_tasks: 5, ..LOAD };
    let rounds = drill::repeat(&*drill, Store::Sqlite, setting("TASKER_E2E_SEED", 1), load, kills).await?;
    rounds.iter().try_for_each(is_well)?;
    assert_eq!(rounds.len() as u64, kills);
    Ok(())
}

macro_rules! drills {
    ($store:ident: $($test:ident = $name:literal),+ $(,)?) => {
        const NAMES: &[&str] = &[$($name),+];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() -> Result<()> {
                done(Store::$store, $name).await
            }
        )+
    };
}

mod postgres {
    use super::*;

    drills! { Postgres:
        kill = "kill",
        kill_all = "kill-all",
        freeze = "freeze",
        clock = "clock",
        rights = "rights",
        restart = "restart",
        crash = "crash",
        kill_server = "kill-server",
        outage = "outage",
        failover = "failover",
        terminate = "terminate",
        lock = "lock",
        connections = "connections",
        cut = "cut",
        lose_answers = "lose-answers",
        slow = "slow",
    }

    #[test]
    fn all_are_here() {
        all_are_tested(Store::Postgres, NAMES);
    }
}

mod sqlite {
    use super::*;

    drills! { Sqlite:
        kill = "kill",
        kill_all = "kill-all",
        freeze = "freeze",
        clock = "clock",
        rights = "rights",
        busy = "busy",
    }

    #[test]
    fn all_are_here() {
        all_are_tested(Store::Sqlite, NAMES);
    }
}

fn all_are_tested(store: Store, tested: &[&str]) {
    let drills = drill::all(store);
    // Those with a disk are below, and the one in which nothing is done is what `workflows.rs` does.
    let others = drills.iter().filter(|drill| drill.wishes().disk.is_none() && drill.name() != "quiet");
    let names: BTreeSet<&str> = others.map(|drill| drill.name()).collect();
    assert_eq!(names, tested.iter().copied().collect());
}

/// Disks that are small need mounts of their own, so they are another process's.
fn done_by_the_program(arguments: &[&str]) {
    let seed = setting("TASKER_E2E_SEED", 1).to_string();
    let mut program = Command::new(env!("CARGO_BIN_EXE_drills"));
    let ended = program.args(arguments).args(["--seed", &seed]).output().unwrap();
    let told = [ended.stdout, ended.stderr].map(|told| String::from_utf8_lossy(&told).into_owned());
    println!("{}", told.join("\n"));
    assert!(ended.status.success(), "{arguments:?}: {}", ended.status);
}

#[test]
fn a_full_disk_of_tables() {
    done_by_the_program(&["--postgres", "--only", "disk"]);
}

#[test]
fn a_full_disk_of_the_log_of_changes() {
    done_by_the_program(&["--postgres", "--only", "wal"]);
}

#[test]
fn a_full_disk_of_a_file() {
    done_by_the_program(&["--sqlite", "--only", "disk"]);
}
