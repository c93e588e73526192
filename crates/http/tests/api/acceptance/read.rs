//! `spec/api.md` 11.2: tasks are read and listed.

use serde_json::{Value, json};

use super::{OPERATOR, VIEWER, World, payment, with};

/// The ids of a list.
fn ids(list: &Value) -> Vec<String> {
    let tasks = list["tasks"].as_array().expect("a list");
    tasks.iter().map(|task| task["task_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn api_33_a_task_has_the_fields_it_is_said_to_have() {
    let world = World::new().await;
    let path = world.task().await;
    let task = world.shown(&path).await;
    // The set is the schema, which every answer here is compared with; additional fields would pass there.
    let mut names: Vec<&String> = task.as_object().unwrap().keys().collect();
    names.sort();
    insta::assert_snapshot!(names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join("\n"));
    let requested = task["requested_at"].as_str().unwrap();
    assert!(requested.len() == "2026-01-31T09:00:00.000Z".len() && requested.ends_with('Z'), "{requested}");
    world.server.stop().await;
}

#[tokio::test]
async fn api_36_an_id_that_no_id_can_be_is_refused() {
    let world = World::new().await;
    for id in ["18446744073709551616", "340282366920938463463374607431768211456"] {
        world.get(VIEWER, &format!("/tasks/{id}")).await.problem(400, "INVALID_ID");
    }
    world.server.stop().await;
}

#[tokio::test]
async fn api_41_what_was_just_created_is_listed() {
    let world = World::new().await;
    let path = world.task().await;
    let list = world.get(VIEWER, "/tasks?status=pending").await.expect(200).body;
    assert_eq!(ids(&list), [path.strip_prefix("/tasks/").unwrap()]);
    world.server.stop().await;
}

#[tokio::test]
async fn api_42_filters_all_hold_at_once() {
    let world = World::new().await;
    let tagged = async |tags: Value| {
        let body = with(payment(json!({"payment_id": 1})), json!({"tags": tags}));
        let created = world.post("/tasks", body).await.expect(201);
        created.body["task"]["task_id"].as_str().unwrap().to_owned()
    };
    let both = tagged(json!(["a", "b", "c"])).await;
    let one = tagged(json!(["a"])).await;
    let open = tagged(json!(["a", "b"])).await;
    for id in [&both, &one] {
        world.post(&format!("/tasks/{id}/cancel"), json!({})).await.expect(200);
    }
    let query = "namespace=payments&status=error,cancelled&tag=a&tag=b&created_after=1970-01-01T00:00:00Z";
    let list = world.get(VIEWER, &format!("/tasks?{query}")).await.expect(200).body;
    assert_eq!(ids(&list), [both]);
    let none = world.get(VIEWER, &format!("/tasks?{query}&created_before=1970-01-01T00:00:01Z")).await;
    assert!(ids(&none.expect(200).body).is_empty(), "{open}");
    world.server.stop().await;
}

#[tokio::test]
async fn api_43_api_44_each_parameter_that_is_not_as_it_should_be_is_named() {
    let world = World::new().await;
    for (query, parameter) in [
        ("status=nope", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=abc", "limit"),
        ("limit=-1", "limit"),
        ("offset=-1", "offset"),
        ("sort_by=bypass_steps", "sort_by"),
        ("sort_by[]=x", "sort_by[]"),
        ("sort_order=up", "sort_order"),
        ("foo=1", "foo"),
        ("sort_by=task_id;DROP%20TABLE%20x", "sort_by"),
    ] {
        let refused = world.get(VIEWER, &format!("/tasks?{query}")).await.problem(400, "INVALID_PARAMETER");
        assert_eq!(refused.places(), [parameter], "{query}");
    }
    world.server.stop().await;
}

#[tokio::test]
async fn api_45_pages_hold_each_task_once_while_more_come() {
    let world = World::new().await;
    let mut before = Vec::new();
    for _ in 0..25 {
        before.push(world.task().await);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let list = world.get(VIEWER, &format!("/tasks?limit=4{cursor}")).await.expect(200).body;
        seen.extend(ids(&list));
        world.task().await;
        match list["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len());
    assert!(before.iter().all(|path| seen.contains(&path.strip_prefix("/tasks/").unwrap().to_owned())));
    world.server.stop().await;
}

#[tokio::test]
async fn api_46_a_cursor_belongs_to_its_list() {
    let world = World::new().await;
    for _ in 0..3 {
        world.task().await;
    }
    let list = world.get(VIEWER, "/tasks?limit=1&status=pending").await.expect(200).body;
    let cursor = list["pagination"]["next_cursor"].as_str().unwrap();
    world.get(VIEWER, &format!("/tasks?limit=1&status=pending&cursor={cursor}")).await.expect(200);
    world
        .get(VIEWER, &format!("/tasks?limit=1&status=error&cursor={cursor}"))
        .await
        .problem(400, "INVALID_PARAMETER");
    for at in 0..cursor.len() {
        let mut altered = cursor.as_bytes().to_vec();
        altered[at] = if altered[at] == b'a' { b'b' } else { b'a' };
        let altered = String::from_utf8(altered).unwrap();
        let path = format!("/tasks?limit=1&status=pending&cursor={altered}");
        world.get(VIEWER, &path).await.problem(400, "INVALID_PARAMETER");
    }
    world.server.stop().await;
}

#[tokio::test]
async fn api_48_an_empty_list_is_a_list() {
    let world = World::new().await;
    let list = world.get(OPERATOR, "/tasks").await.expect(200).body;
    assert_eq!(list["tasks"], json!([]));
    assert_eq!(
        (&list["pagination"]["has_more"], &list["pagination"]["next_cursor"]),
        (&json!(false), &Value::Null)
    );
    world.server.stop().await;
}

#[tokio::test]
async fn api_53_whoever_has_the_task_as_it_is_gets_no_body() {
    let world = World::new().await;
    let path = world.task().await;
    let tag = world.get(VIEWER, &path).await.expect(200).header("etag").to_owned();
    let request = world.server.request(reqwest::Method::GET, &path).header("x-claims", VIEWER);
    let unchanged = crate::server::answer(request.header("if-none-match", tag)).await.expect(304);
    assert_eq!(unchanged.body, "");
    world.server.stop().await;
}

#[tokio::test]
async fn a_list_shows_the_parts_that_are_asked_for() {
    let world = World::new().await;
    let path = world.task().await;
    world.work_but("charge").await;
    let whole = world.shown(&path).await;
    let plain = world.get(VIEWER, "/tasks").await.expect(200).body["tasks"][0].clone();
    let parts = ["steps", "annotations", "execution", "context"];
    assert!(parts.iter().all(|part| plain.get(part).is_none()), "{plain}");
    for (chosen, shown) in [
        ("workflow_steps,task_annotations", &["steps", "annotations"][..]),
        ("execution", &["execution"]),
        ("context,steps,annotations,execution", &parts),
    ] {
        let list = world.get(VIEWER, &format!("/tasks?include={chosen}")).await.expect(200);
        let task = &list.body["tasks"][0];
        for part in parts {
            let expected = if shown.contains(&part) { whole.get(part) } else { None };
            assert_eq!(task.get(part), expected, "{part} with {chosen}");
        }
    }
    let refused = world.get(VIEWER, "/tasks?include=steps,everything").await.expect(400);
    assert_eq!(refused.places(), ["include"]);
    world.server.stop().await;
}
