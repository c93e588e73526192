//! Whether a command works with a database or with a server.

use std::sync::Arc;

use super::token::Token;
use super::{Backend, Local, Remote};
use crate::exit::{Failure, Status};
use crate::open::{self, Access};
use crate::session::Session;

/// What a command works with: the server that is named, else the database.
///
/// # Errors
/// It cannot be opened, or the server or the token cannot be used.
pub async fn open(session: &Session, access: Access) -> anyhow::Result<Arc<dyn Backend>> {
    match server(session)? {
        Some(remote) => Ok(Arc::new(remote)),
        None => Ok(Arc::new(Local(open::engine(session, access).await?))),
    }
}

/// The server that is named, if one is.
///
/// # Errors
/// The server or the token cannot be used.
pub fn server(session: &Session) -> Result<Option<Remote>, Failure> {
    let Some(url) = address(session) else { return Ok(None) };
    let flag = session.globals.token_file.as_deref();
    let token = Token::find(flag, session.settings.server.token_file.as_deref(), &session.printer)?;
    Remote::new(url, token).map(Some)
}

/// Refuses what servers cannot do yet, or should not, wherever the server was named.
///
/// # Errors
/// A server is named.
pub fn refuse(what: &str, session: &Session) -> Result<(), Failure> {
    match address(session) {
        None => Ok(()),
        Some(url) => Err(refusal(what, url)),
    }
}

/// Refuses what has nothing to do with servers, if one is named on the command line.
///
/// # Errors
/// It is.
pub fn refuse_flag(what: &str, session: &Session) -> Result<(), Failure> {
    match &session.globals.server {
        None => Ok(()),
        Some(url) => Err(refusal(what, url)),
    }
}

/// A database on the command line is meant, whatever server the configuration names.
fn address(session: &Session) -> Option<&str> {
    let globals = &session.globals;
    let is_database = globals.database_url.is_some() || globals.data_dir.is_some();
    session.settings.server.url.as_deref().filter(|_| !is_database)
}

fn refusal(what: &str, url: &str) -> Failure {
    let message = format!("`tasker {what}` needs the database, and cannot work through the server {url}");
    Failure::new(Status::Usage, "server_not_possible", message)
        .help("leave the server out, and name the database: --database-url URL or --data-dir DIR")
}
