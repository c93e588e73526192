//! `tasker demo`: what it says, that it says the same for the same seed, and that it can be stopped.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::Signal;
use tasker_e2e::home::Home;
use tasker_torture::Running;

/// The lines of a summary that depend on the seed alone.
fn counts(summary: &str) -> Vec<String> {
    let orders =
        summary.lines().filter_map(|line| line.split_once(", in ").map(|(counts, _)| counts.to_owned()));
    let steady = ["failed calls", "retries", "cards"];
    let others = summary.lines().filter(|line| steady.iter().any(|word| line.trim_start().starts_with(word)));
    orders.take(1).chain(others.map(str::to_owned)).collect()
}

/// The flags that put the demo's database into the home.
fn here(home: &Home) -> [String; 2] {
    ["--database-url".to_owned(), home.database_url()]
}

#[test]
fn equal_seeds_give_equal_counts() -> Result<()> {
    let home = Home::new()?;
    let start = |seed: &str, database: &str| {
        let folder = home.path().join(database);
        let flags = ["demo", "--orders", "60", "--rate", "60", "--seed", seed, "--data-dir"];
        home.start(&[&flags[..], &[&folder.display().to_string()]].concat())
    };
    let runs = [start("7", "one")?, start("7", "two")?, start("8", "three")?];
    let mut summaries = Vec::new();
    for run in runs {
        summaries.push(counts(&run.finish()?.expect_code(0)?.stdout));
    }
    let [one, again, other] = &summaries[..] else { unreachable!("three runs") };
    assert_eq!(one[0], "60 orders: 59 completed, 1 failed");
    assert_eq!(one.len(), 4, "{one:?}");
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!(one[3].contains("59 charged, 0 charged twice"), "{}", one[3]);
    Ok(())
}

#[test]
fn the_commands_of_the_summary_work() -> Result<()> {
    let home = Home::new()?;
    let [flag, url] = here(&home);
    let began = Instant::now();
    let demo = home.ok(&["demo", &flag, &url])?;
    assert!(began.elapsed() < Duration::from_secs(20), "a demo of {:?}", began.elapsed());
    let commands: Vec<Vec<&str>> = demo
        .stdout
        .lines()
        .filter_map(|line| line.split_once("tasker task ").map(|(_, words)| words))
        .map(|words| ["task"].into_iter().chain(words.split_whitespace()).collect())
        .collect();
    assert_eq!(commands.len(), 3, "{}", demo.stdout);
    for command in &commands {
        home.ok(command)?;
    }
    let shown = home.ok(&[commands[1].as_slice(), &["--output", "json"]].concat())?.json()?;
    assert_eq!(shown["status"], "error");
    Ok(())
}

#[test]
fn without_flags_the_configured_database_is_left_alone() -> Result<()> {
    let home = Home::new()?;
    std::fs::create_dir(home.path().join("tmp"))?;
    let mut command = home.command(&["demo", "--orders", "3"]);
    command.env("TMPDIR", home.path().join("tmp"));
    Running::start(command, home.path())?.finish()?.expect_code(0)?;
    assert!(!home.database().exists());
    Ok(())
}

#[test]
fn an_interrupted_demo_stops_and_says_so() -> Result<()> {
    let home = Home::new()?;
    let [flag, url] = here(&home);
    let demo = home.start(&["demo", "--orders", "1000", "--rate", "50", &flag, &url])?;
    let until = Instant::now() + Duration::from_secs(20);
    while !demo.stderr().contains("complete after") {
        assert!(Instant::now() < until, "no order ended: {}", demo.stderr());
        std::thread::yield_now();
    }
    demo.signal(Signal::INT)?;
    let ended = demo.finish()?.expect_code(130)?;
    let line = ended.stdout.lines().find(|line| line.contains("interrupted")).context("it says so")?;
    assert!(line.contains("orders did not end"), "{line}");
    home.ok(&["db", "check"])?;
    Ok(())
}
