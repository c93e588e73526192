//! The codes of problems that the API itself knows. The engine's own codes come in upper case besides.

use axum::http::StatusCode;

/// A kind of problem.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code {
    /// Stable name.
    pub name: &'static str,
    /// Status.
    pub status: StatusCode,
    /// What kind of problem it is, in a few words.
    pub title: &'static str,
}

macro_rules! codes {
    ($($name:ident $status:ident $title:literal;)+) => {
        $(
            #[doc = $title]
            pub const $name: Code =
                Code { name: stringify!($name), status: StatusCode::$status, title: $title };
        )+

        /// All of them.
        #[cfg(test)]
        pub const ALL: &[Code] = &[$($name,)+];
    };
}

codes! {
    MALFORMED_JSON BAD_REQUEST "The body is not a JSON object";
    MISSING_BODY BAD_REQUEST "A body is needed";
    INVALID_PARAMETER BAD_REQUEST "A parameter is not as it should be";
    INVALID_ID BAD_REQUEST "An id in the path is not well-formed";
    AUTHENTICATION_FAILED UNAUTHORIZED "Credentials are needed";
    AUTHORIZATION_FAILED FORBIDDEN "This is not allowed";
    CROSS_SITE FORBIDDEN "Pages of other sites may not do this";
    TASK_NOT_FOUND NOT_FOUND "There is no such task";
    STEP_NOT_FOUND NOT_FOUND "There is no such step";
    ROUTE_NOT_FOUND NOT_FOUND "There is no such route";
    DEFINITION_NOT_FOUND NOT_FOUND "There is no such definition";
    NOT_ACCEPTABLE NOT_ACCEPTABLE "None of the forms that would do is one of those there are";
    METHOD_NOT_ALLOWED METHOD_NOT_ALLOWED "The route does not take this method";
    INVALID_STATE_TRANSITION CONFLICT "The state does not allow this";
    RETRY_LIMIT_REACHED CONFLICT "All executions are used up";
    DUPLICATE_TASK CONFLICT "An equal request was accepted before";
    VERSION_CONTENT_CHANGED CONFLICT "The version is registered with other content";
    PRECONDITION_FAILED PRECONDITION_FAILED "It has changed since";
    PAYLOAD_TOO_LARGE PAYLOAD_TOO_LARGE "The body is too large";
    UNSUPPORTED_MEDIA_TYPE UNSUPPORTED_MEDIA_TYPE "The body is not of a media type that is taken";
    IDEMPOTENCY_KEY_REUSED UNPROCESSABLE_ENTITY "The key was used for another request";
    VALIDATION_FAILED UNPROCESSABLE_ENTITY "The request breaks rules";
    NOT_ALL_ACCEPTED UNPROCESSABLE_ENTITY "Not all can be accepted, so that none was";
    CONTEXT_SCHEMA_VIOLATION UNPROCESSABLE_ENTITY "The context does not fit the schema";
    HANDLER_NOT_FOUND UNPROCESSABLE_ENTITY "There is no such definition";
    RATE_LIMITED TOO_MANY_REQUESTS "Too many requests";
    INTERNAL_ERROR INTERNAL_SERVER_ERROR "The server failed";
    SERVICE_UNAVAILABLE SERVICE_UNAVAILABLE "The server cannot do this now";
    TIMEOUT SERVICE_UNAVAILABLE "The request took too long";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page that explains them to people.
    const PAGE: &str = include_str!("../../../../docs/errors.md");

    #[test]
    fn every_code_is_explained() {
        let missing: Vec<&str> =
            ALL.iter().map(|code| code.name).filter(|name| !PAGE.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "docs/errors.md says nothing about {missing:?}");
    }
}
