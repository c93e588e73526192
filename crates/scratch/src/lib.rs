//! Databases that are made for one run and thrown away: a new folder with a file, or a new database on a server. What
//! is there already is not touched.

mod folder;
mod server;

use std::path::PathBuf;

pub use self::server::connect;

use self::folder::Folder;
use self::server::Named;

/// Where databases are made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In new folders inside of this one.
    Sqlite {
        /// The folder.
        folder: PathBuf,
    },
    /// New databases on a server.
    Postgres {
        /// URL of a database there that exists; it is not touched.
        url: String,
    },
}

/// Why no database was made.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// A folder could not be made.
    #[error("making the folder {}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The URL of a server cannot be used.
    #[error("the URL of the PostgreSQL server cannot be used")]
    Url(#[source] url::ParseError),
    /// A server made no database.
    #[error("making a new database on the server")]
    Server(#[source] sqlx::Error),
}

/// A new, empty database. It is deleted when this value is dropped, even if others still use it, unless it is to be
/// kept. Dropping blocks for as long as that takes; failures are logged.
#[derive(Debug)]
pub struct Scratch {
    url: String,
    made: Made,
    keep: bool,
}

#[derive(Debug)]
enum Made {
    Folder(Folder),
    Named(Named),
}

impl Scratch {
    /// Makes one whose name says what it is for: `bench`, `torture`.
    ///
    /// # Errors
    /// [`ScratchError`].
    pub async fn make(place: &Place, purpose: &str, keep: bool) -> Result<Self, ScratchError> {
        let (url, made) = match place {
            Place::Sqlite { folder } => {
                let folder = Folder::make(folder, purpose)?;
                (format!("sqlite:{}", folder.path().join("tasker.db").display()), Made::Folder(folder))
            }
            Place::Postgres { url } => {
                let named = Named::make(url, purpose).await?;
                (named.url(), Made::Named(named))
            }
        };
        Ok(Self { url, made, keep })
    }

    /// Lets it stay.
    pub fn keep(&mut self) {
        self.keep = true;
    }

    /// Its URL, as `--database-url` takes it. The file of a SQLite database is yet to be made.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        match &self.made {
            _ if self.keep => {}
            Made::Folder(folder) => folder.remove(),
            Made::Named(named) => named.remove(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tasker_testkit::postgres::Server;

    use super::*;

    #[tokio::test]
    async fn a_folder_goes_with_all_that_was_made_for_it() {
        let above = tempfile::tempdir().unwrap();
        let place = Place::Sqlite { folder: above.path().join("a/b") };
        let scratch = Scratch::make(&place, "test", false).await.unwrap();
        let file = PathBuf::from(scratch.url().strip_prefix("sqlite:").unwrap());
        assert!(file.parent().unwrap().is_dir(), "{}", scratch.url());
        std::fs::write(&file, "something").unwrap();
        drop(scratch);
        assert!(!above.path().join("a").exists());

        let kept = Scratch::make(&place, "test", true).await.unwrap().url().to_owned();
        assert!(PathBuf::from(kept.strip_prefix("sqlite:").unwrap()).parent().unwrap().is_dir());
    }

    #[tokio::test]
    async fn a_database_goes_even_if_somebody_uses_it() {
        let server = Server::for_tests();
        let place = Place::Postgres { url: format!("{}&pooled=true", server.url_of("postgres")) };
        let scratch = Scratch::make(&place, "test", false).await.unwrap();
        let url = scratch.url().to_owned();
        assert!(url.contains("/tasker_test_") && url.contains("pooled=true"), "{url}");
        let parsed = url::Url::parse(&url).unwrap();
        let _user = connect(&parsed, "tasker test", &[]).await.unwrap();
        drop(scratch);
        let error = connect(&parsed, "tasker test", &[]).await.unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_an_error() {
        for (url, expected) in [
            ("postgres://ann@127.0.0.1:1/a", "making a new database on the server"),
            ("no url", "the URL of the PostgreSQL server cannot be used"),
        ] {
            let error = Scratch::make(&Place::Postgres { url: url.into() }, "test", false).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
