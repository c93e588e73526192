//! Tasks of one's own: who created a task is recorded by the server, and grants with `#own` count for it.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::roles::believing;
use crate::server::{Answer, Server, answer};

/// May create tasks, and see and cancel those that it created.
const OWNER: &str = "tasker.task:create tasker.task:index#own tasker.task:show#own tasker.task:cancel#own";

impl Server {
    /// Asks as somebody, with a body.
    async fn send_as(&self, claims: &str, method: Method, path: &str, body: &Value) -> Answer {
        answer(self.request(method, path).header("x-claims", claims).json(body)).await
    }

    /// Creates a task of `order` as somebody; answers with its id.
    async fn task_as(&self, claims: &str) -> String {
        let body = json!({"name": "order", "context": {}});
        id_of(&self.send_as(claims, Method::POST, "/tasks", &body).await.expect(201))
    }
}

fn id_of(created: &Answer) -> String {
    created.body["task"]["task_id"].as_str().expect("an id").to_owned()
}

fn who(name: &str) -> String {
    format!("={name} {OWNER}")
}

/// The ids of a list, the oldest first.
async fn listed(server: &Server, claims: &str, query: &str) -> Vec<String> {
    let path = format!("/tasks?sort_order=asc{query}");
    let list = server.get_as(claims, &path).await.expect(200).body;
    let tasks = list["tasks"].as_array().expect("a list");
    tasks.iter().map(|task| task["task_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn whoever_created_a_task_may_do_what_is_granted_for_its_own() {
    let server = Server::with(believing()).await;
    let (ada, bob) = (who("ada"), who("bob"));
    let id = server.task_as(&ada).await;
    let path = format!("/tasks/{id}");
    server.get_as(&bob, &path).await.problem(404, "TASK_NOT_FOUND");
    server.send_as(&bob, Method::DELETE, &path, &json!({})).await.problem(404, "TASK_NOT_FOUND");
    server.get_as(&ada, &path).await.expect(200);
    let steps = server.get_as(&ada, &format!("{path}/workflow_steps")).await;
    assert_eq!(steps.problem(403, "AUTHORIZATION_FAILED").body["permission"], "tasker.workflow_step:index");
    server.send_as(&ada, Method::DELETE, &path, &json!({})).await.expect(200);
    assert_eq!(server.get_as(&ada, &path).await.expect(200).body["task"]["status"], "cancelled");
    server.stop().await;
}

#[tokio::test]
async fn what_is_seen_of_others_but_not_one_s_own_to_change_is_denied_openly() {
    let server = Server::with(believing()).await;
    let id = server.task_as(&who("ada")).await;
    let bob = format!("{} tasker.task:show", who("bob"));
    let denied = server.send_as(&bob, Method::DELETE, &format!("/tasks/{id}"), &json!({})).await;
    assert_eq!(denied.problem(403, "AUTHORIZATION_FAILED").body["permission"], "tasker.task:cancel");
    server.stop().await;
}

#[tokio::test]
async fn nothing_in_a_request_makes_somebody_else_its_creator() {
    let server = Server::with(believing()).await;
    let claimed = json!({"name": "order", "initiator": "ada",
        "context": {"created_by": "ada", "created_by_user_id": "ada"}});
    let created = server.send_as(&who("bob"), Method::POST, "/tasks", &claimed).await.expect(201);
    let path = format!("/tasks/{}", id_of(&created));
    assert_eq!(created.body["task"]["initiator"], "ada");
    server.get_as(&who("ada"), &path).await.problem(404, "TASK_NOT_FOUND");
    server.get_as(&who("bob"), &path).await.expect(200);
    let unknown = json!({"name": "order", "context": {}, "created_by": "ada"});
    server.send_as(&who("bob"), Method::POST, "/tasks", &unknown).await.problem(422, "VALIDATION_FAILED");
    server.stop().await;
}

#[tokio::test]
async fn a_list_tells_of_one_s_own_tasks_and_of_what_else_may_be_seen() {
    let server = Server::with(believing()).await;
    server.register("bill", |bill| bill.namespace = "payments".parse().expect("a namespace")).await;
    let (ada, bob) = (who("ada"), who("bob"));
    let bill = json!({"name": "bill", "namespace": "payments", "context": {}});
    let first = server.task_as(&ada).await;
    let other = server.task_as(&bob).await;
    let bill = id_of(&server.send_as(&bob, Method::POST, "/tasks", &bill).await.expect(201));
    let last = server.task_as(&ada).await;
    assert_eq!(listed(&server, &ada, "").await, [first.as_str(), &last]);
    assert_eq!(listed(&server, &bob, "").await, [other.as_str(), &bill]);
    assert_eq!(listed(&server, &bob, "&namespace=payments").await, [bill.as_str()]);
    assert_eq!(listed(&server, &ada, "&sort_by=created_at&status=pending").await, [first.as_str(), &last]);
    let more = format!("{ada} tasker.task:index@payments");
    assert_eq!(listed(&server, &more, "").await, [first.as_str(), &bill, &last]);
    assert_eq!(listed(&server, &format!("{ada} @payments"), "").await, Vec::<String>::new());
    let counted = server.get_as(&ada, "/tasks?include_total=true&limit=1").await.expect(200).body;
    assert_eq!(counted["pagination"]["total_count"], 2);
    let cursor = counted["pagination"]["next_cursor"].as_str().expect("more follow");
    let stolen = server.get_as(&bob, &format!("/tasks?limit=1&cursor={cursor}")).await;
    assert_eq!(stolen.status, 400, "a place in the list of somebody else is no place in this one");
    server.stop().await;
}

#[tokio::test]
async fn tasks_of_nobody_are_nobody_s_own() {
    let server = Server::with(believing()).await;
    let driver = server.driver();
    let plan = server.register("nightly", |_| {}).await;
    let id = driver.start(&plan).await;
    for name in ["ada", "unknown", "anonymous"] {
        server.get_as(&who(name), &format!("/tasks/{id}")).await.problem(404, "TASK_NOT_FOUND");
        assert_eq!(listed(&server, &who(name), "").await, Vec::<String>::new());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_is_sent_again_tells_nothing_of_the_tasks_of_others() {
    let server = Server::with(believing()).await;
    let body = json!({"name": "order", "context": {}, "initiator": "shop", "id": Uuid::now_v7()});
    server.send_as(&who("ada"), Method::POST, "/tasks", &body).await.expect(201);
    let again = server.send_as(&who("ada"), Method::POST, "/tasks", &body).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    server.send_as(&who("bob"), Method::POST, "/tasks", &body).await.problem(404, "TASK_NOT_FOUND");
    let viewer = format!("{} viewer", who("vera"));
    server.send_as(&viewer, Method::POST, "/tasks", &body).await.expect(201);
    for (claims, expected) in [(who("ada"), 201), (who("bob"), 404), (viewer, 201)] {
        let many = json!({"tasks": [body]});
        let done = server.send_as(&claims, Method::POST, "/tasks/bulk", &many).await.expect(207).body;
        let item = &done["results"][0];
        assert_eq!(
            (&item["status"], item["task"].is_object()),
            (&json!(expected), expected == 201),
            "{claims}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn many_tasks_at_once_are_permitted_one_by_one() {
    let server = Server::with(believing()).await;
    let ids = [server.task_as(&who("ada")).await, server.task_as(&who("bob")).await];
    let body = json!({"action": "cancel", "task_ids": ids, "reason": "a test", "dry_run": true});
    for (claims, expected) in [
        (who("ada"), [200, 404]),
        (who("eve"), [404, 404]),
        (format!("{} tasker.task:show", who("bob")), [403, 200]),
        ("viewer tasker.task:cancel@payments".to_owned(), [403, 403]),
        ("tasker.task:cancel@payments".to_owned(), [404, 404]),
        ("operator @elsewhere".to_owned(), [404, 404]),
        ("operator".to_owned(), [200, 200]),
    ] {
        let done = server.send_as(&claims, Method::POST, "/tasks/bulk_actions", &body).await.expect(207).body;
        let statuses: Vec<_> =
            done["results"].as_array().expect("a list").iter().map(|x| &x["status"]).collect();
        assert_eq!(statuses, expected, "{claims}");
    }
    let refused = server.send_as("viewer", Method::POST, "/tasks/bulk_actions", &body).await;
    assert_eq!(refused.problem(403, "AUTHORIZATION_FAILED").body["permission"], "tasker.task:cancel");
    let one = json!({"name": "order", "context": {}});
    let created = server.send_as("viewer", Method::POST, "/tasks/bulk", &json!({"tasks": [one]})).await;
    assert_eq!(created.problem(403, "AUTHORIZATION_FAILED").body["permission"], "tasker.task:create");
    let elsewhere = "tasker.task:create@payments";
    let created = server.send_as(elsewhere, Method::POST, "/tasks/bulk", &json!({"tasks": [one]})).await;
    assert_eq!(created.expect(207).body["results"][0]["status"], 403);
    server.stop().await;
}
