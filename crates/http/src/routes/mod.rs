//! The one table of all routes. Folders mirror the paths, with one file per action.

pub(crate) mod analytics;
mod annotation_types;
mod definitions;
mod docs;
pub(crate) mod events;
mod handlers;
pub(crate) mod health;
mod me;
mod metrics;
mod namespaces;
mod openapi;
mod tasks;
mod workflow_steps;

use axum::Router;
use axum::http::Method;
use axum::http::header::ALLOW;
use axum::middleware::from_fn_with_state;
use tasker_core::access::{Action, Resource};

use self::workflow_steps as steps;
use crate::gate::{self, Gate};
use crate::reply::{Problem, codes};
use crate::route::{Cost, Requirement, Route};
use crate::state::ApiState;

/// Every route there is, in the order in which they are described.
#[rustfmt::skip]
pub fn table() -> Vec<Route> {
    use Cost::{Analytics, Probe, Read, Stream, Write};
    use Requirement::{Known, Public};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const PUT: Method = Method::PUT;
    const DELETE: Method = Method::DELETE;
    const TASK: &str = "/tasks/{task_id}";
    const STEP: &str = "/tasks/{task_id}/workflow_steps/{step_name}";
    let task = |action| Requirement::to(Resource::Task, action);
    let step = |action| Requirement::to(Resource::WorkflowStep, action);
    let event = |action| Requirement::to(Resource::Event, action);
    let handler = |action| Requirement::to(Resource::Handler, action);
    let analytics = Requirement::to(Resource::Analytics, Action::Index);
    vec![
        Route::new(GET, "/tasks", task(Action::Index), Read, tasks::list::operation(), tasks::list::list_tasks),
        Route::new(POST, "/tasks", task(Action::Create), Write, tasks::create::operation(), tasks::create::create_task),
        Route::new(POST, "/tasks/bulk", task(Action::Create), Write, tasks::bulk::operation(), tasks::bulk::create_tasks),
        Route::new(POST, "/tasks/bulk_actions", Known, Write, tasks::bulk_actions::operation(), tasks::bulk_actions::act_on_tasks),
        Route::new(GET, TASK, task(Action::Show), Read, tasks::show::operation(), tasks::show::show_task),
        Route::new(PATCH, TASK, task(Action::Update), Write, tasks::update::operation(), tasks::update::update_task),
        Route::new(PUT, TASK, task(Action::Update), Write, tasks::update::operation().deprecated("replace_task"), tasks::update::update_task),
        Route::new(DELETE, TASK, task(Action::Cancel), Write, tasks::cancel::delete_operation(), tasks::cancel::delete_task),
        Route::new(POST, "/tasks/{task_id}/cancel", task(Action::Cancel), Write, tasks::cancel::operation(), tasks::cancel::cancel_task),
        Route::new(POST, "/tasks/{task_id}/retry", task(Action::Retry), Write, tasks::retry::operation(), tasks::retry::retry_task),
        Route::new(POST, "/tasks/{task_id}/resume", task(Action::Resume), Write, tasks::resume::operation(), tasks::resume::resume_task),
        Route::new(POST, "/tasks/{task_id}/resolve", task(Action::Resolve), Write, tasks::resolve::operation(), tasks::resolve::resolve_task),
        Route::new(GET, "/tasks/{task_id}/explain", task(Action::Show), Read, tasks::explain::operation(), tasks::explain::explain_task),
        Route::new(GET, "/tasks/{task_id}/transitions", task(Action::Show), Read, tasks::transitions::operation(), tasks::transitions::list_task_transitions),
        Route::new(GET, "/tasks/{task_id}/events", event(Action::Index), Stream, tasks::events::operation(), tasks::events::stream_task_events),
        Route::new(GET, "/tasks/{task_id}/annotations", task(Action::Show), Read, tasks::annotations::list_operation(), tasks::annotations::list_annotations),
        Route::new(POST, "/tasks/{task_id}/annotations", task(Action::Update), Write, tasks::annotations::create_operation(), tasks::annotations::create_annotation),
        Route::new(GET, "/annotation_types", task(Action::Index), Read, annotation_types::operation(), annotation_types::list_annotation_types),
        Route::new(GET, "/tasks/{task_id}/workflow_steps", step(Action::Index), Read, steps::list::operation(), steps::list::list_steps),
        Route::new(GET, STEP, step(Action::Show), Read, steps::show::operation(), steps::show::show_step),
        Route::new(PATCH, STEP, step(Action::Update), Write, steps::update::operation(), steps::update::update_step),
        Route::new(PUT, STEP, step(Action::Update), Write, steps::update::operation().deprecated("replace_step"), steps::update::update_step),
        Route::new(DELETE, STEP, step(Action::Cancel), Write, steps::cancel::delete_operation(), steps::cancel::delete_step),
        Route::new(POST, "/tasks/{task_id}/workflow_steps/{step_name}/cancel", step(Action::Cancel), Write, steps::cancel::operation(), steps::cancel::cancel_step),
        Route::new(POST, "/tasks/{task_id}/workflow_steps/{step_name}/retry", step(Action::Retry), Write, steps::retry::operation(), steps::retry::retry_step),
        Route::new(POST, "/tasks/{task_id}/workflow_steps/{step_name}/resolve", step(Action::Resolve), Write, steps::resolve::operation(), steps::resolve::resolve_step),
        Route::new(GET, "/tasks/{task_id}/workflow_steps/{step_name}/explain", step(Action::Show), Read, steps::explain::operation(), steps::explain::explain_step),
        Route::new(GET, "/tasks/{task_id}/workflow_steps/{step_name}/transitions", step(Action::Show), Read, steps::transitions::operation(), steps::transitions::list_step_transitions),
        Route::new(GET, "/tasks/{task_id}/task_diagrams", Requirement::to(Resource::TaskDiagram, Action::Index), Read, tasks::diagram::operation(), tasks::diagram::draw_task),
        Route::new(GET, "/handlers", handler(Action::Index), Read, handlers::list::operation(), handlers::list::list_handlers),
        Route::new(GET, "/handlers/{namespace}", handler(Action::Index), Read, handlers::namespace::operation(), handlers::namespace::show_namespace),
        Route::new(GET, "/handlers/{namespace}/{name}", handler(Action::Show), Read, handlers::show::operation(), handlers::show::show_handler),
        Route::new(GET, "/handlers/{namespace}/{name}/diagram", handler(Action::Show), Read, handlers::diagram::operation(), handlers::diagram::draw_handler),
        Route::new(GET, "/namespaces", handler(Action::Index), Read, namespaces::operation(), namespaces::list_namespaces),
        Route::new(GET, "/definitions", handler(Action::Index), Read, definitions::list::operation(), definitions::list::list_definitions),
        Route::new(POST, "/definitions", handler(Action::Create), Write, definitions::register::operation(), definitions::register::register_definition),
        Route::new(GET, "/definitions/{namespace}/{name}/{version}", handler(Action::Show), Read, definitions::show::operation(), definitions::show::show_definition),
        Route::new(POST, "/definitions/{namespace}/{name}/{version}/retire", handler(Action::Create), Write, definitions::retire::operation(), definitions::retire::retire_definition),
        Route::new(GET, "/events", event(Action::Index), Stream, events::operation(), events::stream_events),
        Route::new(GET, "/me", Known, Read, me::operation(), me::show_me),
        Route::new(GET, "/metrics", Requirement::to(Resource::Metrics, Action::Index), Read, metrics::operation(), metrics::show_metrics),
        Route::new(GET, "/analytics/performance", analytics, Analytics, analytics::performance::operation(), analytics::performance::show_performance),
        Route::new(GET, "/analytics/bottlenecks", analytics, Analytics, analytics::bottlenecks::operation(), analytics::bottlenecks::show_bottlenecks),
        Route::new(GET, "/analytics/counts", analytics, Analytics, analytics::counts::operation(), analytics::counts::show_counts),
        Route::new(GET, "/analytics/metrics", analytics, Analytics, analytics::metrics::operation(), analytics::metrics::show_system_metrics),
        Route::new(GET, "/analytics/slowest_tasks", analytics, Analytics, analytics::slowest_tasks::operation(), analytics::slowest_tasks::list_slowest_tasks),
        Route::new(GET, "/analytics/slowest_steps", analytics, Analytics, analytics::slowest_steps::operation(), analytics::slowest_steps::list_slowest_steps),
        Route::new(GET, "/health/live", Public, Probe, health::live::operation(), health::live::show_liveness),
        Route::new(GET, "/health/ready", Public, Probe, health::ready::operation(), health::ready::show_readiness),
        Route::new(GET, "/health/status", Requirement::to(Resource::HealthStatus, Action::Index), Read, health::status::operation(), health::status::show_status),
        Route::new(GET, "/openapi.json", Public, Read, openapi::operation(), openapi::show_openapi),
        Route::new(GET, "/docs", Public, Read, docs::operation(), docs::show_docs),
    ]
}

/// The routes that tell how the process does.
pub(crate) fn monitoring() -> Vec<Route> {
    let is_one = |route: &Route| ["/metrics", "/health/live", "/health/ready"].contains(&route.path);
    table().into_iter().filter(is_one).collect()
}

/// Routes below the base path, and below `/v1` there.
pub(crate) fn router(api: &ApiState, table: Vec<Route>) -> Router {
    let mut routes: Router<ApiState> = Router::new();
    for route in table {
        let gate = Gate::of(&route, api);
        let (route, endpoint) = route.into_parts();
        // Not the method router's own fallback: what has no route has no gate.
        routes = routes.route(route.path, endpoint.route_layer(from_fn_with_state(gate, gate::pass)));
    }
    let routes = routes.method_not_allowed_fallback(refuse_method);
    let base = api.options.base_path.as_str();
    let all = Router::new().nest(&format!("{base}/v1"), routes.clone());
    let all = if base.is_empty() { all.merge(routes) } else { all.nest(base, routes) };
    all.fallback(refuse_path).with_state(api.clone())
}

/// Its `Allow` is added by the router.
async fn refuse_method(method: Method) -> Problem {
    let detail = format!("this route does not take {method}; {ALLOW} names the methods that it takes");
    Problem::new(&codes::METHOD_NOT_ALLOWED, detail)
}

async fn refuse_path() -> Problem {
    no_route()
}

/// What is answered where there is nothing.
fn no_route() -> Problem {
    Problem::new(&codes::ROUTE_NOT_FOUND, "there is no such route")
        .help(Some("GET /openapi.json below the base path describes all routes".to_owned()))
}
