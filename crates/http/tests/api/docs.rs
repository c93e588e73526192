//! `/docs`.

use tasker_http::ApiOptions;

use crate::server::Server;

#[tokio::test]
async fn the_description_is_a_page_where_that_is_switched_on() {
    let server = Server::start().await;
    server.get("/docs").await.problem(404, "ROUTE_NOT_FOUND");
    server.stop().await;
    let server = Server::with(ApiOptions { docs: true, ..ApiOptions::default() }).await;
    let page = server.get("/docs").await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let text = page.body.as_str().unwrap();
    for route in tasker_http::routes::table() {
        assert!(text.contains(&format!("<code>{} {}</code>", route.method, route.path)), "{}", route.path);
        assert!(text.contains(&format!("id=\"{}\"", route.operation.id)));
    }
    for foreign in ["<script", "src=", "@import", "http://", "https://"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    assert!(
        text.contains("<html lang=\"en\">") && text.contains("tasker.handler:create"),
        "permissions are named"
    );
    server.get("/docs?x=1").await.problem(400, "INVALID_PARAMETER");
    server.stop().await;
}
