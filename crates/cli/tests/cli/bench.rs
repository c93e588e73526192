//! `tasker bench`, small.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::World;

/// Arguments of a run that is over soon.
fn run(world: &World, args: &[&str]) -> Value {
    world.json(&[&["bench", "--quiet"], args].concat())
}

fn number(report: &Value, pointer: &str) -> f64 {
    report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer}: {report:#}"))
}

#[test]
fn every_figure_is_there_and_plausible() {
    for (shape, n_steps, n_hops_on_the_way) in
        [("linear", 5.0, 4.0), ("fan-out", 22.0, 2.0), ("mixed", 9.0, 4.0)]
    {
        let world = World::new();
        let report = run(&world, &["--shape", shape, "--tasks", "20", "--idle-tasks", "5", "--with-ceiling"]);
        let at = |pointer: &str| number(&report, pointer);
        assert_eq!((at("/tasks"), at("/steps_per_task")), (20.0, n_steps), "{shape}");
        assert_eq!(at("/executions"), (20.0 + 5.0 + 10.0) * n_steps, "warm-up and idle tasks run as well");
        assert_eq!((at("/failed_attempts"), &report["verified"]), (0.0, &true.into()));
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 0.001;
        assert!(near(at("/steps_per_second"), at("/tasks_per_second") * n_steps));
        assert!(near(at("/tasks_per_second"), 20.0 / at("/seconds")));
        assert!(
            at("/latency_ms/p50") <= at("/latency_ms/p95") && at("/latency_ms/p95") <= at("/latency_ms/p99")
        );
        assert!(at("/latency_ms/p99") > at("/hop_ms/p50") * n_hops_on_the_way, "hops are parts of latencies");
        assert!(at("/hop_ms/p50") > 0.0 && at("/hop_ms/p50") <= at("/hop_ms/p99"));
        assert!(at("/commit_ms/p50") > 0.0);
        assert!(at("/commits_per_step") > 0.0 && at("/commits_per_step") <= 2.0);
        // The smallest write is a page of 4 KiB, and there are at least two per task: its beginning and its end.
        assert!(at("/log_bytes_per_step") > 100.0, "{}", at("/log_bytes_per_step"));
        assert!(at("/cpu_seconds_per_1000_steps/engine") > 0.0);
        assert!(at("/memory_bytes/resident") > 1e6);
        assert!(at("/ceiling/steps_per_second") > 0.0);
        assert!(near(at("/ratio"), at("/steps_per_second") / at("/ceiling/steps_per_second")));
        assert!(!world.path("data").exists(), "nothing stays behind");
    }
}

#[test]
fn steps_that_are_to_fail_fail_once() {
    let world = World::new();
    let args =
        ["--shape", "fan-out", "--steps", "4", "--tasks", "6", "--failure-rate", "1", "--idle-tasks", "0"];
    let report = run(&world, &args);
    assert_eq!((&report["executions"], &report["failed_attempts"]), (&48.into(), &24.into()));
    assert!(report.get("latency_ms").is_none(), "nothing ran alone");
    assert!(number(&report, "/seconds") > 3.0, "each failed step on the way waits a second");
}

#[test]
fn worker_processes_run_the_steps() {
    let world = World::new();
    let args = ["--tasks", "12", "--workers", "2", "--concurrency", "4", "--handler-ms", "1", "--bulk"];
    let report = run(&world, &args);
    assert_eq!((&report["executions"], &report["worker_processes"]), (&60.into(), &2.into()));
    assert_eq!((&report["submission"], &report["max_concurrent_steps"]), (&"bulk".into(), &4.into()));
    assert!(number(&report, "/commits_per_step") > 0.0 && number(&report, "/memory_bytes/resident") > 1e6);
    assert!(!world.path("data").exists());
}

#[test]
fn the_ceiling_alone() {
    let world = World::new();
    let report =
        world.json(&["bench", "ceiling", "--shape", "diamond", "--tasks", "20", "--runs", "3", "--quiet"]);
    assert_eq!((&report["steps_per_task"], &report["verified"]), (&7.into(), &true.into()));
    assert_eq!(report["runs"].as_array().unwrap().len(), 3);
    assert!(
        number(&report, "/steps_per_second") > 0.0 && number(&report, "/single_row_commits_per_second") > 0.0
    );
}

#[test]
fn what_was_measured_can_be_kept_and_looked_at() {
    let world = World::new();
    let args = ["--tasks", "3", "--idle-tasks", "0", "--keep", "--database-url", "sqlite:work/tasker.db"];
    let url = run(&world, &args)["kept_databases"][0].as_str().unwrap().to_owned();
    assert!(url.starts_with("sqlite:work/bench-"), "{url}");
    let tasks = world.json(&["task", "list", "--database-url", &url, "--status", "complete"]);
    assert_eq!(tasks["tasks"].as_array().unwrap().len(), 3);
    assert!(!world.path("work/tasker.db").exists(), "the database that is named is not touched");
}

#[test]
fn people_get_text_and_wrong_usage_is_told() {
    let world = World::new();
    let ran = world.run(&["bench", "--tasks", "3", "--idle-tasks", "1", "--runs", "2"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("run 1 of 2: "), "{}", ran.stderr);
    for line in
        ["workload:            3 linear tasks of 5 steps", "throughput:", "latency of a task:", "verified:"]
    {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    for args in [
        &["bench", "--shape", "round"][..],
        &["bench", "--failure-rate", "1.5"],
        &["bench", "--callers", "3", "--bulk"],
        &["bench", "--tasks", "3", "ceiling"],
        &["bench", "--database", "postgres"],
    ] {
        assert_eq!(world.run(args).status, 2, "{args:?}");
    }
}

#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    for args in [&["bench", "--tasks", "1000000"][..], &["bench", "--tasks", "1000000", "--workers", "2"]] {
        let world = World::new();
        let folder = world.path("data/tasker");
        let running = world.start(&[args, &["--idle-tasks", "0"]].concat());
        let deadline = Instant::now() + Duration::from_secs(30);
        while !folder.read_dir().is_ok_and(|mut found| found.next().is_some()) {
            assert!(Instant::now() < deadline, "no database was made");
            std::thread::yield_now();
        }
        running.signal("INT");
        assert_eq!(running.end().0, 130, "{args:?}");
        assert!(!folder.exists(), "{args:?}");
    }
}
