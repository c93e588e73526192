//! Every route of the table, asked by everybody: who may do what is written down in a snapshot.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use axum::http::request::Parts;
use serde_json::{Value, json};
use tasker_core::access::{Claims, PrincipalKind, Roles};
use tasker_core::names::Namespace;
use tasker_http::auth::{Authentication, AuthenticationFailure, Authenticator};
use tasker_http::{ApiOptions, Authorization, Route};

use crate::server::Server;

/// Says who asks, for tests: the header `x-role` holds a role and the only namespace of its holder.
struct Told;

#[async_trait]
impl Authenticator for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn is_presented(&self, request: &Parts) -> bool {
        request.headers.contains_key("x-role")
    }

    async fn authenticate(&self, request: &Parts) -> Result<Claims, AuthenticationFailure> {
        let (role, namespace) = request.headers["x-role"].to_str().unwrap().split_once('@').unwrap();
        Ok(Claims {
            id: role.into(),
            kind: PrincipalKind::User,
            roles: vec![role.into()],
            namespaces: Some(BTreeSet::from([Namespace::new(namespace).unwrap()])),
            strategy: self.name(),
            ..Claims::anonymous()
        })
    }
}

#[tokio::test]
async fn every_route_lets_through_whom_it_should_and_nobody_else() {
    let options = ApiOptions {
        authentication: Authentication::of(vec![Arc::new(Told)]),
        authorization: Authorization::Roles(Roles::default()),
        ..ApiOptions::default()
    };
    let server = Server::with(options).await;
    let roles = ["viewer", "operator", "admin"];
    let mut callers = vec![None];
    callers.extend(
        ["default", "elsewhere"]
            .iter()
            .flat_map(|only| roles.iter().map(move |role| Some(format!("{role}@{only}")))),
    );
    let mut told = String::new();
    for route in tasker_http::routes::table() {
        writeln!(told, "{} {}", route.method, route.path).unwrap();
        for caller in &callers {
            let name = caller.as_deref().unwrap_or("anonymous");
            writeln!(told, "  {name:<19} {}", verdict(&server, &route, caller.as_deref()).await).unwrap();
        }
    }
    insta::assert_snapshot!(told);
    server.stop().await;
}

/// Asks; every time about a task that nobody has touched.
async fn verdict(server: &Server, route: &Route, caller: Option<&str>) -> String {
    let body = json!({"name": "order", "context": {}});
    let created =
        server.request(reqwest::Method::POST, "/tasks").header("x-role", "admin@default").json(&body);
    let created: Value = created.send().await.unwrap().json().await.unwrap();
    let id = created["task"]["task_id"].as_str().unwrap();
    let named = [
        ("task_id", id),
        ("step_name", "one"),
        ("namespace", "default"),
        ("name", "order"),
        ("version", "1.0.0"),
    ];
    let path = named
        .iter()
        .fold(route.path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
    let request = server.request(route.method.clone(), &path);
    let body = match route.path {
        "/tasks" => body,
        // The next one asks for a task of it too.
        path if path.ends_with("/retire") => json!({"retired": false}),
        _ => json!({}),
    };
    let request = request.json(&body);
    let request = caller.into_iter().fold(request, |request, caller| request.header("x-role", caller));
    let response = request.send().await.unwrap();
    // What is let through may be answered without end.
    match response.status().as_u16() {
        status @ (401 | 403 | 404) => {
            let problem: Value = response.json().await.unwrap();
            format!("{status} {}", problem["code"].as_str().unwrap())
        }
        _ => "allowed".into(),
    }
}
