//! The lines of the log that tell who changed what.

use std::io;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

use crate::roles::believing;
use crate::server::{Server, answer};

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// `principal permission decision status path` of each, in order; those of this call are taken.
    fn take(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told = |line: Value| {
            let field = |name: &str| line["fields"][name].as_str().unwrap_or_default().to_owned();
            let status = &line["fields"]["status"];
            let words = [field("principal"), field("permission"), field("decision"), status.to_string()];
            format!("{} {}", words.join(" "), field("target.path"))
        };
        lines.filter(|line| line["target"] == "tasker::audit").map(told).collect()
    }
}

#[tokio::test]
async fn every_change_and_every_refusal_of_one_is_told_once() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::with(believing()).await;
    let ask = async |who: &str, method: Method, path: &str, body: Value| {
        answer(server.request(method, path).header("x-claims", who).json(&body)).await
    };
    let order = json!({"name": "order", "context": {}});
    let created = ask("=olga operator", Method::POST, "/tasks", order.clone()).await.expect(201);
    let one = created.body["task"]["task_id"].as_str().unwrap().to_owned();
    assert_eq!(lines.take(), ["olga tasker.task:create allowed 201 /tasks"]);
    ask("=vera viewer", Method::POST, "/tasks", order).await.expect(403);
    assert_eq!(lines.take(), ["vera tasker.task:create denied 403 /tasks"]);
    ask("=vera viewer", Method::GET, &format!("/tasks/{one}"), json!({})).await.expect(200);
    assert_eq!(lines.take(), [""; 0], "who reads changes nothing");

    let none = Uuid::from_u128(7).to_string();
    let cancel = |dry: bool| json!({"action": "cancel", "task_ids": [one, none], "dry_run": dry});
    ask("=olga operator", Method::POST, "/tasks/bulk_actions", cancel(true)).await.expect(207);
    assert_eq!(lines.take(), [""; 0], "nor does a rehearsal");
    ask("=olga operator", Method::POST, "/tasks/bulk_actions", cancel(false)).await.expect(207);
    let told = [
        format!("olga tasker.task:cancel allowed 200 /tasks/{one}"),
        format!("olga tasker.task:cancel not_found 404 /tasks/{none}"),
    ];
    let mut lines = lines.take();
    lines.sort_unstable();
    assert_eq!(lines, told, "tasks are acted on beside each other");
    server.stop().await;
}
