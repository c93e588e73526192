//! Diagrams as answers: in which form, with which options.

use axum::response::Response;
use tasker_core::diagram::{Diagram, DiagramFormat, DiagramOptions, Theme};
use tasker_wire::DiagramDocument;

use super::codes;
use super::page::page;
use super::problem::Problem;
use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::request::accept;
use crate::state::ApiState;

/// How the form is chosen.
pub(crate) const FORMAT: Parameter = Parameter {
    name: "format",
    kind: Kind::Formed { pattern: "^(json|html|mermaid|dot|svg|text)$", max: 32 },
    about: "json, html, mermaid, dot, svg or text; if absent, `Accept` chooses, and json without it",
};

/// Where edges lead.
pub(crate) const DIRECTION: Parameter = Parameter {
    name: "direction",
    kind: Kind::Choice { words: &["td", "lr", "rl", "bt"], default: Some("td") },
    about: "Where edges lead: down, right, left or up; in any case",
};

/// Colours.
pub(crate) const THEME: Parameter = Parameter {
    name: "theme",
    kind: Kind::Choice { words: &["light", "dark"], default: Some("light") },
    about: "Colours of the background and of lines",
};

/// The forms that `Accept` may choose, the preferred one first.
const MEDIA: &[(&str, DiagramFormat)] = &[
    ("application/json", DiagramFormat::Json),
    ("text/html", DiagramFormat::Html),
    ("text/vnd.mermaid", DiagramFormat::Mermaid),
    ("text/plain", DiagramFormat::Mermaid),
    ("text/vnd.graphviz", DiagramFormat::Dot),
    ("image/svg+xml", DiagramFormat::Svg),
];

/// The form of an answer.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    format: DiagramFormat,
    media_type: &'static str,
}

/// An operation that answers with a diagram.
pub(crate) fn operation(operation: Operation) -> Operation {
    let first = operation.reply::<DiagramDocument>(200, "The diagram");
    MEDIA[1..].iter().fold(first, |operation, (media, _)| operation.plain_reply(200, "The diagram", media))
}

/// The form that the caller chose.
///
/// # Errors
/// `NOT_ACCEPTABLE`, naming the forms there are.
pub(crate) fn form(call: &Call) -> Result<Form, Problem> {
    let chosen = match call.query.text(FORMAT.name) {
        Some(name) => name.to_lowercase().parse().ok().map(Form::of),
        None => {
            let offered: Vec<&str> = MEDIA.iter().map(|(media, _)| *media).collect();
            let media = accept::best(call.headers(), &offered);
            MEDIA
                .iter()
                .find(|(name, _)| Some(*name) == media)
                .map(|(media, format)| Form::named(media, *format))
        }
    };
    chosen.ok_or_else(|| {
        let media: Vec<&str> = MEDIA.iter().map(|(media, _)| *media).collect();
        let names: Vec<&str> = DiagramFormat::ALL.into_iter().map(DiagramFormat::as_str).collect();
        let detail =
            format!("a diagram can be had as {}, or by format={}", media.join(", "), names.join("|"));
        Problem::new(&codes::NOT_ACCEPTABLE, detail)
    })
}

/// The options that the caller chose; `links`: whether nodes lead somewhere, for diagrams that know where.
///
/// # Errors
/// A parameter cannot be read, which [`crate::request::query`] has made sure of.
pub(crate) fn options(api: &ApiState, call: &Call, links: bool) -> Result<DiagramOptions, Problem> {
    let direction = call.query.text(DIRECTION.name).map(str::to_uppercase);
    let direction = direction.map(|text| text.parse()).transpose();
    let is_dark = call.query.is(THEME.name, "dark");
    Ok(DiagramOptions {
        direction: direction
            .map_err(|error: tasker_core::diagram::UnknownDirection| {
                Problem::parameter(DIRECTION.name, error.to_string())
            })?
            .unwrap_or_default(),
        theme: if is_dark { Theme::Dark } else { Theme::Light },
        links: links.then(|| api.options.links().ok()).flatten(),
    })
}

impl Form {
    fn of(format: DiagramFormat) -> Self {
        Self { format, media_type: format.media_type() }
    }

    fn named(media: &str, format: DiagramFormat) -> Self {
        let plain = DiagramFormat::Text.media_type();
        let media_type = if plain.starts_with(media) { plain } else { format.media_type() };
        Self { format, media_type }
    }

    /// Answers with a diagram.
    pub(crate) fn answer(self, diagram: &Diagram) -> Response {
        page(self.media_type, diagram.render(self.format))
    }
}
