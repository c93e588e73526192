//! The help texts of all commands, locked.

use crate::world::World;

const COMMANDS: &[&str] = &[
    "",
    "run",
    "dev",
    "definition",
    "definition validate",
    "definition list",
    "definition show",
    "definition versions",
    "definition register",
    "definition retire",
    "definition diff",
    "definition graph",
    "task",
    "task create",
    "task list",
    "task show",
    "task watch",
    "task cancel",
    "task retry",
    "task resolve",
    "task resume",
    "task update",
    "task annotate",
    "task annotations",
    "task bulk",
    "task bulk create",
    "task bulk cancel",
    "task bulk retry",
    "task bulk resume",
    "task bulk resolve",
    "task explain",
    "task diagram",
    "task events",
    "step",
    "step show",
    "step retry",
    "step resolve",
    "step cancel",
    "events",
    "events tail",
    "events readers",
    "events forget",
    "worker",
    "worker run",
    "worker list",
    "server",
    "server run",
    "auth",
    "auth key",
    "auth key create",
    "auth key list",
    "auth key rotate",
    "auth key revoke",
    "analyze",
    "analyze task",
    "analyze definition",
    "analyze health",
    "analyze metrics",
    "analyze slow",
    "db",
    "db migrate",
    "db status",
    "db check",
    "db prune",
    "config",
    "config check",
    "config show",
    "demo",
    "bench",
    "bench ceiling",
    "torture",
    "completions",
    "version",
];

#[test]
fn help_texts_are_locked() {
    let world = World::new();
    for command in COMMANDS {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let ran = world.run(&args);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{command}");
        let (own, common) = ran.stdout.split_once("Everywhere:\n").unwrap();
        // The flags that all commands share are locked once.
        let text = if command.is_empty() { &ran.stdout } else { own };
        let after = common.rsplit_once("Examples:\n").map(|(_, examples)| format!("Examples:\n{examples}"));
        let text = if command.is_empty() {
            text.to_owned()
        } else {
            format!("{text}[...]\n\n{}", after.unwrap_or_default())
        };
        insta::assert_snapshot!(format!("help_{}", command.replace(' ', "_")), text);
    }
}

#[test]
fn each_command_that_does_something_has_an_example() {
    let world = World::new();
    let groups = [
        "definition",
        "task",
        "task bulk",
        "step",
        "events",
        "worker",
        "server",
        "auth",
        "auth key",
        "analyze",
        "db",
        "config",
    ];
    for command in COMMANDS.iter().filter(|command| !groups.contains(command)) {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        assert!(world.run(&args).stdout.contains("Examples:\n  tasker "), "{command}");
    }
}

#[test]
fn every_command_is_in_the_list() {
    let world = World::new();
    let listed = |group: &str| -> Vec<String> {
        let args: Vec<&str> = group.split_whitespace().chain(["--help"]).collect();
        let text = world.run(&args).stdout;
        let commands = text.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
        let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names
            .map(|line| format!("{group} {}", line.split_whitespace().next().unwrap()).trim().to_owned())
            .collect()
    };
    for group in [
        "",
        "definition",
        "task",
        "task bulk",
        "step",
        "events",
        "worker",
        "server",
        "analyze",
        "db",
        "config",
        "bench",
    ] {
        for command in listed(group) {
            assert!(COMMANDS.contains(&command.as_str()), "{command}");
        }
    }
}

#[test]
fn version_and_completions() {
    let world = World::new();
    assert_eq!(world.run(&["version"]).stdout, format!("tasker {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(world.json(&["version"])["name"], "tasker");
    for shell in ["bash", "zsh", "fish"] {
        let ran = world.run(&["completions", shell]);
        assert!(ran.status == 0 && ran.stdout.contains("tasker"), "{shell}");
    }
    assert_eq!(world.run(&["completions", "cobol"]).status, 2);
}
