//! Reads the source of a template without running it: its parts, and the paths of names its code uses.
//!
//! The template engine knows which names a template uses, but not `results['my-step']`, so that paths are read here.
//! Sources are taken to be valid; whether they are is the engine's word. What is not valid is simply text.

/// A part of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part<'a> {
    /// Plain text, comments and raw blocks.
    Text(&'a str),
    /// The inside of `{{ ... }}`.
    Expression(&'a str),
    /// The inside of `{% ... %}`.
    Statement(&'a str),
    /// The inside of `{{` or `{%` that has no end.
    Unended(&'a str),
}

/// Most words and signs of one expression or statement. Each may nest what is parsed one level deeper, and the template
/// engine parses, compiles and drops by recursion: on the stack of a thread there is room for a few thousand levels.
pub(super) const MAX_TOKENS: usize = 500;

/// Most statements of one text; `elif` nests too.
pub(super) const MAX_STATEMENTS: usize = 500;

/// A name and the keys that are looked up in it: `results['a'].body` is `results`, `a`, `body`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Path {
    pub root: String,
    pub keys: Vec<String>,
    /// Whether a key that is only known at run time follows the known ones.
    pub dynamic: bool,
}

/// The parts of a source, in order.
pub(super) fn parts(source: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = source;
    while let Some((start, opening)) = next_opening(rest) {
        if start > 0 {
            parts.push(Part::Text(&rest[..start]));
        }
        let inside = &rest[start + 2..];
        let (part, length) = match opening {
            '{' => code(inside, "}}")
                .map_or((Part::Unended(inside), inside.len()), |(c, n)| (Part::Expression(c), n)),
            '%' => raw(inside).map_or_else(
                || {
                    code(inside, "%}")
                        .map_or((Part::Unended(inside), inside.len()), |(c, n)| (Part::Statement(c), n))
                },
                |(text, length)| (Part::Text(text), length),
            ),
            _ => {
                let length = inside.find("#}").map_or(inside.len(), |end| end + 2);
                (Part::Text(""), length)
            }
        };
        if part != Part::Text("") {
            parts.push(part);
        }
        rest = &inside[length..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// The expression, if the source is nothing but one (white space around it aside).
pub(super) fn single_expression(source: &str) -> Option<&str> {
    match parts(source.trim()).as_slice() {
        [Part::Expression(code)] => Some(code.trim()),
        _ => None,
    }
}

/// The paths that the code of a source uses, in order of appearance.
pub(super) fn paths(source: &str) -> Vec<Path> {
    code_of(source).flat_map(paths_in_code).collect()
}

/// Why a source must not be parsed, because parsing it could take all of the stack.
pub(super) fn excess(source: &str) -> Option<String> {
    let mut statements = 0;
    for part in parts(source) {
        let (Part::Expression(code) | Part::Statement(code) | Part::Unended(code)) = part else { continue };
        let tokens = tokens(code);
        if tokens.len() > MAX_TOKENS {
            return Some(format!("an expression has more than {MAX_TOKENS} words and signs; split it up"));
        }
        statements += usize::from(matches!(part, Part::Statement(_)));
        if matches!(part, Part::Statement(_)) && tokens.last() == Some(&Token::Name("recursive")) {
            return Some("loops cannot be recursive here".into());
        }
    }
    (statements > MAX_STATEMENTS)
        .then(|| format!("there are more than {MAX_STATEMENTS} statements in one text; split it up"))
}

fn code_of(source: &str) -> impl Iterator<Item = &str> {
    parts(source).into_iter().filter_map(|part| match part {
        Part::Expression(code) | Part::Statement(code) => Some(code),
        Part::Text(_) | Part::Unended(_) => None,
    })
}

fn next_opening(text: &str) -> Option<(usize, char)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find('{')?;
        match text[at + 1..].chars().next()? {
            opening @ ('{' | '%' | '#') => return Some((at, opening)),
            _ => from = at + 1,
        }
    }
}

/// The code up to `end`, without the marks for white space, and the length of both.
fn code<'a>(text: &'a str, end: &str) -> Option<(&'a str, usize)> {
    let (mut depth, mut at, bytes) = (0_i32, 0, text.as_bytes());
    while at < bytes.len() {
        if depth == 0 && text.as_bytes()[at..].starts_with(end.as_bytes()) {
            let code = text[..at].trim_start_matches(['-', '+']);
            return Some((code.strip_suffix(['-', '+']).unwrap_or(code), at + end.len()));
        }
        match bytes[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            quote @ (b'"' | b'\'') => at += length_of_text(&bytes[at + 1..], quote),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The length of the rest of a quoted text, its closing quote included.
fn length_of_text(bytes: &[u8], quote: u8) -> usize {
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match (escaped, *byte) {
            (false, b'\\') => escaped = true,
            (false, b) if b == quote => return at + 1,
            _ => escaped = false,
        }
    }
    bytes.len()
}

/// The text of a raw block that begins here, and the length of the block.
fn raw(text: &str) -> Option<(&str, usize)> {
    let body = tag(text.trim_start_matches(['-', '+']), "raw")?;
    let mut from = 0;
    loop {
        let at = from + body[from..].find("{%")?;
        if let Some(after) = tag(body[at + 2..].trim_start_matches(['-', '+']), "endraw") {
            return Some((&body[..at], text.len() - after.len()));
        }
        from = at + 2;
    }
}

/// What follows the rest of a statement that is only a word.
fn tag<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let after = text.trim_start().strip_prefix(word)?.trim_start();
    after.strip_prefix(['-', '+']).unwrap_or(after).strip_prefix("%}")
}

#[derive(Clone, PartialEq, Debug)]
enum Token<'a> {
    Name(&'a str),
    Text(String),
    Number(&'a str),
    Sign(char),
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let length = 1 + length_of_text(&rest.as_bytes()[1..], first as u8);
                tokens.push(Token::Text(unescaped(rest[1..length].strip_suffix(first).unwrap_or_default())));
                length
            }
            c if c.is_ascii_digit() => {
                let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                tokens.push(Token::Number(&rest[..length]));
                length
            }
            c if is_name(c) => {
                let length = run(rest, is_name);
                tokens.push(Token::Name(&rest[..length]));
                length
            }
            sign => {
                tokens.push(Token::Sign(sign));
                sign.len_utf8()
            }
        };
        rest = rest[length..].trim_start();
    }
    tokens
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain
}

fn paths_in_code(code: &str) -> Vec<Path> {
    let tokens = tokens(code);
    let mut paths = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let attribute = at > 0 && matches!(tokens[at - 1], Token::Sign('.' | '|'));
        if let (Token::Name(root), false) = (token, attribute) {
            paths.push(path(root, &tokens[at + 1..]));
        }
    }
    paths
}

fn path(root: &str, mut rest: &[Token<'_>]) -> Path {
    let mut path = Path { root: root.to_owned(), keys: Vec::new(), dynamic: false };
    loop {
        rest = match rest {
            [Token::Sign('.'), Token::Name(key), after @ ..] => {
                path.keys.push((*key).to_owned());
                after
            }
            [Token::Sign('['), Token::Text(key), Token::Sign(']'), after @ ..] => {
                path.keys.push(key.clone());
                after
            }
            [Token::Sign('['), Token::Number(key), Token::Sign(']'), after @ ..] => {
                path.keys.push((*key).to_owned());
                after
            }
            other => {
                path.dynamic = matches!(other, [Token::Sign('['), ..]);
                return path;
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_falls_into_parts() {
        use Part::*;
        let check = |source: &'static str, expected: &[Part<'static>]| {
            assert_eq!(parts(source), expected, "{source}")
        };
        check("plain { text }", &[Text("plain { text }")]);
        check("a {{ b }} c", &[Text("a "), Expression(" b "), Text(" c")]);
        check(
            "{{- b -}}{%- if x +%}y{% endif %}",
            &[Expression(" b "), Statement(" if x "), Text("y"), Statement(" endif ")],
        );
        check("{# {{ no }} #}{{ '}}' ~ \"\\\"}}\" }}", &[Expression(" '}}' ~ \"\\\"}}\" ")]);
        check("{{ {'a': {'b': 1}} }}", &[Expression(" {'a': {'b': 1}} ")]);
        check("{%- raw -%}{{ no }}{% endraw %}x", &[Text("{{ no }}"), Text("x")]);
        check("{{ open", &[Unended(" open")]);
        check("\u{e9}{{ '\u{e9}' }}", &[Text("\u{e9}"), Expression(" '\u{e9}' ")]);
    }

    #[test]
    fn one_expression_is_told_from_more() {
        let check = |source: &str, expected| assert_eq!(single_expression(source), expected, "{source}");
        check("{{ context.a }}", Some("context.a"));
        check(" {{- context.a -}}\n", Some("context.a"));
        check("{{ a }}{{ b }}", None);
        check("{{ a }}!", None);
        check("{% if a %}{{ a }}{% endif %}", None);
        check("a", None);
        check("{{ '{{ a }}' }}", Some("'{{ a }}'"));
    }

    fn named(source: &str) -> Vec<String> {
        let text = |p: Path| {
            let keys: String = p.keys.iter().map(|key| format!("/{key}")).collect();
            format!("{}{keys}{}", p.root, if p.dynamic { "[]" } else { "" })
        };
        paths(source).into_iter().map(text).collect()
    }

    #[test]
    fn paths_are_read_through_dots_and_brackets() {
        let check = |source: &str, expected: &[&str]| assert_eq!(named(source), expected, "{source}");
        check("{{ results.a.body.id }}", &["results/a/body/id"]);
        check("{{ results['my-step'].body[0] }}", &["results/my-step/body/0"]);
        check("{{ results[ \"x\" ] . y | default(results.z) }}", &["results/x/y", "results/z"]);
        check("{{ results[context.x] }}", &["results[]", "context/x"]);
        check("{{ results.a[context.x].b }}", &["results/a[]", "context/x"]);
        check(
            "{% for r in results.list %}{{ r.id }}{% endfor %}",
            &["for", "r", "in", "results/list", "r/id", "endfor"],
        );
        check("results.text {# results.comment #}{% raw %}{{ results.raw }}{% endraw %}", &[]);
        check("{{ 'results.quoted' }}", &[]);
        check("{{ context.results.a }}", &["context/results/a"]);
        check("{{ {'k': results.a}['k'] }}", &["results/a"]);
    }

    #[test]
    fn what_could_take_all_of_the_stack_is_refused() {
        let check =
            |source: String, expected: bool| assert_eq!(excess(&source).is_some(), expected, "{source}");
        for (opening, repeated, closing) in [
            ("{{ ", "-", "1 }}"),
            ("{{ a", ".b", " }}"),
            ("{{ ", "(", ""),
            ("{% if ", "not ", "1 %}{% endif %}"),
        ] {
            check(format!("{opening}{}{closing}", repeated.repeat(MAX_TOKENS / 2 - 2)), false);
            check(format!("{opening}{}{closing}", repeated.repeat(MAX_TOKENS + 1)), true);
        }
        let branches = |n| format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(n));
        check(branches(MAX_STATEMENTS - 2), false);
        check(branches(MAX_STATEMENTS), true);
        check("{% for i in a recursive %}{{ loop(i) }}{% endfor %}".into(), true);
        check("text + ".repeat(10_000), false);
    }
}
