//! Whoever asks, as a document.

use serde::{Deserialize, Serialize};
use tasker_core::access::{Principal, PrincipalKind};

use crate::instant::Instant;

/// The answer to "who am I?".
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeReply {
    /// Whoever asks.
    pub principal: PrincipalDocument,
}

/// Whoever asks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PrincipalDocument {
    /// Who; what the history of tasks names.
    pub id: String,
    /// What kind: `user`, `service`, `token`, `anonymous`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: PrincipalKind,
    /// Who, for people.
    pub display_name: String,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Every single permission, with its limits: `tasker.task:cancel@payments#own`.
    pub permissions: Vec<String>,
    /// The only namespaces it may have to do with; `null`: all.
    pub namespaces: Option<Vec<String>>,
    /// Whether it may do everything.
    pub is_admin: bool,
    /// How it was found out.
    pub auth_strategy: String,
    /// Which API key.
    pub token_id: Option<String>,
    /// Until when this holds.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Instant>,
}

impl From<&Principal> for PrincipalDocument {
    fn from(principal: &Principal) -> Self {
        let claims = principal.claims();
        let namespaces = claims.namespaces.as_ref();
        Self {
            id: claims.id.clone(),
            kind: claims.kind,
            display_name: claims.display_name.clone(),
            roles: claims.roles.clone(),
            permissions: principal.permissions().iter().map(ToString::to_string).collect(),
            namespaces: namespaces.map(|names| names.iter().map(ToString::to_string).collect()),
            is_admin: principal.is_admin(),
            auth_strategy: claims.strategy.to_owned(),
            token_id: claims.token_id.clone(),
            expires_at: claims.expires_at.map(Into::into),
        }
    }
}
