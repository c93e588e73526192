//! What kind of trouble a failure tells of, for those who count failures (`spec/observability.md` 2.4).

use crate::outcome::Failure;

/// A kind of trouble.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCategory {
    /// It took too long.
    Timeout,
    /// Somebody could not be reached.
    Network,
    /// Something is not there.
    NotFound,
    /// Somebody may not.
    Auth,
    /// Too often.
    RateLimit,
    /// The request was wrong.
    ClientError,
    /// The other side failed.
    ServerError,
    /// A fault while running.
    Runtime,
    /// Anything else.
    Other,
}

/// Words that tell of a category. The first that is found counts.
const WORDS: &[(ErrorCategory, &[&str])] = &[
    (ErrorCategory::Timeout, &["timeout", "408"]),
    (ErrorCategory::Network, &["connection", "network"]),
    (ErrorCategory::NotFound, &["notfound", "missing", "404"]),
    (ErrorCategory::Auth, &["unauthorized", "forbidden", "401", "403"]),
    (ErrorCategory::RateLimit, &["ratelimit", "toomanyrequests", "429"]),
    (ErrorCategory::ClientError, &["badrequest", "invalid", "400"]),
    (ErrorCategory::ServerError, &["servererror", "internalerror", "500", "502", "503", "504"]),
    (ErrorCategory::Runtime, &["standarderror", "runtimeerror", "panicked"]),
];

impl ErrorCategory {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::Network,
        Self::NotFound,
        Self::Auth,
        Self::RateLimit,
        Self::ClientError,
        Self::ServerError,
        Self::Runtime,
        Self::Other,
    ];

    /// The category of a failure, by its class and its code.
    pub fn of(failure: &Failure) -> Self {
        let tells = |word: &str| holds(&failure.class, word) || holds(&failure.code, word);
        let found = WORDS.iter().find(|(_, words)| words.iter().any(|word| tells(word)));
        found.map_or(Self::Other, |(category, _)| *category)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::NotFound => "not_found",
            Self::Auth => "auth",
            Self::RateLimit => "rate_limit",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Runtime => "runtime",
            Self::Other => "other",
        }
    }
}

/// Whether a text holds a word, in any case. Makes no copy: this is asked for every failure.
fn holds(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_that_is_found_counts() {
        let check = |class: &str, code: &str, expected: &str| {
            let found = ErrorCategory::of(&Failure::permanent(class, code, "secret"));
            assert_eq!(found.as_str(), expected, "{class} {code}");
        };
        check("StepTimeout", "step_timeout", "timeout");
        check("ConnectionTimeout", "x", "timeout");
        check("ConnectionRefused", "x", "network");
        check("RecordNotFound", "x", "not_found");
        check("MissingEnvVar", "missing_env_var", "not_found");
        check("HttpError", "HTTP_401", "auth");
        check("HttpError", "HTTP_429", "rate_limit");
        check("InvalidText", "invalid_text", "client_error");
        check("HttpError", "HTTP_503", "server_error");
        check("HttpError", "HTTP_408", "timeout");
        check("HandlerPanicked", "handler_panicked", "runtime");
        check("CardDeclined", "card_declined", "other");
        check("", "", "other");
    }

    #[test]
    fn numbers_follow_the_order_of_all() {
        for (number, category) in ErrorCategory::ALL.into_iter().enumerate() {
            assert_eq!(category as usize, number);
        }
    }
}
