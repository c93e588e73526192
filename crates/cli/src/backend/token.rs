//! What proves to a server who asks: from the environment or a file, never from the command line, where everybody on the
//! machine could read it.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::exit::{Failure, Status};
use crate::output::Printer;

/// The variable that holds a token.
pub const VARIABLE: &str = "TASKER_TOKEN";

/// Largest file of a token, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// A token, and where it is from.
#[derive(Clone)]
pub struct Token {
    secret: Option<String>,
    source: String,
}

impl Token {
    /// The token in a file, else that of the environment, else none. `file` was named by a flag or by the configuration;
    /// the flag comes before the variable, the variable before the configuration.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token.
    pub fn find(flag: Option<&Path>, configured: Option<&Path>, printer: &Printer) -> Result<Self, Failure> {
        if let Some(path) = flag {
            return Self::of_file(path, printer);
        }
        match std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty()) {
            Some(secret) => Ok(Self { secret: Some(secret), source: format!("the token in {VARIABLE}") }),
            None => match configured {
                Some(path) => Self::of_file(path, printer),
                None => Ok(Self { secret: None, source: "no token".into() }),
            },
        }
    }

    fn of_file(path: &Path, printer: &Printer) -> Result<Self, Failure> {
        let shown = path.display();
        let unusable = |why: String| {
            let message = format!("the token file {shown} cannot be used: {why}");
            Failure::new(Status::Usage, "invalid_token", message)
                .help("write the token alone into it, and let nobody else read it: chmod 600")
        };
        let file = File::open(path).map_err(|error| unusable(error.to_string()))?;
        let mode = file.metadata().map_err(|error| unusable(error.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            printer.warn(&format!(
                "others on this machine may read the token file {shown}: chmod 600 {shown} [token_file_open]"
            ));
        }
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).map_err(|error| unusable(error.to_string()))?;
        if text.trim().is_empty() {
            return Err(unusable("it is empty".into()));
        }
        Ok(Self { secret: Some(text.trim().to_owned()), source: format!("the token in {shown}") })
    }

    /// The token itself.
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Where it is from, for messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        self.secret.is_some()
    }
}
