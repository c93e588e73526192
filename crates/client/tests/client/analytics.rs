//! Many tasks together.

use tasker_client::AnalyticsScope;

use crate::server::Server;

#[tokio::test]
async fn performance_and_bottlenecks_are_told_of_a_scope() {
    let server = Server::start().await;
    server.task().await;
    let of =
        |namespace: &str| AnalyticsScope { namespace: Some(namespace.into()), ..AnalyticsScope::default() };
    let performance = server.client.performance(&AnalyticsScope::default()).await.unwrap();
    assert_eq!(performance.system_overview.unwrap().active_tasks, 1);
    assert_eq!(performance.performance_trends.last_hour.unwrap().task_throughput, 1);
    let found = server.client.bottlenecks(&of("default"), Some(2), Some(1)).await.unwrap();
    assert_eq!((found.analysis_period_hours, &found.scope), (2, &of("default")));
    assert_eq!(found.scope_summary.unwrap().total_tasks, 1);
    let nothing = server.client.bottlenecks(&of("elsewhere"), None, None).await.unwrap();
    assert_eq!(nothing.scope_summary.unwrap().total_tasks, 0);
    let refused = server.client.bottlenecks(&of("default"), Some(721), None).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().code(), "INVALID_PARAMETER");
    server.stop().await;
}
