//! Which definition files were written since the last look.
//!
//! It looks at the files instead of asking the system to tell: that also works on mounts that tell nothing, and for
//! folders that do not exist yet, and costs one `stat` a file.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::input;

/// What changed about a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Change {
    /// It is new, or has other content.
    Written(PathBuf),
    /// It is not there any more.
    Gone(PathBuf),
}

/// What tells two contents of a file apart without reading it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    written_at: SystemTime,
    bytes: u64,
    inode: u64,
}

/// Files and folders that are looked at.
pub struct Watch {
    paths: Vec<PathBuf>,
    /// What was told last.
    told: BTreeMap<PathBuf, Stamp>,
    /// What the last look found.
    last: BTreeMap<PathBuf, Stamp>,
}

impl Watch {
    /// Nothing was seen yet.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, told: BTreeMap::new(), last: BTreeMap::new() }
    }

    /// All files that there are now.
    pub fn first(&mut self) -> Vec<PathBuf> {
        self.last = self.stamps();
        self.told = self.last.clone();
        self.told.keys().cloned().collect()
    }

    /// What changed since it was told last. A file is told of once two looks found it the same: it may be half written.
    /// For the same reason one that is gone is missing twice.
    pub fn look(&mut self) -> Vec<Change> {
        let found = self.stamps();
        let mut changes = Vec::new();
        for (path, stamp) in &found {
            if self.told.get(path) != Some(stamp) && self.last.get(path) == Some(stamp) {
                self.told.insert(path.clone(), *stamp);
                changes.push(Change::Written(path.clone()));
            }
        }
        let last = &self.last;
        let gone = self.told.extract_if(.., |path, _| !found.contains_key(path) && !last.contains_key(path));
        changes.extend(gone.map(|(path, _)| Change::Gone(path)));
        self.last = found;
        changes
    }

    fn stamps(&self) -> BTreeMap<PathBuf, Stamp> {
        // A folder that cannot be read holds nothing: it may come.
        let files = self.paths.iter().flat_map(|path| input::definition_files(std::slice::from_ref(path)));
        files.flatten().filter_map(|path| Some((path.clone(), Stamp::of(&path)?))).collect()
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(Self { written_at: metadata.modified().ok()?, bytes: metadata.len(), inode: metadata.ino() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_of_when_it_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("a.yaml", "1");
        write("notes.txt", "no definition");
        let mut watch = Watch::new(vec![folder.path().to_owned(), path("later")]);
        assert_eq!(watch.first(), [path("a.yaml")]);
        assert_eq!(watch.look(), []);
        write("a.yaml", "22");
        assert_eq!(watch.look(), []);
        write("a.yaml", "333");
        assert_eq!(watch.look(), [], "it is still being written");
        assert_eq!(watch.look(), [Change::Written(path("a.yaml"))]);
        assert_eq!(watch.look(), []);
        std::fs::create_dir(path("later")).unwrap();
        write("later/b.yml", "1");
        assert_eq!(watch.look(), []);
        // A folder that is named and lies in another one is looked at once.
        assert_eq!(watch.look(), [Change::Written(path("later/b.yml"))]);
    }

    #[test]
    fn a_file_that_is_replaced_is_never_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "1").unwrap();
        let mut watch = Watch::new(vec![path.clone()]);
        assert_eq!(watch.first(), std::slice::from_ref(&path));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(watch.look(), []);
        std::fs::write(&path, "22").unwrap();
        assert_eq!(watch.look(), []);
        assert_eq!(watch.look(), [Change::Written(path.clone())]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(watch.look(), []);
        assert_eq!(watch.look(), [Change::Gone(path)]);
        assert_eq!(watch.look(), []);
    }
}
