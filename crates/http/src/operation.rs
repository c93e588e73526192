//! What an operation takes and answers: read by the gate, which refuses everything else, and by the OpenAPI document.

use tasker_wire::request::RequestDocument;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::reply::codes::{self, Code};

/// What an operation takes and answers.
#[derive(Clone)]
pub struct Operation {
    /// Name: `verb_resource`, which is the name of the handler too.
    pub id: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// More about it.
    pub description: &'static str,
    /// Parameters of the query. There are no others.
    pub query: &'static [Parameter],
    /// Headers that mean something to it, besides those that mean the same everywhere.
    pub headers: &'static [Parameter],
    /// The body it takes.
    pub body: Option<BodyDescription>,
    /// What it answers when all is well.
    pub replies: Vec<ReplyDescription>,
    /// What it may answer otherwise, besides what every route may.
    pub problems: &'static [&'static Code],
    /// Whether it is kept for old callers only.
    pub is_deprecated: bool,
}

/// A parameter of the query, or a header.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Name.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What it does.
    pub about: &'static str,
}

/// What a parameter may hold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// `true`, `false`, `1` or `0`, in any case.
    Flag,
    /// A whole number.
    Count {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
        /// What is taken if it is absent.
        default: Option<u64>,
    },
    /// Text of so many characters at most.
    Text {
        /// Most characters.
        max: usize,
    },
    /// Text of so many characters at most, as often as wanted.
    Texts {
        /// Most characters.
        max: usize,
    },
    /// Text of a form of its own, which is checked by whoever reads it.
    Formed {
        /// The form, as a regular expression of JSON Schema.
        pattern: &'static str,
        /// Most characters.
        max: usize,
    },
    /// One of these words.
    Choice {
        /// The words.
        words: &'static [&'static str],
        /// What is taken if it is absent.
        default: Option<&'static str>,
    },
    /// Some of these words, with commas between them.
    Choices(&'static [&'static str]),
    /// An instant: RFC 3339.
    Time,
}

impl Kind {
    /// Most rows of a page.
    pub(crate) const PAGE_LIMIT: Self = Self::Count { min: 1, max: 100, default: Some(20) };

    /// Rows to skip.
    pub(crate) const PAGE_OFFSET: Self = Self::Count { min: 0, max: 100_000, default: Some(0) };
}

/// A body that is taken.
#[derive(Clone)]
pub struct BodyDescription {
    /// Name of its schema.
    pub schema: String,
    /// What it may be wrapped in.
    pub wrapper: Option<&'static str>,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it may be written in.
    pub media: &'static [&'static str],
    /// Its schema, and those that it refers to.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// What its schema says besides, as JSON.
    pub rules: &'static str,
}

/// An answer.
#[derive(Clone)]
pub struct ReplyDescription {
    /// Status.
    pub status: u16,
    /// What it means.
    pub about: &'static str,
    /// Media type and name of the schema of its body, if it has one.
    pub content: Option<(&'static str, Option<String>)>,
    /// Headers that it has.
    pub headers: &'static [(&'static str, &'static str)],
    /// The schema of its body, and those that it refers to.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl Operation {
    /// An operation that takes and answers nothing yet.
    pub(crate) const fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            description: "",
            query: &[],
            headers: &[],
            body: None,
            replies: Vec::new(),
            problems: &[],
            is_deprecated: false,
        }
    }

    pub(crate) fn description(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    pub(crate) fn query(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    pub(crate) fn headers(self, headers: &'static [Parameter]) -> Self {
        Self { headers, ..self }
    }

    /// Takes this body, which must be there.
    pub(crate) fn body<T: RequestDocument + ToSchema>(self) -> Self {
        Self { body: Some(BodyDescription::of::<T>(true)), ..self }
    }

    /// Takes this body; none is the same as `{}`.
    pub(crate) fn optional_body<T: RequestDocument + ToSchema>(self) -> Self {
        Self { body: Some(BodyDescription::of::<T>(false)), ..self }
    }

    /// Takes a document that is read by rules of its own, in one of these media types.
    pub(crate) fn free_body<T: ToSchema>(self, media: &'static [&'static str]) -> Self {
        let schema = T::name().into_owned();
        let body = BodyDescription {
            schema,
            wrapper: None,
            is_required: true,
            media,
            schemas: schemas::<T>(),
            rules: "{}",
        };
        Self { body: Some(body), ..self }
    }

    /// Answers with this document.
    pub(crate) fn reply<T: ToSchema>(self, status: u16, about: &'static str) -> Self {
        let content = Some(("application/json", Some(T::name().into_owned())));
        self.with_reply(ReplyDescription { status, about, content, headers: &[], schemas: schemas::<T>() })
    }

    /// Answers with a body that has no schema here.
    pub(crate) fn plain_reply(self, status: u16, about: &'static str, media: &'static str) -> Self {
        let content = Some((media, None));
        self.with_reply(ReplyDescription { status, about, content, headers: &[], schemas: Vec::new() })
    }

    /// Answers with server-sent events, each of which has this document.
    pub(crate) fn stream_reply<T: ToSchema>(self, status: u16, about: &'static str) -> Self {
        let content = Some(("text/event-stream", Some(T::name().into_owned())));
        self.with_reply(ReplyDescription { status, about, content, headers: &[], schemas: schemas::<T>() })
    }

    /// Describes another document that the last reply may hold.
    pub(crate) fn also_described<T: ToSchema>(mut self) -> Self {
        if let Some(reply) = self.replies.last_mut() {
            reply.schemas.extend(schemas::<T>());
        }
        self
    }

    /// Answers without a body.
    pub(crate) fn empty_reply(self, status: u16, about: &'static str) -> Self {
        self.with_reply(ReplyDescription { status, about, content: None, headers: &[], schemas: Vec::new() })
    }

    /// Headers of the last reply.
    pub(crate) fn reply_headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        if let Some(reply) = self.replies.last_mut() {
            reply.headers = headers;
        }
        self
    }

    pub(crate) fn problems(self, problems: &'static [&'static Code]) -> Self {
        Self { problems, ..self }
    }

    /// The same under another name, for old callers.
    pub(crate) fn deprecated(self, id: &'static str) -> Self {
        Self { id, is_deprecated: true, ..self }
    }

    fn with_reply(mut self, reply: ReplyDescription) -> Self {
        self.replies.push(reply);
        self
    }
}

impl BodyDescription {
    fn of<T: RequestDocument + ToSchema>(is_required: bool) -> Self {
        Self {
            schema: T::name().into_owned(),
            wrapper: T::WRAPPER,
            is_required,
            media: &["application/json"],
            schemas: schemas::<T>(),
            rules: T::RULES,
        }
    }

    /// What is wrong with a request whose body is not as it should be.
    pub(crate) const PROBLEMS: &[&Code] = &[
        &codes::MALFORMED_JSON,
        &codes::MISSING_BODY,
        &codes::PAYLOAD_TOO_LARGE,
        &codes::UNSUPPORTED_MEDIA_TYPE,
        &codes::VALIDATION_FAILED,
    ];
}

/// The schema of a document, and those that it refers to.
pub(crate) fn schemas<T: ToSchema>() -> Vec<(String, RefOr<Schema>)> {
    let mut all = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut all);
    all
}
