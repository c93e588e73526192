//! Where databases are made that are thrown away afterwards: beside the one that is named, never in it.

use std::path::{Path, PathBuf};

use tasker_bench::Place;

use crate::args::DatabaseKind;
use crate::exit::{Failure, Status};
use crate::open;
use crate::session::Session;

/// The place for a database of this kind, by default of the kind that the address names; `purpose` is a verb.
///
/// # Errors
/// No server is named, or no folder is known.
pub fn place(kind: Option<DatabaseKind>, purpose: &str, session: &Session) -> Result<Place, Failure> {
    let url = session.settings.database_url.as_deref().filter(|_| session.globals.data_dir.is_none());
    let server = url.filter(|url| url.starts_with("postgres://") || url.starts_with("postgresql://"));
    match (kind, server) {
        (None | Some(DatabaseKind::Postgres), Some(url)) => Ok(Place::Postgres { url: url.to_owned() }),
        (Some(DatabaseKind::Postgres), None) => {
            let message = format!("there is no PostgreSQL server to {purpose}");
            Err(Failure::new(Status::Usage, "usage", message)
                .help("name one: --database-url postgres://USER@HOST/DATABASE; a new database is made on it"))
        }
        (None | Some(DatabaseKind::Sqlite), _) => Ok(Place::Sqlite { folder: folder(url, session)? }),
    }
}

fn folder(url: Option<&str>, session: &Session) -> Result<PathBuf, Failure> {
    match url.and_then(|url| url.strip_prefix("sqlite:")) {
        Some(path) => {
            Ok(Path::new(path.strip_prefix("//").unwrap_or(path)).parent().unwrap_or(Path::new(".")).into())
        }
        None => open::data_directory(&session.settings),
    }
}
