//! A service that makes invoices, with the Tasker engine inside.

mod api;
mod invoices;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use tasker::Tasker;
use tokio::net::TcpListener;

const ADDRESS: &str = "127.0.0.1:8090";

#[tokio::main]
async fn main() -> Result<()> {
    let tasker = invoices::handlers(Tasker::builder(), PathBuf::from("invoices"))
        .sqlite("invoices/tasker.db")
        .build()
        .await
        .context("starting the engine")?;
    tasker.register(invoices::DEFINITION).await.context("registering the workflow")?;
    let tasker = Arc::new(tasker);
    let listener = TcpListener::bind(ADDRESS).await.with_context(|| format!("listening at {ADDRESS}"))?;
    println!("invoices are made at http://{ADDRESS}/invoices");
    axum::serve(listener, api::router(Arc::clone(&tasker))).with_graceful_shutdown(stopped()).await?;
    // Running steps are finished; what is left goes on after the next start.
    if let Some(tasker) = Arc::into_inner(tasker) {
        tasker.shutdown().await;
    }
    Ok(())
}

async fn stopped() {
    // Without the signal there is nothing to wait for: the service ends as it would have without.
    let _ = tokio::signal::ctrl_c().await;
}
