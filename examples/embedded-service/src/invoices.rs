//! The steps of an invoice: plain async functions, each with types for what it gets and gives.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tasker::{Builder, StepContext, StepError, result_of};

/// The workflow.
pub const DEFINITION: &str = include_str!("../workflow.yaml");

#[derive(Deserialize)]
struct Order {
    customer: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    article: String,
    quantity: u64,
    cents: u64,
}

/// Adds the handlers of the workflow. Invoices are written to `folder`.
pub fn handlers(builder: Builder, folder: PathBuf) -> Builder {
    builder
        .handler("invoices/add_up", add_up)
        .handler("invoices/number", number)
        .handler("invoices/write", write)
        .handler("invoices/deliver", move |step, _: Order| deliver(step, folder.clone()))
}

async fn add_up(_: StepContext, order: Order) -> Result<u64, StepError> {
    let total = order.lines.iter().try_fold(0_u64, |total, line| {
        line.quantity.checked_mul(line.cents).and_then(|cents| total.checked_add(cents))
    });
    total.ok_or_else(|| StepError::permanent("TooMuch", "too_much", "nobody can pay this much"))
}

/// The same number however often it is executed: it comes from the task.
async fn number(step: StepContext, _: Order) -> Result<String, StepError> {
    Ok(format!("INV-{}", step.task_id))
}

async fn write(step: StepContext, order: Order) -> Result<String, StepError> {
    let total: u64 = result_of(&step, "add_up").await?;
    let number: String = result_of(&step, "number").await?;
    let lines: Vec<String> =
        order.lines.iter().map(|line| format!("{:>4} {}", line.quantity, line.article)).collect();
    Ok(format!("{number}\nfor {}\n\n{}\n\n{total} cents\n", order.customer, lines.join("\n")))
}

/// Writes aside and renames: who is killed in between leaves nothing half done, and may do it again.
async fn deliver(step: StepContext, folder: PathBuf) -> Result<PathBuf, StepError> {
    let text: String = result_of(&step, "write").await?;
    let number: String = result_of(&step, "number").await?;
    let path = folder.join(format!("{number}.txt"));
    store(&folder, &path, &text).await.map_err(|error| {
        StepError::retryable("NotDelivered", "not_delivered", format!("{}: {error}", path.display()))
    })?;
    Ok(path)
}

async fn store(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let aside = path.with_extension("tmp");
    tokio::fs::write(&aside, text).await?;
    tokio::fs::rename(&aside, path).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tasker::TaskState;
    use tasker::testing::{EndedTask, InlineEngine};

    use super::*;

    async fn run(folder: &Path, context: Value) -> EndedTask {
        let folder = folder.to_owned();
        let engine = InlineEngine::start(|builder| handlers(builder, folder)).await.expect("an engine");
        let task = engine.run(DEFINITION, context).await.expect("it ends");
        engine.shutdown().await;
        task
    }

    fn order(cents: u64) -> Value {
        json!({ "customer": "Ada", "lines": [{ "article": "cup", "quantity": 6, "cents": cents }] })
    }

    #[tokio::test]
    async fn an_invoice_is_written_and_delivered() {
        let folder = tempfile::tempdir().expect("a folder");
        let task = run(folder.path(), order(690)).await;
        assert_eq!(task.state(), TaskState::Complete);
        assert_eq!(task.result("add_up"), Some(json!(4140)));
        let path = task.result("deliver").expect("a path");
        let text = std::fs::read_to_string(path.as_str().expect("a path")).expect("it was written");
        assert!(text.ends_with("for Ada\n\n   6 cup\n\n4140 cents\n"), "{text}");
    }

    #[tokio::test]
    async fn an_invoice_that_cannot_be_delivered_is_tried_five_times() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("not-a-folder");
        std::fs::write(&file, "").expect("a file");
        let task = run(&file, order(690)).await;
        assert_eq!((task.state(), task.attempts("deliver")), (TaskState::Error, 5));
        assert_eq!(task.error("deliver").map(|error| error.code.as_str()), Some("not_delivered"));
    }

    #[tokio::test]
    async fn what_nobody_can_pay_is_refused_for_good() {
        let folder = tempfile::tempdir().expect("a folder");
        let task = run(folder.path(), order(u64::MAX)).await;
        assert_eq!((task.state(), task.attempts("add_up")), (TaskState::Error, 1));
        assert_eq!(task.attempts("write"), 0);
    }
}
