//! Parameters of the query: those that the table names, each once, each as it should be.

use std::fmt;
use std::str::FromStr;

use tasker_core::nearest::nearest;
use tasker_core::time::Timestamp;
use tasker_wire::ProblemEntry;

use crate::operation::{Kind, Parameter};
use crate::reply::Problem;
use crate::reply::problem::entry_of_parameter;

/// Longest text of a parameter that is looked at, in bytes.
const MAX_BYTES: usize = 8_192;

/// How often a parameter that may be repeated may be given.
pub(crate) const MAX_TIMES: usize = 32;

/// Parameters that were found to be as they should be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    known: &'static [Parameter],
    given: Vec<(&'static str, String)>,
}

/// Reads a query.
///
/// # Errors
/// Everything wrong with it, each parameter by its name.
pub(crate) fn read(query: &str, known: &'static [Parameter]) -> Result<Query, Problem> {
    let mut problems: Vec<ProblemEntry> = Vec::new();
    let mut read = Query { known, given: Vec::new() };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match checked(&name, &value, &read) {
            Ok(name) => read.given.push((name, value.into_owned())),
            Err(message) => problems.push(entry_of_parameter("invalid_parameter", &name, message)),
        }
    }
    if problems.is_empty() { Ok(read) } else { Err(Problem::parameters(problems)) }
}

fn checked(name: &str, value: &str, read: &Query) -> Result<&'static str, String> {
    let Some(parameter) = read.known.iter().find(|parameter| parameter.name == name) else {
        return Err(unknown(name, read.known));
    };
    match (parameter.kind, read.texts(name).count()) {
        (_, 0) => {}
        (Kind::Texts { .. }, before) if before < MAX_TIMES => {}
        (Kind::Texts { .. }, _) => return Err(format!("is given more than {MAX_TIMES} times")),
        _ => return Err("is given more than once".into()),
    }
    if value.is_empty() {
        return Err("is empty: leave it out, or give it a value".into());
    }
    if value.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    parameter.kind.check(value)?;
    Ok(parameter.name)
}

fn unknown(name: &str, known: &[Parameter]) -> String {
    let names = || known.iter().map(|parameter| parameter.name);
    if let Some(plain) =
        name.find('[').map(|end| &name[..end]).filter(|plain| names().any(|known| known == *plain))
    {
        return format!("is no list: write {plain}=...");
    }
    match nearest(name, names()) {
        Some(near) => format!("there is no such parameter; did you mean {near}?"),
        None if known.is_empty() => "there is no such parameter; there are none here".into(),
        None => format!("there is no such parameter; there are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

impl Query {
    /// The text of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// The texts of a parameter that may be repeated.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// Whether this word was chosen.
    pub(crate) fn is(&self, name: &str, word: &str) -> bool {
        self.text(name).is_some_and(|given| given.eq_ignore_ascii_case(word))
    }

    /// An instant.
    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(Timestamp::parse)
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).and_then(flag).unwrap_or(false)
    }

    /// A whole number, or its default; 0 without one.
    pub(crate) fn count(&self, name: &str) -> usize {
        let default = || {
            self.known.iter().find(|parameter| parameter.name == name).and_then(|parameter| {
                match parameter.kind {
                    Kind::Count { default, .. } => default,
                    _ => None,
                }
            })
        };
        let count = self.text(name).and_then(|text| text.parse().ok()).or_else(default).unwrap_or(0);
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// The words of a list; none if it is absent.
    pub(crate) fn words(&self, name: &str) -> impl Iterator<Item = &str> {
        self.text(name).into_iter().flat_map(|text| text.split(','))
    }

    /// Text that means something.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn parsed<T>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let parse =
            |text: &str| text.parse().map_err(|error: T::Err| Problem::parameter(name, error.to_string()));
        self.text(name).map(parse).transpose()
    }
}

impl Kind {
    fn check(&self, text: &str) -> Result<(), String> {
        let fits = match self {
            Self::Flag => flag(text).is_some(),
            // Digits only: what else numbers can be written as is not meant here.
            Self::Count { min, max, .. } => {
                text.bytes().all(|b| b.is_ascii_digit())
                    && text.parse().is_ok_and(|n: u64| (*min..=*max).contains(&n))
            }
            Self::Text { max } | Self::Texts { max } | Self::Formed { max, .. } => {
                text.chars().count() <= *max && !text.contains('\0')
            }
            Self::Choice { words, .. } => words.contains(&text.to_lowercase().as_str()),
            Self::Choices(words) => text.split(',').all(|word| words.contains(&word)),
            Self::Time => Timestamp::parse(text).is_some(),
        };
        if fits { Ok(()) } else { Err(self.rule(text)) }
    }

    fn rule(&self, text: &str) -> String {
        let shown: String = text.chars().take(100).collect();
        match self {
            Self::Flag => format!("is {shown:?}, but must be true or false"),
            Self::Count { min, max, .. } => {
                format!("is {shown:?}, but must be a whole number from {min} to {max}")
            }
            Self::Text { max } | Self::Texts { max } | Self::Formed { max, .. } => {
                format!("must be text of at most {max} characters, without NUL")
            }
            Self::Choice { words, .. } => format!("is {shown:?}, but must be one of {}", words.join(", ")),
            Self::Choices(words) => {
                format!("is {shown:?}, but must be some of {}, with commas between", words.join(", "))
            }
            Self::Time => format!("is {shown:?}, but must be an RFC 3339 time, such as 2026-01-31T09:00:00Z"),
        }
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Parameter] = &[
        Parameter { name: "limit", kind: Kind::Count { min: 1, max: 100, default: Some(20) }, about: "" },
        Parameter { name: "total", kind: Kind::Flag, about: "" },
        Parameter {
            name: "order",
            kind: Kind::Choice { words: &["asc", "desc"], default: Some("asc") },
            about: "",
        },
        Parameter { name: "status", kind: Kind::Choices(&["a", "b"]), about: "" },
        Parameter { name: "name", kind: Kind::Text { max: 5 }, about: "" },
        Parameter { name: "after", kind: Kind::Time, about: "" },
        Parameter { name: "tag", kind: Kind::Texts { max: 3 }, about: "" },
    ];

    fn wrong(query: &str) -> Vec<String> {
        let problem = read(query, KNOWN).err().map(|problem| problem.document("r"));
        problem
            .map(|problem| problem.errors.into_iter().filter_map(|e| e.parameter).collect())
            .unwrap_or_default()
    }

    #[test]
    fn what_fits_is_read() {
        let query = read(
            "limit=7&total=TRUE&order=DESC&status=a,b&name=%C3%A4%20x&after=2026-01-31T09:00:00Z",
            KNOWN,
        )
        .unwrap();
        assert_eq!((query.count("limit"), query.flag("total")), (7, true));
        assert_eq!(query.words("status").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(query.text("name"), Some("ä x"));
        assert!(query.is("order", "desc") && !query.is("order", "asc"));
        let query = read("tag=a&tag=b", KNOWN).unwrap();
        assert_eq!(query.texts("tag").collect::<Vec<_>>(), ["a", "b"]);
        let empty = read("", KNOWN).unwrap();
        assert_eq!((empty.count("limit"), empty.flag("total"), empty.text("order")), (20, false, None));
    }

    #[test]
    fn everything_wrong_is_named() {
        for (query, expected) in [
            ("limit=0", vec!["limit"]),
            ("limit=101", vec!["limit"]),
            ("limit=abc", vec!["limit"]),
            ("limit=-1", vec!["limit"]),
            ("limit=%2B1", vec!["limit"]),
            ("limit=1.0", vec!["limit"]),
            ("limit=18446744073709551616", vec!["limit"]),
            ("total=yes", vec!["total"]),
            ("order=up", vec!["order"]),
            ("status=a,,b", vec!["status"]),
            ("status=c", vec!["status"]),
            ("name=abcdef", vec!["name"]),
            ("name=%00", vec!["name"]),
            ("name=", vec!["name"]),
            ("after=noon", vec!["after"]),
            ("foo=1", vec!["foo"]),
            ("order[]=asc", vec!["order[]"]),
            ("limit=1&limit=2", vec!["limit"]),
            ("tag=a&tag=abcd&tag=", vec!["tag", "tag"]),
            ("foo=1&limit=0&bar", vec!["foo", "limit", "bar"]),
        ] {
            assert_eq!(wrong(query), expected, "{query}");
        }
    }
}
