//! A diagram as a page that needs nothing from elsewhere: a drawing, a table that says the same, and the Mermaid text.
//! It runs no script, and no text of a task becomes markup.

use std::fmt::Write as _;

use super::markup::escaped;
use super::theme::Palette;
use super::{Diagram, DiagramStep, Flowchart, mermaid, svg};

/// What browsers may do with the page; to be sent as the header of this name too.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Writes a diagram as a page.
pub(super) fn write(diagram: &Diagram) -> String {
    let title = escaped(diagram.chart.title.as_deref().unwrap_or_default());
    let facts: String = diagram
        .facts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(value)))
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{CONTENT_SECURITY_POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n<dl>\n{facts}</dl>\n</header>\n<main>\n\
         <figure class=\"drawing\" tabindex=\"0\">\n{drawing}</figure>\n\
         <h2>Steps</h2>\n{table}\
         {source}\
         </main>\n</body>\n</html>\n",
        style = style(&diagram.theme.palette()),
        drawing = svg::write(&diagram.chart, diagram.theme),
        table = table(diagram),
        source = source(&diagram.chart),
    )
}

/// The Mermaid text, unless it is of a chart that Mermaid would not draw either.
fn source(chart: &Flowchart) -> String {
    if svg::is_too_large(chart) {
        return String::new();
    }
    let text = escaped(&mermaid::write(chart));
    format!(
        "<details>\n<summary>Mermaid</summary>\n<pre class=\"tasker-diagram mermaid\">{text}</pre>\n</details>\n"
    )
}

fn style(palette: &Palette) -> String {
    let Palette { background, foreground, node, link } = palette;
    format!(
        "body {{ margin: 2rem; background: {background}; color: {foreground}; font: 1rem/1.5 system-ui, sans-serif; }}\n\
         a {{ color: {link}; }}\n\
         dl {{ display: grid; grid-template-columns: max-content auto; gap: 0 1rem; }}\n\
         dd {{ margin: 0; }}\n\
         .drawing {{ margin: 0; overflow: auto; }}\n\
         table {{ border-collapse: collapse; }}\n\
         th, td {{ padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid {node}; }}\n\
         pre {{ overflow: auto; }}\n"
    )
}

/// The steps in words: the alternative to the drawing.
fn table(diagram: &Diagram) -> String {
    let of_task = diagram.steps.iter().any(|step| step.status.is_some());
    let headings: &[&str] = match of_task {
        true => &["Step", "Status", "Attempts", "Waits for", "Error"],
        false => &["Step", "Handler", "Waits for"],
    };
    let mut table = String::from("<table>\n<thead><tr>");
    for heading in headings {
        write!(table, "<th scope=\"col\">{heading}</th>").expect("writing to a string cannot fail");
    }
    table.push_str("</tr></thead>\n<tbody>\n");
    for step in &diagram.steps {
        table.push_str("<tr>");
        for cell in cells(step) {
            write!(table, "<td>{}</td>", escaped(&cell)).expect("writing to a string cannot fail");
        }
        table.push_str("</tr>\n");
    }
    table + "</tbody>\n</table>\n"
}

fn cells(step: &DiagramStep) -> Vec<String> {
    let parents: Vec<&str> = step.parents.iter().map(|name| name.as_str()).collect();
    let (name, parents) = (step.name.to_string(), parents.join(", "));
    match &step.status {
        Some(status) => vec![
            name,
            status.state.to_string(),
            status.attempts.to_string(),
            parents,
            status.error.clone().unwrap_or_default(),
        ],
        None => vec![name, step.handler.to_string(), parents],
    }
}
