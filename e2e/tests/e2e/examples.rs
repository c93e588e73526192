//! The examples, run by the very commands that their READMEs name.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tasker_e2e::home::Home;

/// The address in the READMEs; tests take a free one.
const ADDRESS: &str = "127.0.0.1:8080";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository's root").join("examples")
}

/// Puts an example where its README says it is, below the home's directory.
fn copy(name: &str, home: &Home) -> Result<()> {
    copy_folder(&examples().join(name), &home.path().join("examples").join(name))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The arguments of the `tasker run` line of an example's README.
fn command(name: &str) -> Result<Vec<String>> {
    let readme = std::fs::read_to_string(examples().join(name).join("README.md"))?;
    let line = readme.lines().find_map(|line| line.strip_prefix("tasker run "));
    let line = line.with_context(|| format!("the README of {name} names no command"))?;
    Ok(["run"].into_iter().chain(line.split_whitespace()).map(str::to_owned).collect())
}

/// Runs an example to its end and gives what was printed.
fn run(name: &str, home: &Home) -> Result<Value> {
    let mut words = command(name)?;
    words.extend(["--output".to_owned(), "json".to_owned()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let document = home.ok(&words)?.json()?;
    assert_eq!(document["status"], "complete", "{document}");
    Ok(document)
}

fn results<'a>(document: &'a Value, step: &str) -> Result<&'a Value> {
    let steps = document["steps"].as_array().context("a list of steps")?;
    let found = steps.iter().find(|found| found["name"] == step);
    Ok(&found.with_context(|| format!("no step {step}"))?["results"])
}

#[test]
fn every_example_is_valid_in_all_environments() -> Result<()> {
    let home = Home::new()?;
    let mut count = 0;
    for entry in std::fs::read_dir(examples())? {
        let file = entry?.path().join("workflow.yaml");
        if file.is_file() {
            home.ok(&["definition", "validate", "--all-envs", &file.display().to_string()])?;
            count += 1;
        }
    }
    assert!(count >= 4, "{count} examples");
    Ok(())
}

#[test]
fn the_workflow_of_the_readme() -> Result<()> {
    let home = Home::new()?;
    let readme = std::fs::read_to_string(examples().join("../README.md"))?;
    let command = r#"tasker run greet.yaml --context '{"person": "Ada"}' --allow-commands"#;
    assert!(readme.contains(command), "the README names the command that is run here");
    let (_, yaml) = readme.split_once("```yaml\n").context("a definition")?;
    home.write("greet.yaml", yaml.split("```").next().context("its end")?)?;
    let words =
        ["run", "greet.yaml", "--context", r#"{"person": "Ada"}"#, "--allow-commands", "--output", "json"];
    let document = home.ok(&words)?.json()?;
    assert_eq!(results(&document, "greet")?, "Hello Ada, all 3 letters of you!");
    Ok(())
}

#[test]
fn order_fulfilment() -> Result<()> {
    let home = Home::new()?;
    copy("order-fulfilment", &home)?;
    let shop = home.start(&["demo", "--shop-only"])?;
    let address = shop_address(|| shop.stdout())?;
    let context = home.path().join("examples/order-fulfilment/context.json");
    let text = std::fs::read_to_string(&context)?.replace(ADDRESS, &address);
    std::fs::write(&context, text)?;
    let document = run("order-fulfilment", &home)?;
    let order: Value = serde_json::from_str(&std::fs::read_to_string(&context)?)?;
    let items = order["items"].as_array().context("items")?;
    let total: u64 =
        items.iter().filter_map(|item| Some(item["quantity"].as_u64()? * item["cents"].as_u64()?)).sum();
    assert_eq!(results(&document, "reserve_stock")?["body"]["total"], total);
    assert_eq!(results(&document, "charge_card")?["body"]["cents"], total);
    assert_eq!(results(&document, "close_order")?["body"], json!({ "closed": true }));
    Ok(())
}

fn shop_address(said: impl Fn() -> String) -> Result<String> {
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        if let Some(line) = said().lines().next().filter(|_| said().ends_with('\n')) {
            return line.strip_prefix("http://").map(str::to_owned).context("the shop names its URL first");
        }
        std::thread::yield_now();
    }
    bail!("the shop does not say where it is")
}

#[test]
fn data_pipeline() -> Result<()> {
    let home = Home::new()?;
    copy("data-pipeline", &home)?;
    let document = run("data-pipeline", &home)?;
    let (mut rows, mut cents) = (0_u64, 0_u64);
    for entry in std::fs::read_dir(home.path().join("examples/data-pipeline/data"))? {
        for line in std::fs::read_to_string(entry?.path())?.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            cents += fields[3].parse::<u64>()? * fields[4].parse::<u64>()?;
            rows += 1;
        }
    }
    assert_eq!(results(&document, "merge")?, &json!(rows));
    assert_eq!(results(&document, "total")?, &json!(cents));
    let report = std::fs::read_to_string(home.path().join("examples/data-pipeline/report.txt"))?;
    let title = format!("Sales of the first quarter: {rows} orders, {cents} cents\n");
    assert!(report.starts_with(&title), "{report}");
    assert_eq!(results(&document, "write_report")?.as_str().map(str::trim_end), Some(report.trim_end()));
    Ok(())
}

#[test]
fn customer_onboarding() -> Result<()> {
    let home = Home::new()?;
    copy("customer-onboarding", &home)?;
    let document = run("customer-onboarding", &home)?;
    assert_eq!(results(&document, "set_up_billing")?, &json!({ "plan": "team", "cents": 4900 }));
    assert_eq!(results(&document, "initialize_preferences")?, &json!({ "preferences": "en" }));
    let number = &results(&document, "create_account")?["number"];
    let welcome = std::fs::read_to_string(home.path().join("crm/acme/welcome"))?;
    assert_eq!(welcome, format!("account {number}, 4900 cents a month\n"));
    assert_eq!(std::fs::read_to_string(home.path().join("crm/acme/active"))?, "yes\n");
    Ok(())
}

#[test]
fn a_customer_that_the_schema_refuses_is_not_onboarded() -> Result<()> {
    let home = Home::new()?;
    copy("customer-onboarding", &home)?;
    home.write("bad.json", r#"{ "customer": "Acme Inc.", "email": "office@acme.example" }"#)?;
    let words =
        ["run", "examples/customer-onboarding/workflow.yaml", "--context", "@bad.json", "--allow-commands"];
    let ended = home.run(&words)?.expect_code(1)?;
    assert!(ended.stderr.contains("customer"), "{}", ended.stderr);
    assert!(!home.path().join("crm").exists());
    Ok(())
}

#[test]
fn wide_fan_out() -> Result<()> {
    let home = Home::new()?;
    copy("wide-fan-out", &home)?;
    let document = run("wide-fan-out", &home)?;
    let text = std::fs::read_to_string(examples().join("wide-fan-out/text.txt"))?.to_lowercase();
    let count = |letter: char| text.chars().filter(|c| *c == letter).count();
    let mut expected: Vec<(usize, char)> = ('a'..='z').map(|letter| (count(letter), letter)).collect();
    expected.sort_by_key(|(count, letter)| (std::cmp::Reverse(*count), *letter));
    let expected: Vec<String> = expected.iter().map(|(count, letter)| format!("{letter} {count}")).collect();
    assert_eq!(results(&document, "rank")?, &json!(expected));
    assert_eq!(document["steps"].as_array().map(Vec::len), Some(28));
    Ok(())
}
