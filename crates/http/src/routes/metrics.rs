//! `GET /metrics`: numbers about what the server does.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use crate::call::Call;
use crate::observe::MetricsForm;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes};
use crate::state::ApiState;

/// What keeps old and new caches from keeping an answer.
const NOT_KEPT: [(HeaderName, &str); 3] =
    [(CACHE_CONTROL, "no-cache, no-store, must-revalidate"), (PRAGMA, "no-cache"), (EXPIRES, "0")];

const FORMAT: &str = "format";

const QUERY: &[Parameter] = &[Parameter {
    name: FORMAT,
    kind: Kind::Formed { pattern: "^(prometheus|openmetrics|json)$", max: 32 },
    about: "`prometheus`, `openmetrics` or `json`; without it, what `Accept` prefers",
}];

pub(crate) fn operation() -> Operation {
    Operation::new("show_metrics", "Numbers about what the server does")
        .description(
            "In the form that `Accept` prefers: Prometheus' text 0.0.4, OpenMetrics 1.0.0 \
             (`application/openmetrics-text`) or JSON.",
        )
        .query(QUERY)
        .plain_reply(200, "All metrics", "text/plain")
        .plain_reply(200, "All metrics", "application/openmetrics-text")
        .plain_reply(200, "All metrics", "application/json")
        .problems(&[&codes::NOT_ACCEPTABLE])
}

/// Answers with all of them.
pub(crate) async fn show_metrics(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    call.permit_everywhere()?;
    let Some(source) = &api.options.metrics.source else {
        return Err(Problem::new(&codes::SERVICE_UNAVAILABLE, "metrics are turned off")
            .help("turn them on with telemetry.metrics_enabled = true".to_owned()));
    };
    let form = match call.query.text(FORMAT) {
        Some(word) => named(word),
        None => preferred(call.headers()),
    };
    let form = form.ok_or_else(not_acceptable)?;
    let mut response = Response::new(Body::from(source.metrics(form).await));
    for (name, value) in [(CONTENT_TYPE, form.media_type())].into_iter().chain(NOT_KEPT) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn not_acceptable() -> Problem {
    let detail = "metrics come as text/plain, application/openmetrics-text or application/json";
    Problem::new(&codes::NOT_ACCEPTABLE, detail)
        .help("ask for ?format=prometheus, ?format=openmetrics or ?format=json".to_owned())
}

fn named(word: &str) -> Option<MetricsForm> {
    match word {
        "prometheus" | "text" => Some(MetricsForm::Text),
        "openmetrics" => Some(MetricsForm::OpenMetrics),
        "json" => Some(MetricsForm::Json),
        _ => None,
    }
}

/// What the caller likes best; of equals, what is named first. Whoever does not say gets text.
fn preferred(headers: &HeaderMap) -> Option<MetricsForm> {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut is_told = false;
    let mut best: Option<(f32, MetricsForm)> = None;
    for range in lines.flat_map(|line| line.split(',')) {
        is_told = true;
        let Some((quality, form)) = understood(range) else { continue };
        if quality > 0.0 && best.is_none_or(|(most, _)| quality > most) {
            best = Some((quality, form));
        }
    }
    if is_told { best.map(|(_, form)| form) } else { Some(MetricsForm::Text) }
}

/// One range of `Accept`: how much it is liked, and what fits it.
fn understood(range: &str) -> Option<(f32, MetricsForm)> {
    let mut parts = range.split(';').map(str::trim);
    let form = match parts.next()?.to_ascii_lowercase().as_str() {
        "*/*" | "text/*" | "text/plain" => MetricsForm::Text,
        "application/openmetrics-text" | "application/*" => MetricsForm::OpenMetrics,
        "application/json" => MetricsForm::Json,
        _ => return None,
    };
    let mut quality = 1.0;
    for part in parts {
        match part.split_once('=') {
            Some(("q", value)) => quality = value.parse().ok()?,
            Some(("version", "0.0.1")) if form == MetricsForm::OpenMetrics => return None,
            _ => {}
        }
    }
    Some((quality, form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_liked_best_is_given() {
        let check = |accept: &str, expected: Option<MetricsForm>| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
            assert_eq!(preferred(&headers), expected, "{accept}");
        };
        check("*/*", Some(MetricsForm::Text));
        check("application/json", Some(MetricsForm::Json));
        check("application/openmetrics-text", Some(MetricsForm::OpenMetrics));
        check("text/html, application/json;q=0.5, text/plain;q=0.9", Some(MetricsForm::Text));
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;\
                          q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        check(prometheus, Some(MetricsForm::OpenMetrics));
        check("text/html", None);
        check("application/json;q=0", None);
        check("application/json;q=much", None);
        check("", None);
        assert_eq!(preferred(&HeaderMap::new()), Some(MetricsForm::Text));
    }
}
