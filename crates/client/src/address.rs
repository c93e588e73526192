//! Where the routes of a server begin.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::error::InvalidClient;

/// Where the routes begin if the address of the server has no path.
const BASE_PATH: &str = "/tasker";

/// What may stand in a segment of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the routes of a server begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Address(Url);

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// It is no address of a server, or holds credentials, which would end up in logs.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidClient> {
        let invalid = |why: &str| InvalidClient::Address { why: why.to_owned() };
        let mut url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(invalid("it must begin with http:// or https:// and name a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it must not hold a name or password; give a token instead"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it must not hold a query or fragment"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(if path.is_empty() { BASE_PATH } else { &path });
        Ok(Self(url))
    }

    /// The address of a route, given the segments of its path.
    pub(crate) fn route(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        let mut path = url.path().to_owned();
        for segment in segments {
            path.push('/');
            path.extend(utf8_percent_encode(segment, SEGMENT));
        }
        url.set_path(&path);
        url
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_path_is_added_where_the_address_has_none() {
        let route = |text: &str| Address::parse(text).unwrap().route(&["tasks", "a/b c"]).to_string();
        assert_eq!(route("http://localhost:8080"), "http://localhost:8080/tasker/tasks/a%2Fb%20c");
        assert_eq!(route("http://localhost:8080/"), "http://localhost:8080/tasker/tasks/a%2Fb%20c");
        assert_eq!(route("https://a.b/x/y/"), "https://a.b/x/y/tasks/a%2Fb%20c");
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for text in
            ["", "localhost:8080", "ftp://a", "http://", "http://me:secret@a", "http://a?b=c", "http://a#b"]
        {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
