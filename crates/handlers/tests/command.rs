//! The `command` handler with real programs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tasker_core::outcome::Failure;
use tasker_engine::context::StepContext;
use tasker_engine::handler::StepHandler;
use tasker_handlers::{COMMAND, CommandHandler, ShippedOptions, shipped};

fn handler() -> CommandHandler {
    CommandHandler::default()
}

fn step(config: Value) -> StepContext {
    StepContext::for_test("count", config, json!({ "n": 2 }), &[("before", json!({ "x": 1 }))])
}

async fn run(config: Value) -> Result<Value, Failure> {
    handler().run(step(config)).await
}

async fn sh(script: &str, more: Value) -> Result<Value, Failure> {
    let mut config = json!({ "program": "sh", "args": ["-c", script] });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    run(config).await
}

fn outline(failure: &Failure) -> (&str, bool) {
    (failure.code.as_str(), failure.is_retryable())
}

async fn failed(script: &str, more: Value) -> Failure {
    sh(script, more).await.unwrap_err()
}

#[test]
fn commands_are_served_only_where_they_are_allowed() {
    let serves = |allow_commands| {
        let handlers = shipped(ShippedOptions { allow_commands, ..ShippedOptions::default() });
        handlers.names().any(|name| name.as_str() == COMMAND)
    };
    assert!(!serves(false));
    assert!(serves(true));
}

#[tokio::test]
async fn json_goes_in_and_comes_out() {
    let result = run(json!({ "program": "cat" })).await.unwrap();
    let step = json!({
        "name": "count", "attempt": 1, "task_id": "00000000-0000-0000-0000-000000000000",
        "idempotency_key": "00000000-0000-0000-0000-000000000000/count",
    });
    let results = json!({ "before": { "x": 1 } });
    assert_eq!(
        result,
        json!({ "context": { "n": 2 }, "inputs": { "n": 2 }, "results": results, "step": step })
    );
    assert_eq!(
        run(json!({ "program": "cat", "stdin": { "a": "{{ context.n }}" } })).await.unwrap(),
        json!({ "a": 2 })
    );
    assert_eq!(run(json!({ "program": "cat", "stdin": null })).await.unwrap(), Value::Null);
}

#[tokio::test]
async fn text_and_lines_come_out() {
    let wc = json!({ "program": "wc", "args": ["-l"], "stdin": "a\nb\n", "output": "text" });
    assert_eq!(run(wc).await.unwrap(), "2");
    assert_eq!(sh("printf 'a\\nb\\n'", json!({ "output": "lines" })).await.unwrap(), json!(["a", "b"]));
    let unread = json!({ "output": "text", "stdin": "x".repeat(1_000_000) });
    assert_eq!(sh("echo done", unread).await.unwrap(), "done");
    let both = sh("yes err | head -c 300000 >&2; yes out | head -c 300000", json!({ "output": "text" }))
        .await
        .unwrap();
    assert_eq!(both.as_str().unwrap().len(), 299_999);
}

#[tokio::test]
async fn the_environment_is_that_of_the_worker_without_its_own_settings() {
    let script = "echo \"$TASKER_STEP/$TASKER_ATTEMPT/$A/${HOME-none}/$PWD\"";
    let more = json!({ "output": "text", "env": { "A": "{{ context.n }}", "HOME": null }, "cwd": "/" });
    assert_eq!(sh(script, more).await.unwrap(), "count/1/2/none//");
}

#[tokio::test]
async fn failures_tell_status_and_standard_error() {
    let failure = failed("yes x | head -c 20000 >&2; printf 'b\\0d' >&2; exit 3", json!({})).await;
    assert_eq!(outline(&failure), ("command_failed", true));
    let context = failure.context.unwrap();
    assert_eq!(context["exit_code"], 3);
    let stderr = context["stderr"].as_str().unwrap();
    assert!(stderr.ends_with("x\nb\u{fffd}d") && stderr.len() <= 8192 + 2, "{}", stderr.len());
    let failure = failed("exit 64", json!({ "permanent_exit_codes": [64] })).await;
    assert_eq!(outline(&failure), ("command_failed", false));
    let failure = failed("kill -9 $$", json!({})).await;
    assert_eq!(outline(&failure), ("command_killed", true));
    assert_eq!(failure.context.unwrap()["signal"], 9);
}

#[tokio::test]
async fn what_cannot_be_run_or_read_is_permanent() {
    let check = async |config: Value, code: &str| {
        assert_eq!(outline(&run(config).await.unwrap_err()), (code, false));
    };
    check(json!({ "program": "no-such-program" }), "command_not_found").await;
    check(json!({ "program": "/etc/passwd" }), "command_not_executable").await;
    check(json!({ "program": "true", "cwd": "/no/such/place" }), "invalid_working_directory").await;
    check(json!({ "program": "echo", "args": ["oops"] }), "invalid_output").await;
    check(json!({ "program": "printf", "args": [r#""\\u0000""#] }), "invalid_text").await;
    check(json!({ "program": "true", "agrs": [] }), "invalid_handler_config").await;
    check(json!({ "program": "{{ context.none }}" }), "template_undefined").await;
}

#[tokio::test]
async fn as_51_output_beyond_the_limit_ends_the_program() {
    let start = Instant::now();
    let failure = failed("yes", json!({ "output": "text" })).await;
    assert_eq!(outline(&failure), ("output_too_large", false));
    assert!(start.elapsed() < Duration::from_secs(5));
    let failure = failed("echo fives", json!({ "output": "text", "max_output_bytes": 5 })).await;
    assert_eq!(outline(&failure), ("output_too_large", false));
    assert_eq!(sh("echo four", json!({ "output": "text", "max_output_bytes": 5 })).await.unwrap(), "four");
}

/// A pipe that a script writes its first line to and every process of it keeps open: what is read from it tells when
/// the script runs, and its end tells when the last process has ended.
struct Lifeline {
    path: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Lifeline {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lifeline");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self { path, _folder: folder }
    }

    /// A script that holds the pipe open.
    fn script(&self, rest: &str) -> String {
        format!("exec 3> {}; echo ready >&3; {rest}", self.path.display())
    }

    /// Waits until the script has started.
    async fn started(&self) -> BufReader<File> {
        let path = self.path.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let mut pipe = BufReader::new(File::open(path).unwrap());
            let mut line = String::new();
            pipe.read_line(&mut line).unwrap();
            assert_eq!(line, "ready\n");
            pipe
        });
        tokio::time::timeout(Duration::from_secs(20), opened).await.expect("it starts").unwrap()
    }
}

/// Waits until no process of the script is left; what it wrote last.
async fn ended(mut pipe: BufReader<File>) -> String {
    let read = tokio::task::spawn_blocking(move || {
        let mut rest = String::new();
        pipe.read_to_string(&mut rest).unwrap();
        rest
    });
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("no process is left").unwrap()
}

/// Two processes that would run for a minute.
const TWO: &str = "sleep 60 & sleep 60";

#[tokio::test]
async fn a_time_limit_ends_the_whole_group() {
    let life = Lifeline::new();
    let script = life.script(TWO);
    let (failure, pipe) = tokio::join!(failed(&script, json!({ "timeout_seconds": 0.5 })), life.started());
    assert_eq!(outline(&failure), ("command_timeout", true));
    ended(pipe).await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let life = Lifeline::new();
    let script = life.script("sleep 60 & echo 1");
    let (result, pipe) = tokio::join!(sh(&script, json!({})), life.started());
    assert_eq!(result, Ok(json!(1)));
    ended(pipe).await;
}

#[tokio::test]
async fn a_program_may_finish_its_work_when_its_attempt_is_over() {
    let life = Lifeline::new();
    let script = life.script("trap 'echo last >&3; exit 0' TERM; echo set >&3; sleep 60 & wait");
    let step = step(json!({ "program": "sh", "args": ["-c", script] }));
    let cancellation = step.cancellation.clone();
    let running = tokio::spawn(async move { handler().run(step).await });
    let mut pipe = life.started().await;
    let mut line = String::new();
    pipe.read_line(&mut line).unwrap();
    assert_eq!(line, "set\n");
    cancellation.cancel();
    assert_eq!(outline(&running.await.unwrap().unwrap_err()), ("cancelled", true));
    assert_eq!(ended(pipe).await, "last\n");
}

#[tokio::test]
async fn an_abandoned_run_leaves_no_process() {
    let life = Lifeline::new();
    let script = life.script("trap '' TERM; sleep 60 & sleep 60");
    let running = tokio::spawn(async move { sh(&script, json!({})).await });
    let pipe = life.started().await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    ended(pipe).await;
}

/// Does something only in a process of its own: it is the worker that is killed below.
#[tokio::test]
async fn worker_that_is_killed() {
    if let Ok(script) = std::env::var("SCRIPT_OF_A_WORKER") {
        let _ = sh(&script, json!({})).await;
    }
}

#[tokio::test]
async fn programs_die_with_their_worker() {
    let life = Lifeline::new();
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker_that_is_killed", "--nocapture"])
        .env("SCRIPT_OF_A_WORKER", life.script(TWO))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pipe = life.started().await;
    worker.kill().unwrap();
    worker.wait().unwrap();
    ended(pipe).await;
}
