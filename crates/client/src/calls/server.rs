//! Calls about the server itself.

use tasker_wire::{Alive, HealthStatusDocument, MeReply, PrincipalDocument, Ready};

use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Who the server takes the caller for, and what they may do.
    ///
    /// # Errors
    /// [`Error`]; `AUTHENTICATION_FAILED` without a valid token where one is needed.
    pub async fn me(&self) -> Result<PrincipalDocument, Error> {
        let reply: MeReply = self.read(self.get(&["me"], &[])).await?;
        Ok(reply.principal)
    }

    /// Whether the server answers, and which version it has. Needs no token.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn liveness(&self) -> Result<Alive, Error> {
        self.read(self.get(&["health", "live"], &[])).await
    }

    /// Whether the server can do its work. Needs no token. One that cannot is an answer too, not an error.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn readiness(&self) -> Result<Ready, Error> {
        self.read_any(self.get(&["health", "ready"], &[])).await
    }

    /// How the whole system is. One that is unhealthy is an answer too, not an error.
    ///
    /// # Errors
    /// [`Error`]; `AUTHORIZATION_FAILED` for who is limited to some namespaces.
    pub async fn health_status(&self) -> Result<HealthStatusDocument, Error> {
        self.read(self.get(&["health", "status"], &[("always_200", "true".to_owned())])).await
    }
}
