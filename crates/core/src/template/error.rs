//! What can be wrong with a template, when it is loaded and when it is rendered.

/// A template that cannot be used, found when its definition is loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateProblem {
    /// `invalid_template`, or `template_dynamic_result` where the step whose result is read is only known at run time.
    pub code: &'static str,
    /// JSON pointer inside the settings.
    pub pointer: String,
    /// What is wrong, for people.
    pub message: String,
}

/// A template that could not be rendered. All of these are permanent: the same inputs fail the same way.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be parsed. Loading a definition finds this, unless a variable of the environment brought it in.
    #[error("the template at {pointer} cannot be read: {reason}")]
    Syntax {
        /// Where in the settings.
        pointer: String,
        /// What is wrong.
        reason: String,
    },
    /// It uses a value that is not there.
    #[error("the template at {pointer} uses {expression}, which is not defined{}", hint(.nearest))]
    Undefined {
        /// Where in the settings.
        pointer: String,
        /// The path that leads nowhere, such as `context.oder_id`.
        expression: String,
        /// The path with the nearest key that exists.
        nearest: Option<String>,
    },
    /// It ran too long.
    #[error("the template at {pointer} did not end within its limit of {} units of work", super::FUEL)]
    OutOfFuel {
        /// Where in the settings.
        pointer: String,
    },
    /// The settings, or a value on the way to them, grew too large.
    #[error("rendering {pointer} makes more than {} bytes", super::MAX_RENDERED_BYTES)]
    TooLarge {
        /// The setting at which the limit was passed.
        pointer: String,
    },
    /// An operation failed, such as adding a number to a text.
    #[error("the template at {pointer} failed: {reason}")]
    Failed {
        /// Where in the settings.
        pointer: String,
        /// What failed.
        reason: String,
    },
}

impl TemplateError {
    /// The stable code: `invalid_template`, `template_undefined`, `template_fuel`, `template_too_large`,
    /// `template_failed`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "invalid_template",
            Self::Undefined { .. } => "template_undefined",
            Self::OutOfFuel { .. } => "template_fuel",
            Self::TooLarge { .. } => "template_too_large",
            Self::Failed { .. } => "template_failed",
        }
    }

    /// Where in the settings, as a JSON pointer.
    pub fn pointer(&self) -> &str {
        match self {
            Self::Syntax { pointer, .. }
            | Self::Undefined { pointer, .. }
            | Self::OutOfFuel { pointer }
            | Self::TooLarge { pointer }
            | Self::Failed { pointer, .. } => pointer,
        }
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|path| format!("; did you mean {path}?")).unwrap_or_default()
}
