//! A definition that is either a file or registered.

use std::path::Path;

use tasker_core::definition::{Definition, Unserved};
use tasker_core::names::Namespace;

use super::loading::{self, Checks};
use super::selector;
use crate::backend;
use crate::catalog::Catalog;
use crate::open::Access;
use crate::session::Session;

/// Where a definition is.
pub enum Place<'a> {
    /// In a file.
    File(&'a Path),
    /// In the database.
    Registered(&'a str, Option<&'a Namespace>),
}

impl<'a> Place<'a> {
    /// A file if there is one of that name, or if it is called like one; else a registered definition.
    pub fn new(text: &'a str, namespace: Option<&'a Namespace>) -> Self {
        let path = Path::new(text);
        let is_called_like_one = [".yaml", ".yml", ".json"].iter().any(|ending| text.ends_with(ending));
        let is_file = text == "-" || is_called_like_one || path.is_file();
        if is_file && namespace.is_none() { Self::File(path) } else { Self::Registered(text, namespace) }
    }
}

/// The definition at a place.
pub async fn find(place: &Place<'_>, session: &Session) -> anyhow::Result<Definition> {
    match place {
        Place::File(path) => {
            let catalog = Catalog::unknowing();
            let checks = Checks {
                catalog: &catalog,
                unserved: Unserved::Ignored,
                all_environments: false,
                check_variables: false,
            };
            Ok(loading::one(path, &checks, session)?)
        }
        Place::Registered(text, namespace) => {
            let wanted = selector::parse(text, *namespace, None)?;
            let backend = backend::open(session, Access::Read).await?;
            let found = wanted.find(&*backend).await?;
            Ok(backend.plan(&selector::exactly(&found)).await?.definition.clone())
        }
    }
}
