//! The forms of texts that are more than text, as regular expressions for the description of the API. They are told,
//! not checked: each text is checked by whoever reads it, and `cargo xtask schemathesis` looks whether the two agree.

use crate::operation::Kind;

/// Text without NUL, as everything that is stored must be.
pub(crate) const TEXT: &str = r"^[^\x00]*$";

const NAMESPACE_FORM: &str = "^[A-Za-z0-9_-]{1,64}$";

const DEFINITION_FORM: &str = "^[A-Za-z0-9_/.-]{1,64}$";

const STEP_FORM: &str = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$";

/// Numbers have fewer digits here than they may have, so that they fit in any case.
macro_rules! version {
    () => {
        r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})(-(0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
    };
}

/// Longest version.
pub(crate) const VERSION_CHARS: usize = 32;

/// A namespace.
pub(crate) const NAMESPACE: Kind = Kind::Formed { pattern: NAMESPACE_FORM, max: 64 };

/// The name of a definition.
pub(crate) const DEFINITION: Kind = Kind::Formed { pattern: DEFINITION_FORM, max: 64 };

/// The name of a step.
pub(crate) const STEP: Kind = Kind::Formed { pattern: STEP_FORM, max: 128 };

/// A version.
pub(crate) const VERSION: Kind = Kind::Formed { pattern: concat!("^", version!(), "$"), max: VERSION_CHARS };

/// A version, or the latest.
pub(crate) const VERSION_OR_LATEST: Kind =
    Kind::Formed { pattern: concat!("^(latest|", version!(), ")$"), max: VERSION_CHARS };

/// Versions of rows, in quotes, with commas between; or any.
pub(crate) const ENTITY_TAGS: Kind =
    Kind::Formed { pattern: r#"^(\*|(W/)?"[!#-~]{0,64}"(, (W/)?"[!#-~]{0,64}"){0,40})$"#, max: 8_192 };

macro_rules! log_cursor {
    () => {
        r"([0-9]{1,18}|[0-9]{1,9}-[0-9]{1,18}-[0-9]{1,18})(\.[0-9]{1,9})?"
    };
}

/// A position in the log.
pub(crate) const LOG_CURSOR: Kind = Kind::Formed { pattern: concat!("^", log_cursor!(), "$"), max: 100 };

/// A position in the log, or its start.
pub(crate) const START_OR_LOG_CURSOR: Kind =
    Kind::Formed { pattern: concat!("^(start|", log_cursor!(), ")$"), max: 100 };

/// What the path parameter of this name holds.
///
/// # Panics
/// There is none of this name.
pub(crate) fn of_path(name: &str) -> Kind {
    match name {
        "namespace" => NAMESPACE,
        "name" => DEFINITION,
        "step_name" => STEP,
        "version" => VERSION,
        _ => panic!("it is not said here what {name} in a path holds"),
    }
}
