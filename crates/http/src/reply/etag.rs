//! Versions of rows as entity tags (RFC 9110 8.8, 13).

use axum::body::Body;
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use tasker_core::record::RowVersion;

use super::problem::Problem;

/// The tag of a version.
pub(crate) fn of_version(version: RowVersion) -> HeaderValue {
    HeaderValue::try_from(format!("\"{}\"", version.0)).expect("a number in quotes is a header value")
}

/// The answer to whoever has this version already.
pub(crate) fn not_modified(version: RowVersion) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, of_version(version));
    response
}

/// Whether the caller has this version already.
///
/// # Errors
/// The header is not well-formed.
pub(crate) fn is_known(headers: &HeaderMap, version: RowVersion) -> Result<bool, Problem> {
    Ok(match tags(headers, IF_NONE_MATCH.as_str())? {
        None => false,
        Some(Tags::Any) => true,
        // Weak comparison: how the tag was transported does not matter.
        Some(Tags::These(tags)) => tags.iter().any(|tag| tag.version() == Some(version)),
    })
}

/// The versions that the caller's change is meant for; `None`: any.
///
/// # Errors
/// The header is not well-formed.
pub(crate) fn expected(headers: &HeaderMap) -> Result<Option<Vec<RowVersion>>, Problem> {
    Ok(match tags(headers, IF_MATCH.as_str())? {
        None | Some(Tags::Any) => None,
        // Strong comparison: a weak tag is never the same.
        Some(Tags::These(tags)) => {
            Some(tags.iter().filter(|tag| !tag.is_weak).filter_map(Tag::version).collect())
        }
    })
}

enum Tags {
    Any,
    These(Vec<Tag>),
}

struct Tag {
    is_weak: bool,
    text: String,
}

impl Tag {
    /// The version that it stands for; `None` for what was never one.
    fn version(&self) -> Option<RowVersion> {
        self.text.parse().ok().map(RowVersion)
    }
}

fn tags(headers: &HeaderMap, name: &str) -> Result<Option<Tags>, Problem> {
    let mut all = Vec::new();
    let mut is_given = false;
    for value in headers.get_all(name) {
        is_given = true;
        let malformed = || Problem::parameter(name, "must be *, or entity tags such as \"1769850000000000\"");
        let text = value.to_str().map_err(|_| malformed())?.trim();
        if text == "*" {
            return Ok(Some(Tags::Any));
        }
        all.extend(list(text).ok_or_else(malformed)?);
    }
    Ok(is_given.then_some(Tags::These(all)))
}

/// Tags with commas between them; `None` if it is anything else. Commas may stand inside of tags.
fn list(text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        let is_weak = rest.starts_with("W/");
        let (tag, after) = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { is_weak, text: tag.to_owned() });
        let after = after.trim_start();
        if after.is_empty() {
            return Some(tags);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn an_expectation_is_a_list_of_versions() {
        let check = |values: &[&'static str], versions: Option<&[i64]>| {
            let found = expected(&headers("if-match", values)).unwrap();
            let found = found.map(|found| found.iter().map(|version| version.0).collect::<Vec<_>>());
            assert_eq!(found.as_deref(), versions, "{values:?}");
        };
        check(&[], None);
        check(&["*"], None);
        check(&["\"7\""], Some(&[7]));
        check(&["\"7\", \"8\""], Some(&[7, 8]));
        check(&["\"7\"", "\"8\""], Some(&[7, 8]));
        check(&["W/\"7\""], Some(&[]));
        check(&["\"a,b\""], Some(&[]));
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for value in ["7", "\"7", "\"7\" \"8\"", "\"7\",", "", "w/\"7\""] {
            assert!(expected(&headers("if-match", &[value])).is_err(), "{value}");
            assert!(is_known(&headers("if-none-match", &[value]), RowVersion(7)).is_err(), "{value}");
        }
    }

    #[test]
    fn a_known_version_is_compared_weakly() {
        let check = |values: &[&'static str], expected: bool| {
            assert_eq!(
                is_known(&headers("if-none-match", values), RowVersion(7)).unwrap(),
                expected,
                "{values:?}"
            );
        };
        check(&[], false);
        check(&["*"], true);
        check(&["\"7\""], true);
        check(&["\"6\", W/\"7\""], true);
        check(&["\"6\""], false);
        assert_eq!(of_version(RowVersion(7)), "\"7\"");
    }
}
