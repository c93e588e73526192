//! Parsed templates that are ready to run.

use std::collections::BTreeMap;

use minijinja::machinery::ast::{Expr, Stmt};
use minijinja::machinery::{self, CodeGenerator, Instructions, Token};
use minijinja::{AutoEscape, Error, Value};
use self_cell::self_cell;

use super::environment::{ENVIRONMENT, syntax};
use super::guard;
use super::names::Names;

/// Most bytes of one text: the template engine counts lines and columns in 16 bits.
pub(super) const MAX_SOURCE_BYTES: usize = 64 * 1024 - 2;

/// Most words and signs of one expression or statement. Each may nest what is parsed one level deeper, and the template
/// engine parses, compiles and drops by recursion: on the stack of a thread there is room for a few thousand levels.
pub(super) const MAX_TOKENS: usize = 500;

/// Most statements of one text; `elif` nests too.
pub(super) const MAX_STATEMENTS: usize = 500;

/// A text with templates in it.
#[derive(Debug)]
pub(super) struct Program {
    code: Code,
    names: Names,
    is_expression: bool,
}

self_cell! {
    struct Code {
        owner: String,
        #[covariant]
        dependent: Instructions,
    }

    impl {Debug}
}

/// What a program comes to.
pub(super) enum Outcome {
    /// The value of a text that is nothing but one expression, white space around it aside.
    Value(Value),
    /// What any other text becomes.
    Text(String),
}

impl Program {
    /// Parses a text. The error says why it cannot be.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        let trimmed = source.trim();
        let is_expression = parsed(trimmed).is_ok_and(|parsed| expression(&parsed).is_some());
        let owner = if is_expression { trimmed } else { source }.to_owned();
        let mut names = Names::default();
        let code = Code::try_new(owner, |source| {
            let parsed = parsed(source)?;
            names = Names::of(&parsed);
            if let Some(refusal) = names.refusal {
                return Err(refusal.to_owned());
            }
            let mut generator = CodeGenerator::new(NAME, source);
            match expression(&parsed) {
                Some(expr) if is_expression => generator.compile_expr(&guard::expression(expr)),
                _ => generator.compile_stmt(&guard::statement(&parsed)),
            }
            Ok(generator.finish().0)
        })?;
        Ok(Self { code, names, is_expression })
    }

    /// What it names.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Runs it.
    pub(super) fn run(&self, values: Value) -> Result<Outcome, Error> {
        let (code, blocks, mut text) = (self.code.borrow_dependent(), BTreeMap::new(), String::new());
        let mut output = machinery::make_string_output(&mut text);
        let (value, _) = machinery::eval(&ENVIRONMENT, code, values, &blocks, &mut output, AutoEscape::None)?;
        Ok(if self.is_expression { Outcome::Value(value.unwrap_or_default()) } else { Outcome::Text(text) })
    }
}

/// The name that the engine gives to sources; nobody sees it.
const NAME: &str = "template";

/// The parsed source, or why it cannot be parsed, or must not be, because that could take all of the stack.
pub(super) fn parsed(source: &str) -> Result<Stmt<'_>, String> {
    if let Some(excess) = excess(source) {
        return Err(excess);
    }
    machinery::parse(source, NAME, syntax()).map_err(|error| reason(&error))
}

/// The expression of a template that is nothing else.
fn expression<'p, 'source>(parsed: &'p Stmt<'source>) -> Option<&'p Expr<'source>> {
    match parsed {
        Stmt::Template(template) => match template.children.as_slice() {
            [Stmt::EmitExpr(only)] => Some(&only.expr),
            _ => None,
        },
        _ => None,
    }
}

fn excess(source: &str) -> Option<String> {
    if source.len() > MAX_SOURCE_BYTES {
        return Some(format!("the text is longer than {MAX_SOURCE_BYTES} bytes; split it up"));
    }
    let (mut statements, mut tokens) = (0, 0);
    // what is no token is told when it is parsed
    for token in machinery::tokenize(source, false, syntax()).map_while(Result::ok) {
        match token.0 {
            Token::VariableStart => tokens = 0,
            Token::BlockStart => {
                tokens = 0;
                statements += 1;
            }
            Token::VariableEnd | Token::BlockEnd | Token::TemplateData(_) => {}
            _ => tokens += 1,
        }
        if tokens > MAX_TOKENS {
            return Some(format!("an expression has more than {MAX_TOKENS} words and signs; split it up"));
        }
        if statements > MAX_STATEMENTS {
            return Some(format!("there are more than {MAX_STATEMENTS} statements in one text; split it up"));
        }
    }
    None
}

/// What an error says, without the name that the engine gives to sources.
pub(super) fn reason(error: &Error) -> String {
    let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) if line > 1 => format!("{reason} (line {line} of the text)"),
        _ => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_expression_is_told_from_more() {
        let check = |source: &str, expected| {
            assert_eq!(Program::new(source).unwrap().is_expression, expected, "{source}");
        };
        check("{{ context.a }}", true);
        check(" {{- context.a -}}\n", true);
        check("{{ '{{ a }}' }}{# and no more #}", true);
        check("{{--1}}", true);
        check("{{ a }}{{ b }}", false);
        check("{{ a }}!", false);
        check("{% if a %}{{ a }}{% endif %}", false);
        check("a", false);
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
            ("{% raw %}{%--endraw%}{#{% endraw %}{{ ", "-", "1 }}#}"),
            ("{% raw %}{%\u{a0}endraw%}{#{% endraw %}{{ ", "-", "1 }}#}"),
        ] {
            check(format!("{opening}{}{closing}", repeated.repeat(MAX_TOKENS / 2 - 2)), false);
            check(format!("{opening}{}{closing}", repeated.repeat(MAX_TOKENS + 1)), true);
        }
        let branches = |n| format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(n));
        check(branches(MAX_STATEMENTS - 2), false);
        check(branches(MAX_STATEMENTS), true);
        check("text + ".repeat(9_000), false);
        check("text + ".repeat(10_000), true);
        assert!(Program::new(&format!("{{#{}", "x".repeat(MAX_SOURCE_BYTES - 2))).is_err());
        let recursive = |source: &str| Program::new(source).unwrap_err();
        let expected = "loops cannot be recursive here";
        assert_eq!(recursive("{% for i in a recursive %}{{ loop(i) }}{% endfor %}"), expected);
        assert_eq!(recursive("{% for i in [1] or 1recursive %}{% endfor %}"), expected);
        assert!(Program::new("{% if context.recursive %}{% endif %}").is_ok());
    }
}
