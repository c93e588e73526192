//! What a status says about the step.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde::Deserialize;

/// What an answer means for the step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The step is done.
    Success,
    /// The step may be tried again.
    Retryable,
    /// The step has failed for good.
    Permanent,
}

/// The verdict on a status; overrides come first (`spec/domain.md` 8.2 Build).
pub fn classify(status: u16, overrides: &BTreeMap<u16, Verdict>) -> Verdict {
    if let Some(verdict) = overrides.get(&status) {
        return *verdict;
    }
    match status {
        200..=226 => Verdict::Success,
        408 | 409 | 423 | 425 | 429 | 500..=599 => Verdict::Retryable,
        _ => Verdict::Permanent,
    }
}

/// The class of a failure with this status in CamelCase, such as `TooManyRequests`.
pub(super) fn class_of(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => reason
            .split(|c: char| !c.is_ascii_alphanumeric())
            .map(|word| word[..word.len().min(1)].to_uppercase() + word.get(1..).unwrap_or_default())
            .collect(),
        None => format!("Http{}", status.as_u16()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dom_103_dom_104_as_46_every_status_has_its_verdict() {
        let check = |statuses: &[u16], expected| {
            for status in statuses {
                assert_eq!(classify(*status, &BTreeMap::new()), expected, "{status}");
            }
        };
        check(&[200, 201, 202, 204, 226], Verdict::Success);
        check(&[408, 409, 423, 425, 429, 500, 501, 502, 503, 504, 599], Verdict::Retryable);
        check(&[400, 401, 403, 404, 405, 406, 410, 418, 422, 424, 426, 451], Verdict::Permanent);
        check(&[100, 101, 227, 300, 301, 302, 304, 307, 600, 999], Verdict::Permanent);
    }

    #[test]
    fn overrides_come_first() {
        let overrides =
            BTreeMap::from([(409, Verdict::Success), (404, Verdict::Retryable), (200, Verdict::Permanent)]);
        assert_eq!(classify(409, &overrides), Verdict::Success);
        assert_eq!(classify(404, &overrides), Verdict::Retryable);
        assert_eq!(classify(200, &overrides), Verdict::Permanent);
        assert_eq!(classify(500, &overrides), Verdict::Retryable);
    }

    #[test]
    fn classes_are_camel_case() {
        let check =
            |status, expected: &str| assert_eq!(class_of(StatusCode::from_u16(status).unwrap()), expected);
        check(429, "TooManyRequests");
        check(422, "UnprocessableEntity");
        check(418, "IMATeapot");
        check(404, "NotFound");
        check(599, "Http599");
    }
}
