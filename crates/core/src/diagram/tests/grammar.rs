//! Small parsers, as strict as they need to be: whatever is not exactly what diagrams are made of, panics.

/// What a Mermaid text holds.
#[derive(Default)]
pub(super) struct MermaidText {
    /// The labels of its nodes, entity codes replaced.
    pub(super) nodes: Vec<String>,
    pub(super) edges: Vec<(String, String)>,
    pub(super) urls: Vec<String>,
}

impl MermaidText {
    pub(super) fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let direction = lines.next().and_then(|line| line.strip_prefix("graph ")).expect("a first line");
        assert!(["TD", "LR", "RL", "BT"].contains(&direction), "{direction}");
        let mut parsed = Self::default();
        for line in lines {
            parsed.line(line.trim_start());
        }
        parsed
    }

    fn line(&mut self, line: &str) {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "end" => assert_eq!(rest, ""),
            "subgraph" => drop(quoted(rest)),
            "style" => assert!(rest.ends_with(';') && rest.matches(';').count() == 1, "{line}"),
            "click" => {
                let (_, url) = rest.split_once(' ').expect("an id and an address");
                self.urls.push(quoted(url));
            }
            _ if line.contains("-->") => self.edge(line),
            _ => self.node(line),
        }
    }

    fn edge(&mut self, line: &str) {
        let (from, rest) = line.split_once(" -->").expect("an arrow");
        let to = match rest.strip_prefix('|') {
            Some(labelled) => {
                let (label, to) = labelled.split_once("| ").expect("the end of a label");
                quoted(label);
                to
            }
            None => rest.trim_start(),
        };
        self.edges.push((id(from), id(to)));
    }

    fn node(&mut self, line: &str) {
        let (name, rest) = line.split_once(['[', '(']).expect("a node");
        id(name);
        self.nodes.push(quoted(rest.strip_suffix([']', ')']).expect("the end of a node")));
    }
}

fn id(text: &str) -> String {
    assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)), "{text:?}");
    text.into()
}

/// The text between quotes. Nothing in it may mean anything to Mermaid, but for entity codes and line breaks.
fn quoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).expect("quotes");
    let mut plain = String::new();
    for (i, line) in inner.split("<br/>").enumerate() {
        plain.push_str(if i > 0 { "\n" } else { "" });
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('#') {
            let (code, tail) = after.split_once(';').expect("the end of an entity code");
            plain.push_str(literal(before));
            plain.push(char::from_u32(code.parse().expect("a number")).expect("a character"));
            rest = tail;
        }
        plain.push_str(literal(rest));
    }
    plain
}

fn literal(text: &str) -> &str {
    // Addresses are percent-encoded, not entity coded.
    let is_address = text.starts_with('/') || text.starts_with("http");
    let has_meaning =
        |c: char| c.is_control() || "\"<>`\\{|}^".contains(c) || (!is_address && "&[]();%".contains(c));
    assert!(!text.contains(has_meaning), "{text:?}");
    text
}

/// What an SVG or HTML text holds.
#[derive(Default)]
pub(super) struct Markup {
    /// The names of its elements.
    pub(super) elements: Vec<String>,
    /// Names and values of their attributes.
    pub(super) attributes: Vec<(String, String)>,
}

impl Markup {
    pub(super) fn parse(text: &str) -> Self {
        let mut parsed = Self::default();
        let mut open: Vec<&str> = Vec::new();
        let mut rest = text.strip_prefix("<!DOCTYPE html>").unwrap_or(text);
        while let Some((content, after)) = rest.split_once('<') {
            plain(content);
            let (tag, tail) = after.split_once('>').expect("the end of a tag");
            rest = tail;
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "tags are closed in order");
                continue;
            }
            let (tag, is_whole) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name:?}");
            parsed.attributes(attributes);
            parsed.elements.push(name.into());
            if !is_whole && name != "meta" {
                open.push(name);
            }
        }
        plain(rest);
        assert_eq!(open, [""; 0], "tags are closed");
        parsed
    }

    fn attributes(&mut self, mut text: &str) {
        while !text.trim_start().is_empty() {
            let (name, rest) = text.trim_start().split_once("=\"").expect("a name and a quoted value");
            let (value, tail) = rest.split_once('"').expect("the end of a value");
            assert!(name.chars().all(|c| c.is_ascii_alphabetic() || c == '-'), "{name:?}");
            plain(value);
            self.attributes.push((name.into(), value.into()));
            text = tail;
        }
    }

    pub(super) fn values_of(&self, name: &str) -> Vec<&str> {
        self.attributes.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// Text that is no markup: every `&` begins an entity.
fn plain(text: &str) {
    assert!(
        !text.contains('>') && !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'),
        "{text:?}"
    );
    for (at, _) in text.match_indices('&') {
        let known =
            ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].iter().any(|entity| text[at..].starts_with(entity));
        assert!(known, "{text:?}");
    }
}

/// How many statements a dot text holds: lines between the braces, quotes balanced in each.
pub(super) fn statements_of_dot(text: &str) -> usize {
    let inner = text.split_once("{\n").and_then(|(_, rest)| rest.strip_suffix("}\n")).expect("braces");
    let lines: Vec<&str> = inner.lines().collect();
    for line in &lines {
        assert!(line.starts_with("  ") && line.ends_with(';'), "{line:?}");
        let unescaped = line.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(unescaped.matches('"').count() % 2, 0, "{line:?}");
    }
    lines.len()
}
