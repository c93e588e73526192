//! What it means that no answer came.

use std::error::Error;
use std::io;

use rustls::AlertDescription;
use serde_json::json;
use tasker_core::outcome::Failure;

use super::net::NetworkDenied;
use super::request::Request;

/// Why a request had no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Trouble {
    Denied(NetworkDenied),
    Certificate,
    Tls,
    Dns,
    Timeout,
    Refused,
    Reset,
    Connect,
    Request,
}

/// The failure of a request that had no answer.
pub(super) fn failure(error: &reqwest::Error, request: &Request) -> Failure {
    let trouble = look(error).unwrap_or_else(|| fallback(error));
    let target = request.target();
    let cause = root(error);
    let (class, code, message) = match &trouble {
        Trouble::Denied(denied) => {
            ("NetworkDenied", "network_denied", format!("{target} was not sent: {denied}"))
        }
        Trouble::Certificate => (
            "TlsCertificate",
            "tls_certificate",
            format!("{target}: the certificate is not accepted: {cause}"),
        ),
        Trouble::Tls => ("TlsFailure", "tls_failure", format!("{target}: no TLS connection: {cause}")),
        Trouble::Dns => {
            ("DnsFailure", "dns_failure", format!("{target}: the host name cannot be resolved: {cause}"))
        }
        Trouble::Timeout => {
            ("HttpTimeout", "http_timeout", format!("{target}: no connection within connect_timeout_seconds"))
        }
        Trouble::Refused => {
            ("ConnectionRefused", "connection_refused", format!("{target}: the connection was refused"))
        }
        Trouble::Reset => {
            ("ConnectionReset", "connection_reset", format!("{target}: the connection broke off: {cause}"))
        }
        Trouble::Connect => {
            ("ConnectionFailed", "connection_failed", format!("{target}: no connection: {cause}"))
        }
        Trouble::Request => {
            ("InvalidRequest", "invalid_request", format!("{target} cannot be sent: {cause}"))
        }
    };
    let permanent = matches!(trouble, Trouble::Denied(_) | Trouble::Certificate | Trouble::Request);
    let failure = if permanent {
        Failure::permanent(class, code, message)
    } else {
        Failure::retryable(class, code, message)
    };
    failure.with_context(
        json!({ "method": request.method.as_str(), "url": super::request::plain(&request.url) }),
    )
}

/// A request to a place that is not allowed.
pub(super) fn denied(denied: &NetworkDenied, request: &Request) -> Failure {
    Failure::permanent(
        "NetworkDenied",
        "network_denied",
        format!("{} was not sent: {denied}", request.target()),
    )
}

/// Looks for a cause that says more than the library's own kinds of error.
fn look(error: &(dyn Error + 'static)) -> Option<Trouble> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(denied) = error.downcast_ref::<NetworkDenied>() {
            return Some(Trouble::Denied(denied.clone()));
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls_trouble(tls));
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // an error inside an io::Error is not its source
            if let Some(found) = io.get_ref().and_then(|inner| look(inner)) {
                return Some(found);
            }
            if let Some(found) = io_trouble(io.kind()) {
                return Some(found);
            }
        }
        next = error.source();
    }
    None
}

fn tls_trouble(error: &rustls::Error) -> Trouble {
    use AlertDescription as Alert;
    match error {
        rustls::Error::InvalidCertificate(_)
        | rustls::Error::NoCertificatesPresented
        | rustls::Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::CertificateRequired
            | Alert::UnknownCA,
        ) => Trouble::Certificate,
        _ => Trouble::Tls,
    }
}

fn io_trouble(kind: io::ErrorKind) -> Option<Trouble> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(Trouble::Refused),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some(Trouble::Reset)
        }
        io::ErrorKind::TimedOut => Some(Trouble::Timeout),
        _ => None,
    }
}

fn fallback(error: &reqwest::Error) -> Trouble {
    if error.is_dns() {
        Trouble::Dns
    } else if error.is_timeout() {
        Trouble::Timeout
    } else if error.is_connect() {
        Trouble::Connect
    } else if error.is_builder() {
        Trouble::Request
    } else {
        Trouble::Reset
    }
}

/// The innermost cause: the outer ones repeat the URL, which may hold secrets.
fn root(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    #[test]
    fn certificates_are_told_from_other_trouble_with_tls() {
        let check = |error: rustls::Error, expected| {
            assert_eq!(look(&io::Error::other(error.clone())), Some(expected), "{error}");
        };
        check(rustls::Error::InvalidCertificate(CertificateError::Expired), Trouble::Certificate);
        check(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer), Trouble::Certificate);
        check(rustls::Error::AlertReceived(AlertDescription::CertificateRequired), Trouble::Certificate);
        check(rustls::Error::AlertReceived(AlertDescription::HandshakeFailure), Trouble::Tls);
        check(rustls::Error::HandshakeNotComplete, Trouble::Tls);
    }

    #[test]
    fn kinds_of_io_errors_are_told_apart() {
        let check =
            |kind: io::ErrorKind, expected| assert_eq!(look(&io::Error::from(kind)), expected, "{kind}");
        check(io::ErrorKind::ConnectionRefused, Some(Trouble::Refused));
        check(io::ErrorKind::ConnectionReset, Some(Trouble::Reset));
        check(io::ErrorKind::TimedOut, Some(Trouble::Timeout));
        check(io::ErrorKind::Other, None);
    }
}
