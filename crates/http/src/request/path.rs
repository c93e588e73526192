//! Ids in paths. What is not exactly an id is refused before anything is looked up.

use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::http::request::Parts;
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, InvalidName, Namespace, StepName, Version};

use crate::reply::problem::entry_of_parameter;
use crate::reply::{Problem, codes};

/// The ids of a path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    pub(crate) task: Option<TaskId>,
    pub(crate) step: Option<StepName>,
    pub(crate) namespace: Option<Namespace>,
    pub(crate) definition: Option<DefinitionName>,
    pub(crate) version: Option<Version>,
}

/// Reads the ids of a path.
pub(crate) async fn ids(parts: &mut Parts) -> Result<Ids, Problem> {
    let params = match RawPathParams::from_request_parts(parts, &()).await {
        Ok(params) => params,
        Err(error) => return Err(invalid("path", error.to_string())),
    };
    let mut ids = Ids::default();
    for (name, value) in &params {
        match name {
            "task_id" => ids.task = Some(task_id(value).ok_or_else(|| invalid(name, not_a_uuid(value)))?),
            "step_name" => ids.step = Some(named(name, StepName::new(value))?),
            "namespace" => ids.namespace = Some(named(name, Namespace::new(value))?),
            "name" => ids.definition = Some(named(name, DefinitionName::new(value))?),
            "version" => ids.version = Some(named(name, Version::new(value))?),
            _ => {}
        }
    }
    Ok(ids)
}

fn named<T>(parameter: &str, name: Result<T, InvalidName>) -> Result<T, Problem> {
    name.map_err(|error| invalid(parameter, error.to_string()))
}

/// A UUID in its one usual form; what else people write as UUIDs is not taken for one.
fn task_id(text: &str) -> Option<TaskId> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}

fn not_a_uuid(text: &str) -> String {
    let shown: String = text.chars().take(100).collect();
    format!("{shown:?} is not a UUID, such as 01890a5d-ac96-774b-bcce-b302099a8057")
}

fn invalid(name: &str, message: String) -> Problem {
    let errors = vec![entry_of_parameter("invalid_id", name, message.clone())];
    Problem::new(&codes::INVALID_ID, message).errors(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_and_nothing_else() {
        assert!(task_id("01890a5d-ac96-774b-bcce-b302099a8057").is_some());
        assert!(task_id("01890A5D-AC96-774B-BCCE-B302099A8057").is_some());
        for text in [
            "",
            "12abc",
            "999999999",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a805",
            "01890a5d-ac96-774b-bcce-b302099a805g",
            "01890a5d+ac96+774b+bcce+b302099a8057",
        ] {
            assert_eq!(task_id(text), None, "{text}");
        }
    }
}
