//! The description of the API as a page: the same document as `GET /openapi.json`, for people. It runs no script and
//! needs nothing from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use tasker_core::diagram::{CONTENT_SECURITY_POLICY, escaped};

const STYLE: &str = "body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1f2328; background: #ffffff; \
                     font: 1rem/1.5 system-ui, sans-serif; }\n\
                     code { font-family: ui-monospace, monospace; }\n\
                     summary { cursor: pointer; padding: .3rem 0; }\n\
                     details { border-bottom: 1px solid #d1d9e0; padding: 0 0 .3rem; }\n\
                     table { border-collapse: collapse; margin: .5rem 0; }\n\
                     th, td { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }\n\
                     pre { overflow: auto; background: #f6f8fa; padding: .5rem; }\n";

/// Writes the page of an OpenAPI document.
pub(crate) fn write(document: &Value) -> String {
    let title = format!("{} {}", text(&document["info"]["title"]), text(&document["info"]["version"]));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{CONTENT_SECURITY_POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1>\n<p>{about}</p>\n<p>All paths begin with <code>{base}</code>.</p></header>\n<main>\n",
        about = text(&document["info"]["description"]),
        base = text(&document["servers"][0]["url"]),
    );
    for (tag, operations) in by_tag(document) {
        line(&mut page, &format!("<h2 id=\"{0}\">{0}</h2>", escaped(tag)));
        operations.iter().for_each(|(method, path, operation)| section(&mut page, method, path, operation));
    }
    schemas(&mut page, &document["components"]["schemas"]);
    page + "</main>\n</body>\n</html>\n"
}

type Described<'a> = (&'a str, &'a str, &'a Value);

fn by_tag(document: &Value) -> BTreeMap<&str, Vec<Described<'_>>> {
    let mut tags: BTreeMap<&str, Vec<Described<'_>>> = BTreeMap::new();
    for (path, item) in entries(&document["paths"]) {
        for (method, operation) in entries(item) {
            let tag = operation["tags"][0].as_str().unwrap_or("api");
            tags.entry(tag).or_default().push((method, path, operation));
        }
    }
    tags
}

fn section(page: &mut String, method: &str, path: &str, operation: &Value) {
    let deprecated = if operation["deprecated"] == true { " (kept for old callers)" } else { "" };
    let head = format!(
        "<details id=\"{id}\">\n<summary><code>{method} {path}</code> {summary}{deprecated}</summary>",
        id = text(&operation["operationId"]),
        method = escaped(&method.to_uppercase()),
        path = escaped(path),
        summary = text(&operation["summary"]),
    );
    line(page, &head);
    if operation["description"].is_string() {
        line(page, &format!("<p>{}</p>", text(&operation["description"])));
    }
    if operation["x-permission"].is_string() {
        line(page, &format!("<p>Permission: <code>{}</code></p>", text(&operation["x-permission"])));
    }
    parameters(page, &operation["parameters"]);
    if operation["requestBody"].is_object() {
        line(page, &format!("<p>Body: {}</p>", content(&operation["requestBody"])));
    }
    answers(page, &operation["responses"]);
    line(page, "</details>");
}

fn parameters(page: &mut String, parameters: &Value) {
    let Some(parameters) = parameters.as_array() else { return };
    table(
        page,
        &["Parameter", "In", "Values", "What it does"],
        parameters.iter().map(|parameter| {
            [
                format!("<code>{}</code>", text(&parameter["name"])),
                text(&parameter["in"]),
                format!("<code>{}</code>", escaped(&parameter["schema"].to_string())),
                text(&parameter["description"]),
            ]
        }),
    );
}

fn answers(page: &mut String, responses: &Value) {
    table(
        page,
        &["Status", "What it means", "Body"],
        entries(responses)
            .map(|(status, response)| [escaped(status), text(&response["description"]), content(response)]),
    );
}

/// Media types, and the schemas of what is written in them.
fn content(holder: &Value) -> String {
    let forms = entries(&holder["content"]).map(|(media, form)| {
        let names = references(&form["schema"]);
        let links: Vec<String> =
            names.iter().map(|name| format!("<a href=\"#schema-{0}\">{0}</a>", escaped(name))).collect();
        format!("<code>{}</code> {}", escaped(media), links.join(" or "))
    });
    forms.collect::<Vec<_>>().join("<br>")
}

/// The names of the schemas that a schema refers to, each once.
fn references(schema: &Value) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    collect(schema, &mut names);
    names.dedup();
    names
}

fn collect(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            names.extend(name.map(str::to_owned));
            map.values().for_each(|value| collect(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

fn schemas(page: &mut String, schemas: &Value) {
    line(page, "<h2>Documents</h2>");
    for (name, schema) in entries(schemas) {
        let name = escaped(name);
        let body = escaped(&format!("{schema:#}"));
        line(
            page,
            &format!(
                "<details id=\"schema-{name}\">\n<summary><code>{name}</code></summary>\n<pre>{body}</pre>\n</details>"
            ),
        );
    }
}

fn table<const N: usize>(page: &mut String, headings: &[&str; N], rows: impl Iterator<Item = [String; N]>) {
    let head: String = headings.iter().map(|heading| format!("<th scope=\"col\">{heading}</th>")).collect();
    line(page, &format!("<table>\n<thead><tr>{head}</tr></thead>\n<tbody>"));
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        line(page, &format!("<tr>{cells}</tr>"));
    }
    line(page, "</tbody>\n</table>");
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(key, value)| (key.as_str(), value))
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn line(page: &mut String, line: &str) {
    writeln!(page, "{line}").expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let evil = "<script>alert(1)</script>\"'";
        let page = write(&json!({
            "info": {"title": evil, "version": evil, "description": evil},
            "servers": [{"url": evil}],
            "paths": {evil: {evil: {
                "operationId": evil, "summary": evil, "description": evil, "tags": [evil], "x-permission": evil,
                "parameters": [{"name": evil, "in": evil, "description": evil, "schema": {evil: evil}}],
                "requestBody": {"content": {evil: {"schema": {"$ref": evil}}}},
                "responses": {evil: {"description": evil}},
            }}},
            "components": {"schemas": {evil: {"description": evil}}},
        }));
        assert!(!page.contains("<script") && !page.contains("alert(1)</script>"), "{page}");
        assert!(!page.contains("\"'"), "{page}");
    }
}
