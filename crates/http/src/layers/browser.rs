//! What browsers send for pages of other sites: a page that somebody has open can send requests to whatever his machine
//! reaches, `localhost` among it. So listening on loopback alone keeps nobody out.

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::options::ApiOptions;
use crate::reply::{Problem, codes};
use crate::state::ApiState;

/// How a browser says whose page asks. Pages cannot set it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets nobody through who asks for a page of another site.
pub(super) async fn guard(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let asked = Asked { method: request.method(), uri: request.uri(), headers: request.headers() };
    match asked.refusal(&api.options) {
        None => next.run(request).await,
        Some(problem) => problem.into_response(),
    }
}

struct Asked<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl Asked<'_> {
    fn refusal(&self, options: &ApiOptions) -> Option<Problem> {
        let host = self.host();
        let is_open = !options.authentication.is_enabled() && !options.allow_unauthenticated;
        if is_open
            && let Some(host) = &host
            && !is_own_name(host, options)
        {
            let detail = format!("this server is not called {host}, and nobody is asked who he is");
            let help =
                "call it by its address or as localhost, name it in api.public_url, or set up authentication";
            return Some(Problem::new(&codes::CROSS_SITE, detail).help(Some(help.into())));
        }
        if self.method.is_safe() || self.is_of_same_site(options, host.as_ref()) {
            return None;
        }
        let help = "list the origin of the page in api.allowed_origins";
        Some(
            Problem::new(&codes::CROSS_SITE, "a page of another site may change nothing here")
                .help(Some(help.into())),
        )
    }

    /// Whether no page asks, or one that may.
    fn is_of_same_site(&self, options: &ApiOptions, host: Option<&Authority>) -> bool {
        let text = |name: &HeaderName| self.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let origin = text(&ORIGIN);
        if origin.is_some_and(|origin| is_listed(origin, options)) {
            return true;
        }
        match (text(&FETCH_SITE), origin) {
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => {
                let of = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
                of.is_some() && of.as_ref() == host
            }
            (None, None) => true,
        }
    }

    fn host(&self) -> Option<Authority> {
        match self.headers.get(HOST) {
            Some(host) => Authority::try_from(host.as_bytes()).ok(),
            None => self.uri.authority().cloned(),
        }
    }
}

/// Whether a name cannot have been made to lead here by somebody else: an address, `localhost`, or what was set.
fn is_own_name(host: &Authority, options: &ApiOptions) -> bool {
    let name = host.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    name.parse::<std::net::IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || public(options).is_some_and(|uri| uri.host().is_some_and(|own| own.eq_ignore_ascii_case(&name)))
}

fn is_listed(origin: &str, options: &ApiOptions) -> bool {
    let is_public = || {
        let of = |uri: Uri| Some((uri.scheme()?.clone(), uri.authority()?.clone()));
        let origin = origin.parse::<Uri>().ok().and_then(of);
        origin.is_some() && origin == public(options).and_then(of)
    };
    options.allowed_origins.iter().any(|listed| listed == origin) || is_public()
}

fn public(options: &ApiOptions) -> Option<Uri> {
    options.public_url.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(options: &ApiOptions, method: Method, headers: &[(&str, &str)]) -> bool {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        Asked { method: &method, uri: &Uri::from_static("/tasker/tasks"), headers: &headers }
            .refusal(options)
            .is_some()
    }

    #[test]
    fn a_name_that_anybody_can_give_this_address_is_refused() {
        let public_url = Some("https://tasker.example.com/x".to_owned());
        let options = ApiOptions { public_url, ..ApiOptions::default() };
        for (host, refused) in [
            ("127.0.0.1:8080", false),
            ("[::1]:8080", false),
            ("localhost", false),
            ("LOCALHOST:1", false),
            ("a.localhost:1", false),
            ("tasker.example.com", false),
            ("evil.example:8080", true),
            ("localhost.evil.example", true),
            ("127.0.0.1.evil.example", true),
        ] {
            assert_eq!(is_refused(&options, Method::GET, &[("host", host)]), refused, "{host}");
        }
        let allowed = ApiOptions { allow_unauthenticated: true, ..ApiOptions::default() };
        assert!(!is_refused(&allowed, Method::GET, &[("host", "tasker:8080")]));
        assert!(!is_refused(&options, Method::GET, &[]));
    }

    #[test]
    fn pages_of_other_sites_change_nothing() {
        let options = ApiOptions {
            allowed_origins: vec!["https://ui.example.com".into()],
            public_url: Some("https://tasker.example.com".into()),
            ..ApiOptions::default()
        };
        let at = ("host", "127.0.0.1:8080");
        for (headers, refused) in [
            (&[at][..], false),
            (&[at, ("origin", "http://127.0.0.1:8080")], false),
            (&[at, ("origin", "http://127.0.0.1:8081")], true),
            (&[at, ("origin", "https://ui.example.com"), ("sec-fetch-site", "cross-site")], false),
            (&[at, ("origin", "https://tasker.example.com")], false),
            (&[at, ("origin", "null")], true),
            (&[at, ("sec-fetch-site", "cross-site")], true),
            (&[at, ("sec-fetch-site", "same-site")], true),
            (&[at, ("origin", "https://tasker.internal"), ("sec-fetch-site", "same-origin")], false),
            (&[at, ("sec-fetch-site", "none")], false),
        ] {
            assert_eq!(is_refused(&options, Method::POST, headers), refused, "{headers:?}");
            assert!(!is_refused(&options, Method::GET, headers), "{headers:?}");
        }
    }
}
