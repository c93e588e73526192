//! A new folder for a database file.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::ScratchError;

/// How often it is tried to delete a folder that others write to.
const REMOVALS: usize = 100;

/// A folder, readable for nobody else.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Folders above that were made for it.
    made: Vec<PathBuf>,
}

impl Folder {
    pub(crate) fn make(place: &Path, purpose: &str) -> Result<Self, ScratchError> {
        let path = place.join(format!("{purpose}-{}", uuid::Uuid::now_v7().simple()));
        let made = place.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
        match fs::DirBuilder::new().recursive(true).mode(0o700).create(&path) {
            Ok(()) => Ok(Self { path, made }),
            Err(source) => Err(ScratchError::Folder { folder: path, source }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn remove(&self) {
        // Whoever still uses it may make a file meanwhile, so that the folder is not empty at first.
        let removed = (0..REMOVALS).find_map(|_| match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => None,
            answer => Some(answer),
        });
        match removed {
            Some(Ok(())) => {}
            answer => {
                tracing::warn!(folder = %self.path.display(), ?answer, "the database that was made was not deleted")
            }
        }
        // What was made for it goes as well, unless something else is in it by now.
        self.made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}
