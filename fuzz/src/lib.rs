//! What must hold for anything that comes from outside, one module for each kind of input.
//!
//! Each module has a `check` that takes any bytes and panics if a property does not hold. The programs in
//! `fuzz_targets/` hand it to a fuzzer (`cargo xtask fuzz`), the test `corpus` gives it every input in `corpus/`, and
//! `cargo run --package tasker-fuzz --bin TARGET -- FILE...` one input again.

use std::io;

use serde_json::Value;

pub mod definition;
pub mod payload;
pub mod request;
pub mod retry_after;
pub mod settings;
pub mod template;
pub mod words;

/// A target: its name, which is that of its program and of its folder in `corpus/`, and its property.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 7] = [
    ("definition", definition::check),
    ("payload", payload::check),
    ("request", request::check),
    ("retry_after", retry_after::check),
    ("settings", settings::check),
    ("template", template::check),
    ("words", words::check),
];

/// Checks the files that are named as arguments, one after the other.
///
/// # Errors
/// A file cannot be read.
pub fn replay(check: fn(&[u8])) -> io::Result<()> {
    for file in std::env::args_os().skip(1) {
        println!("{}", file.display());
        check(&std::fs::read(&file)?);
    }
    Ok(())
}

/// The input as text. Whatever is not UTF-8 is refused before it reaches the code that is tried here.
fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

/// Whether a JSON pointer leads somewhere, or to a place in something that is there, such as a missing key.
fn leads_somewhere(document: &Value, pointer: &str) -> bool {
    pointer.is_empty()
        || document.pointer(pointer).is_some()
        || pointer.rsplit_once('/').is_some_and(|(parent, _)| document.pointer(parent).is_some())
}
