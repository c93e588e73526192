//! What answers about definitions have in common.

use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::access::{Action, Decision, Permission, Resource, Subject, decide};
use tasker_core::plan::Plan;
use tasker_wire::{DefinitionDocument, NamespaceList};

use crate::call::Call;
use crate::operation::Parameter;
use crate::reply::{Problem, json};
use crate::request::forms;
use crate::state::ApiState;

/// Which version is meant.
pub(crate) const VERSION: Parameter = Parameter {
    name: "version",
    kind: forms::VERSION_OR_LATEST,
    about: "The version; `latest` or none: the latest that is not retired",
};

/// Lets a caller see secrets in settings.
const SHOW_CONFIG: Permission = Permission::of(Resource::Handler, Action::ShowConfig);

/// Answers with the namespaces that the caller may see.
pub(crate) async fn namespaces(api: &ApiState, call: &Call) -> Result<Response, Problem> {
    let extent = call.extent()?;
    let rows = api.engine.definitions(None).await?;
    let seen = rows.into_iter().filter(|row| extent.contains(&row.namespace));
    let list = NamespaceList::new(
        seen.map(|row| (row.namespace, row.name)),
        extent.contains(&Default::default()),
        api.engine.now().await?.into(),
    );
    Ok(json(StatusCode::OK, &list))
}

/// The document of a definition, with secrets for those who may see them.
pub(crate) fn definition(call: &Call, plan: &Plan) -> DefinitionDocument {
    let subject = Subject::Namespace(&plan.definition.namespace);
    match decide(&call.principal, SHOW_CONFIG, subject) {
        Decision::Allowed => DefinitionDocument::with_secrets(plan),
        Decision::Denied | Decision::Hidden => DefinitionDocument::new(plan),
    }
}
