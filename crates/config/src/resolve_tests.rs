//! Tests of loading: layers, precedence, and that every violation is named at once.

use serde_json::json;

use super::*;

struct World {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["work", "user"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let sources = Sources {
            working_directory: folder.path().join("work"),
            user_directory: Some(folder.path().join("user")),
            ..Sources::default()
        };
        Self { folder, sources }
    }

    fn file(self, place: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(place).join("tasker.toml"), text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.insert(name.into(), value.into());
        self
    }

    fn load(&self) -> Result<Configuration, ConfigError> {
        load(&self.sources)
    }

    /// Code, key and line of each problem.
    fn problems(&self) -> Vec<(&'static str, String, Option<usize>)> {
        let error = self.load().unwrap_err();
        error.0.iter().map(|p| (p.code, p.key.clone().unwrap_or_default(), p.source.line())).collect()
    }
}

fn entry<'a>(configuration: &'a Configuration, key: &str) -> &'a Entry {
    configuration.entries.iter().find(|entry| entry.key == key).unwrap()
}

#[test]
fn nothing_said_is_all_defaults() {
    let configuration = World::new().load().unwrap();
    assert_eq!(configuration.settings.backoff, tasker_core::backoff::BackoffPolicy::default());
    assert_eq!(configuration.settings.analysis_weights, tasker_core::analysis::AnalysisWeights::default());
    assert_eq!(configuration.settings.execution.max_concurrent_steps, 256);
    assert_eq!(configuration.settings.limits.max_result_bytes, 1024 * 1024);
    assert_eq!(configuration.settings.retention, None);
    assert!(configuration.entries.iter().all(|entry| entry.source == Origin::Default));
}

#[test]
fn later_layers_win() {
    let mut world = World::new()
        .file("user", "[execution]\nmax_concurrent_steps = 1\nmax_batch_items = 2\ngrace = 5")
        .file("work", "[execution]\nmax_concurrent_steps = 3\nmax_batch_items = 4")
        .variable("TASKER_EXECUTION_MAX_CONCURRENT_STEPS", "5");
    world.sources.flags.push(("--log-level", "telemetry.log_level", "debug".into()));
    let configuration = world.load().unwrap();
    let shown: Vec<_> = [
        "execution.max_concurrent_steps",
        "execution.max_batch_items",
        "execution.grace",
        "telemetry.log_level",
    ]
    .map(|key| entry(&configuration, key).value.clone())
    .to_vec();
    assert_eq!(json!(shown), json!([5, 4, "5s", "debug"]));
    assert_eq!(
        entry(&configuration, "execution.max_concurrent_steps").source.to_string(),
        "environment variable TASKER_EXECUTION_MAX_CONCURRENT_STEPS"
    );
    assert!(
        entry(&configuration, "execution.max_batch_items").source.to_string().ends_with("work/tasker.toml:3")
    );
    assert_eq!(entry(&configuration, "telemetry.log_level").source.to_string(), "flag --log-level");
}

#[test]
fn an_explicit_file_is_the_only_one_and_must_exist() {
    let mut world = World::new().file("work", "nonsense = 1").file("user", "[execution]\ngrace = \"7s\"");
    world.sources.explicit = Some(world.folder.path().join("user/tasker.toml"));
    assert_eq!(world.load().unwrap().settings.execution.grace, Duration::from_secs(7));
    world.sources.explicit = Some(world.folder.path().join("missing.toml"));
    assert_eq!(world.problems()[0].0, "config_unreadable");
}

#[test]
fn dom_99_every_violation_is_named_at_once() {
    let world = World::new()
        .file(
            "work",
            r#"
[execution]
max_concurrent_steps = 0
max_in_flight = "many"
heartbeat_interval = "5s"
max_concurent_steps = 4
[telemetry]
log_level = "loud"
[backoff]
jitter_max_percentage = 1.5
default_backoff_seconds = []
[retention]
finished_tasks = "soon"
[nonsense]
a = 1
"#,
        )
        .variable("TASKER_LIMITS_MAX_RESULT_BYTES", "many");
    let found: Vec<String> =
        world.problems().iter().map(|(code, key, line)| format!("{code} {key} {line:?}")).collect();
    assert_eq!(
        found,
        [
            "out_of_range execution.max_concurrent_steps Some(3)",
            "wrong_type execution.max_in_flight Some(4)",
            "unknown_setting execution.max_concurent_steps Some(6)",
            "out_of_range telemetry.log_level Some(8)",
            "out_of_range backoff.jitter_max_percentage Some(10)",
            "wrong_type retention.finished_tasks Some(13)",
            "unknown_setting nonsense Some(14)",
            "wrong_type limits.max_result_bytes None",
            "contradiction execution.lease None",
            "out_of_range backoff.default_backoff_seconds Some(11)",
        ]
    );
    let text = world.load().unwrap_err().to_string();
    assert!(text.contains("did you mean execution.max_concurrent_steps?"), "{text}");
}

#[test]
fn a_key_in_the_wrong_section_is_found_in_the_right_one() {
    let error = World::new().file("work", "max_result_bytes = 5").load().unwrap_err();
    assert_eq!(error.0[0].help.as_deref(), Some("did you mean limits.max_result_bytes?"));
}

#[test]
fn syntax_errors_have_a_line() {
    let problems = World::new().file("work", "[execution]\n\ngrace = = 1\n").problems();
    assert_eq!((problems[0].0, problems[0].2), ("config_syntax", Some(3)));
}

#[test]
fn settings_of_parts_that_are_not_built_are_accepted_with_a_warning() {
    let text = "[execution]\nmin_concurrent_steps = 0\n[cache]\ndefault_ttl = 5\n[telemetry.otlp]\nendpoint = \"x\"\n\
                [backoff.reenqueue_delays]\nprocessing = 10\n[sinks.a]\ntype = \"http\"\n";
    let configuration = World::new().file("work", text).load().unwrap();
    let keys: Vec<_> = configuration.notices.iter().map(|notice| notice.key.as_str()).collect();
    assert_eq!(
        keys,
        ["execution.min_concurrent_steps", "cache", "telemetry.otlp", "backoff.reenqueue_delays", "sinks"]
    );
    assert!(configuration.notices.iter().all(|notice| notice.code == "setting_without_effect"));
}

#[test]
fn weights_of_the_analysis_lie_in_tables_of_tables() {
    let world = World::new()
        .file(
            "work",
            "[dependency_graph.impact_multipliers]\nblocked_weight = 20\n\
             [dependency_graph]\nseverity_multipliers.error_state = 3\n",
        )
        .variable("TASKER_DEPENDENCY_GRAPH_SEVERITY_THRESHOLDS_CRITICAL", "200");
    let weights = world.load().unwrap().settings.analysis_weights;
    assert_eq!(weights.impact_multipliers.blocked_weight, 20);
    assert_eq!(weights.severity_multipliers.error_state, 3.0);
    assert_eq!(weights.severity_thresholds.critical, 200);
    assert_eq!(weights.severity_thresholds.high, 50, "what is not said keeps its default");
    let text = "[dependency_graph.severity_thresholds]\nhigh = 100\nmedium = 0\n\
                [dependency_graph.penalty_constants]\nretry_instability = -1\nnonsense = 1\n";
    let mut problems = World::new().file("work", text).problems();
    problems.sort_by_key(|(_, _, line)| *line);
    let found: Vec<String> =
        problems.iter().map(|(code, key, line)| format!("{code} {key} {line:?}")).collect();
    assert_eq!(
        found,
        [
            "contradiction dependency_graph.severity_thresholds.critical None",
            "out_of_range dependency_graph.severity_thresholds.medium Some(3)",
            "wrong_type dependency_graph.penalty_constants.retry_instability Some(5)",
            "unknown_setting dependency_graph.penalty_constants.nonsense Some(6)",
        ]
    );
}

#[test]
fn a_misspelt_variable_is_a_warning() {
    let configuration = World::new()
        .variable("TASKER_DATABSE_URL", "x")
        .variable("TASKER_SOMETHING_ELSE", "y")
        .load()
        .unwrap();
    let keys: Vec<_> = configuration.notices.iter().map(|notice| notice.key.as_str()).collect();
    assert_eq!(keys, ["TASKER_DATABSE_URL"]);
}

#[test]
fn secrets_come_from_the_environment_and_are_never_shown() {
    let world = World::new()
        .file("work", "[database]\nurl = \"postgres://me:${DB_PASSWORD}@host/db?sslpassword=x\"")
        .variable("DB_PASSWORD", "s3cret");
    let configuration = world.load().unwrap();
    assert_eq!(
        configuration.settings.database_url.as_deref(),
        Some("postgres://me:s3cret@host/db?sslpassword=x")
    );
    assert_eq!(
        entry(&configuration, "database.url").value,
        json!("postgres://me:[FILTERED]@host/db?[FILTERED]")
    );

    let world = World::new().file("work", "[database]\nurl = \"postgres://me:${DB_PASSWORD}@host/db\"");
    assert_eq!(world.problems(), [("missing_env_var", "database.url".into(), Some(2))]);
}

#[test]
fn limits_per_handler_are_a_table() {
    let text = "[execution.handler_limits]\nhttp = 8\n\"my.handler\" = 2";
    let configuration = World::new().file("work", text).load().unwrap();
    let limits = &configuration.settings.execution.handler_limits;
    assert_eq!(limits.get("http"), Some(&8));
    assert_eq!(limits.get("my.handler"), Some(&2));
    let problems = World::new().file("work", "[execution.handler_limits]\nhttp = 0").problems();
    assert_eq!(problems[0].0, "out_of_range");
}

#[test]
fn api_95_a_misspelt_setting_of_who_may_do_what_is_no_mere_notice() {
    let text =
        "[auth]\nauthorisation_enabled = true\nauthenticator_class = \"Gate\"\n[api]\nlisten = \"[::1]:80\"";
    let keys: Vec<String> = World::new().file("work", text).problems().into_iter().map(|one| one.1).collect();
    assert_eq!(keys, ["auth.authorisation_enabled", "auth.authenticator_class"]);
}

#[test]
fn settings_of_the_api_in_a_file_take_effect() {
    let text =
        "[api]\nlisten = \"[::1]:80\"\nrate_limit.burst = 7\n[auth]\nroles.clerk = [\"tasker.task:show\"]";
    let settings = World::new().file("work", text).load().unwrap().settings;
    assert_eq!((settings.api.listen.as_str(), settings.api.rate_limit.burst), ("[::1]:80", 7));
    assert_eq!(settings.auth.roles["clerk"], ["tasker.task:show"]);
}

#[test]
fn what_is_masked_unless_told_otherwise_is_what_the_core_masks() {
    let log = World::new().load().unwrap().settings.log;
    assert_eq!(log.filter_parameters, tasker_core::masking::DEFAULT_PATTERNS);
    assert_eq!(log.filter_mask, tasker_core::masking::DEFAULT_MASK);
}
