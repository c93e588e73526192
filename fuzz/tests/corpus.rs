//! Every input of the corpus, without a fuzzer: those made by hand, those that reach code nothing else does, and those
//! that once found something.

use std::path::{Path, PathBuf};

use tasker_fuzz::TARGETS;

fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_input_of_the_corpus_holds_its_property() {
    for (target, check) in TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "{target} has no corpus");
        for path in inputs {
            println!("{}", path.display());
            check(&std::fs::read(&path).unwrap());
        }
    }
}
