//! `tasker auth key ...`.

use serde_json::Value;

use crate::world::World;

fn json(world: &World, args: &[&str]) -> Value {
    let ran = world.run(&[&["auth", "key"], args, &["--output", "json"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_key_is_made_listed_replaced_and_revoked() {
    let world = World::new();
    let args = ["create", "till-7", "--role", "viewer", "--permission", "tasker.task:create@shop"];
    let made = json(
        &world,
        &[&args[..], &["--namespace", "shop", "--expires-in", "90d", "--actor", "ada"]].concat(),
    );
    let (key, token) = (&made["api_key"], made["token"].as_str().unwrap());
    let id = key["id"].as_str().unwrap();
    assert!(token.starts_with(&format!("tsk_{id}_")) && token.len() == 85, "{token}");
    assert_eq!(
        (&key["name"], &key["status"], &key["created_by"]),
        (&"till-7".into(), &"active".into(), &"ada".into())
    );
    assert_eq!(key["permissions"], serde_json::json!(["tasker.task:create@shop"]));
    let secret = token.rsplit('_').next().unwrap();
    let listed = world.run(&["auth", "key", "list", "--output", "json"]);
    assert!(listed.stdout.contains(id) && !listed.stdout.contains(secret));

    let next = json(&world, &["rotate", id, "--overlap", "10m"]);
    let next_id = next["api_key"]["id"].as_str().unwrap();
    assert_ne!(next_id, id);
    for same in ["name", "roles", "permissions", "namespaces"] {
        assert_eq!(next["api_key"][same], key[same], "{same}");
    }
    let revoked = json(&world, &["revoke", next_id]);
    assert_eq!(revoked["status"], "revoked");
    let keys = json(&world, &["list"])["api_keys"].as_array().unwrap().clone();
    let told: Vec<(&Value, &Value)> = keys.iter().map(|key| (&key["id"], &key["status"])).collect();
    assert_eq!(told, [(&next_id.into(), &"revoked".into()), (&id.into(), &"active".into())]);
    assert!(keys[1]["expires_at"].as_str() < key["expires_at"].as_str(), "the old one ends sooner");
    let again = world.run(&["auth", "key", "rotate", next_id, "--output", "json"]);
    assert_eq!(again.failure(), (5, "api_key_ended".to_owned()));
}

#[test]
fn as_text_a_new_key_is_its_token_alone() {
    let world = World::new();
    let made = world.run(&["auth", "key", "create", "till-7"]);
    assert_eq!(made.status, 0, "{}", made.stderr);
    assert!(made.stdout.starts_with("tsk_") && made.stdout.lines().count() == 1, "{}", made.stdout);
    assert!(made.stderr.contains("shown only now"), "{}", made.stderr);
    let list = world.run(&["auth", "key", "list"]);
    assert!(list.stdout.contains("till-7") && list.stdout.contains("never"), "{}", list.stdout);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let world = World::new();
    let failure =
        |args: &[&str]| world.run(&[&["auth", "key"], args, &["--output", "json"]].concat()).failure();
    assert_eq!(failure(&["create", "till-7", "--role", "viewr"]), (3, "unknown_role".to_owned()));
    assert_eq!(failure(&["create", "a b"]).1, "invalid_api_key_name");
    assert_eq!(world.run(&["auth", "key", "create", "x", "--permission", "tasker.task:creat"]).status, 2);
    json(&world, &["create", "till-7"]);
    assert_eq!(failure(&["revoke", "0000000000000000"]), (4, "api_key_not_found".to_owned()));
    assert_eq!(failure(&["rotate", "0000000000000000"]), (4, "api_key_not_found".to_owned()));
}
