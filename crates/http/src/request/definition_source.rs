//! Bodies that are definitions, as definition files write them: JSON or YAML.

use axum::extract::{FromRequest, Request};

use super::body;
use crate::reply::{Problem, codes};
use crate::state::ApiState;

/// What definitions may be written in.
pub(crate) const MEDIA: &[&str] = &[body::JSON, "application/yaml"];

/// The text of a definition. What it says is checked later, all at once.
pub(crate) struct DefinitionSource(pub(crate) String);

impl FromRequest<ApiState> for DefinitionSource {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &ApiState) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = body::bytes(body, api.options.max_body_bytes).await?;
        if bytes.is_empty() {
            return Err(Problem::new(&codes::MISSING_BODY, "send a definition"));
        }
        if body::check_media_type(&parts.headers, MEDIA)? == body::JSON {
            body::parse(&bytes)?;
        }
        let text = String::from_utf8(bytes);
        text.map(Self).map_err(|error| body::malformed(format!("it is not UTF-8: {error}")))
    }
}
