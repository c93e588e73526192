//! A typed client of Tasker's HTTP API. It writes and reads the documents of `tasker-wire`, the same types as the server.
//!
//! ```no_run
//! use futures::TryStreamExt as _;
//! use tasker_client::{Client, Error, TaskQuery, request::CreateTaskRequest};
//!
//! # async fn example(token: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("https://tasker.example.com").token(token).build()?;
//!
//! let mut order = CreateTaskRequest { name: "order".into(), ..CreateTaskRequest::default() };
//! order.context = serde_json::json!({"order_id": 7});
//! let accepted = client.create_task(order).await?;
//! println!("task {} is {}", accepted.task.task_id, accepted.task.status);
//!
//! let failed = TaskQuery::new().status("error").tag("shop");
//! let mut tasks = std::pin::pin!(client.all_tasks(failed));
//! while let Some(task) = tasks.try_next().await? {
//!     println!("{} {}", task.task_id, task.full_name);
//! }
//!
//! match client.cancel_task(accepted.task.task_id, &Default::default()).await {
//!     Err(Error::Refused(problem)) if problem.code() == "INVALID_STATE_TRANSITION" => println!("too late"),
//!     other => println!("cancelled: {}", other?.task_id),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is tried again
//!
//! What only reads, and the request for a task, are tried again when the connection fails and when the server says 503:
//! a task has an id and an idempotency key before it is first asked for, so it is accepted once. Everything else is
//! tried again only after 429, which says that nothing was done. `Retry-After` is kept to; a server that asks for more
//! patience than [`ClientBuilder::max_wait`] is not waited for, and [`Problem::retry_after`] tells what it asked.

mod address;
mod builder;
mod calls;
mod client;
mod error;
mod events;
mod retry;

pub use builder::ClientBuilder;
pub use calls::{Accepted, DiagramQuery, SlowestQuery, StepQuery, TaskQuery};
pub use client::Client;
pub use error::{Error, InvalidClient, Problem};
pub use events::{EventQuery, EventStream, Told};
pub use tasker_wire::analytics::AnalyticsScope;
pub use tasker_wire::request;
