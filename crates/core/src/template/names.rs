//! What the parsed source of a template names: the values it reads, its filters and its tests.

use std::collections::{BTreeSet, HashSet};

use minijinja::Value;
use minijinja::machinery::ast::{Call, CallArg, Expr, Stmt};
use minijinja::machinery::{Token, tokenize};

use super::environment::syntax;
use super::program::MAX_SOURCE_BYTES;

/// A name and the keys that are looked up in it: `results['a'].body` is `results`, `a`, `body`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Path {
    pub root: String,
    pub keys: Vec<String>,
    /// Whether a key that is only known at run time follows the known ones.
    pub dynamic: bool,
    /// Whether it may lead nowhere: the template asks that, or has a default.
    pub optional: bool,
}

/// The names in a template.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The paths that it reads, in order of appearance.
    pub paths: Vec<Path>,
    /// The names that it reads and has not set before.
    pub unset: BTreeSet<String>,
    pub filters: BTreeSet<String>,
    pub tests: BTreeSet<String>,
    /// Why the template must not be run, if it must not.
    pub refusal: Option<&'static str>,
}

impl Names {
    /// Of a whole template.
    pub(super) fn of(template: &Stmt<'_>) -> Self {
        let mut reader = Reader { names: Self::default(), set: vec![HashSet::new()] };
        reader.statement(template);
        reader.names
    }
}

/// The steps whose results are named in a source that cannot be parsed, as far as its words tell.
pub(super) fn results_in_words(source: &str) -> Vec<String> {
    if source.len() > MAX_SOURCE_BYTES {
        return Vec::new();
    }
    let tokens: Vec<_> =
        tokenize(source, false, syntax()).map_while(Result::ok).map(|(token, _)| token).collect();
    let named = tokens.windows(4).filter_map(|words| match words {
        [before, Token::Ident("results"), Token::Dot, Token::Ident(step)] if !is_sign_before_key(before) => {
            Some(*step)
        }
        [before, Token::Ident("results"), Token::BracketOpen, Token::Str(step)]
            if !is_sign_before_key(before) =>
        {
            Some(*step)
        }
        _ => None,
    });
    named.map(str::to_owned).collect()
}

fn is_sign_before_key(token: &Token<'_>) -> bool {
    matches!(token, Token::Dot | Token::Pipe)
}

struct Reader<'a> {
    names: Names,
    /// What is set, by the scopes that are open.
    set: Vec<HashSet<&'a str>>,
}

impl<'a> Reader<'a> {
    fn statement(&mut self, statement: &Stmt<'a>) {
        match statement {
            Stmt::Template(s) => self.body(&s.children),
            Stmt::EmitExpr(s) => self.expression(&s.expr),
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(s) => {
                if s.recursive {
                    self.names.refusal = Some("loops cannot be recursive here");
                }
                self.expression(&s.iter);
                self.set.push(HashSet::new());
                self.target(&s.target);
                s.filter_expr.iter().for_each(|e| self.expression(e));
                self.set("loop");
                self.body(&s.body);
                self.set.pop();
                self.body(&s.else_body);
            }
            Stmt::IfCond(s) => {
                self.expression(&s.expr);
                self.body(&s.true_body);
                self.body(&s.false_body);
            }
            Stmt::WithBlock(s) => {
                self.set.push(HashSet::new());
                for (target, value) in &s.assignments {
                    self.expression(value);
                    self.target(target);
                }
                self.body(&s.body);
                self.set.pop();
            }
            Stmt::Set(s) => {
                self.expression(&s.expr);
                self.target(&s.target);
            }
            Stmt::SetBlock(s) => {
                self.body(&s.body);
                s.filter.iter().for_each(|e| self.expression(e));
                self.target(&s.target);
            }
            Stmt::AutoEscape(s) => {
                self.expression(&s.enabled);
                self.body(&s.body);
            }
            Stmt::FilterBlock(s) => {
                self.body(&s.body);
                self.expression(&s.filter);
            }
            Stmt::Do(s) => self.call(&s.call),
        }
    }

    fn body(&mut self, statements: &[Stmt<'a>]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn expression(&mut self, expr: &Expr<'a>) {
        match expr {
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => self.operand(expr, false),
            Expr::Const(_) => {}
            Expr::Slice(e) => {
                self.expression(&e.expr);
                [&e.start, &e.stop, &e.step].into_iter().flatten().for_each(|e| self.expression(e));
            }
            Expr::UnaryOp(e) => self.expression(&e.expr),
            Expr::BinOp(e) => {
                self.expression(&e.left);
                self.expression(&e.right);
            }
            Expr::Compare(e) => {
                self.expression(&e.expr);
                e.ops.iter().for_each(|operation| self.expression(&operation.expr));
            }
            Expr::IfExpr(e) => {
                self.expression(&e.test_expr);
                self.expression(&e.true_expr);
                e.false_expr.iter().for_each(|e| self.expression(e));
            }
            Expr::Filter(e) => {
                self.names.filters.insert(e.name.to_owned());
                let optional = ["default", "d"].contains(&e.name);
                e.expr.iter().for_each(|e| self.operand(e, optional));
                self.arguments(&e.args);
            }
            Expr::Test(e) => {
                self.names.tests.insert(e.name.to_owned());
                self.operand(&e.expr, ["defined", "undefined"].contains(&e.name));
                self.arguments(&e.args);
            }
            Expr::Call(e) => self.call(e),
            Expr::List(e) => e.items.iter().for_each(|e| self.expression(e)),
            Expr::Tuple(e) => e.items.iter().for_each(|e| self.expression(e)),
            Expr::Map(e) => e.keys.iter().chain(&e.values).for_each(|e| self.expression(e)),
        }
    }

    fn operand(&mut self, expr: &Expr<'a>, optional: bool) {
        match expr {
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => {
                let path = self.path(expr).map(|path| Path { optional, ..path });
                self.names.paths.extend(path);
            }
            other => self.expression(other),
        }
    }

    fn call(&mut self, call: &Call<'a>) {
        if let Expr::GetAttr(method) = &call.expr
            && method.name == "cycle"
            && !call.args.iter().any(|arg| matches!(arg, CallArg::Pos(_)))
        {
            self.names.refusal = Some("cycle() needs a value");
        }
        self.expression(&call.expr);
        self.arguments(&call.args);
    }

    /// The path of which this is the end, if it begins with a name that is not set; what it is computed from is read along.
    fn path(&mut self, expr: &Expr<'a>) -> Option<Path> {
        match expr {
            Expr::Var(e) => {
                if self.set.iter().any(|scope| scope.contains(e.id)) {
                    return None;
                }
                self.names.unset.insert(e.id.to_owned());
                Some(Path { root: e.id.to_owned(), keys: Vec::new(), dynamic: false, optional: false })
            }
            Expr::GetAttr(e) => self.path(&e.expr).map(|path| path.then(Some(e.name.to_owned()))),
            Expr::GetItem(e) => {
                let path = self.path(&e.expr);
                self.expression(&e.subscript_expr);
                path.map(|path| path.then(constant(&e.subscript_expr).and_then(key)))
            }
            other => {
                self.expression(other);
                None
            }
        }
    }

    fn arguments(&mut self, args: &[CallArg<'a>]) {
        for arg in args {
            match arg {
                CallArg::Pos(e) | CallArg::Kwarg(_, e) | CallArg::PosSplat(e) | CallArg::KwargSplat(e) => {
                    self.expression(e);
                }
            }
        }
    }

    fn target(&mut self, expr: &Expr<'a>) {
        match expr {
            Expr::Var(e) => self.set(e.id),
            Expr::List(e) => e.items.iter().for_each(|e| self.target(e)),
            other => self.expression(other),
        }
    }

    fn set(&mut self, name: &'a str) {
        self.set.last_mut().expect("the template's own scope is never closed").insert(name);
    }
}

impl Path {
    fn then(mut self, key: Option<String>) -> Self {
        match key {
            Some(key) if !self.dynamic => self.keys.push(key),
            _ => self.dynamic = true,
        }
        self
    }
}

fn constant<'e>(expr: &'e Expr<'_>) -> Option<&'e Value> {
    if let Expr::Const(constant) = expr { Some(&constant.value) } else { None }
}

fn key(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_usize().map(|index| index.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::program::parsed;
    use super::*;

    fn named(source: &str) -> Vec<String> {
        let text = |p: &Path| {
            let keys: String = p.keys.iter().map(|key| format!("/{key}")).collect();
            format!("{}{keys}{}", p.root, if p.dynamic { "[]" } else { "" })
        };
        Names::of(&parsed(source).unwrap()).paths.iter().map(text).collect()
    }

    #[test]
    fn paths_are_read_through_dots_and_brackets() {
        let check = |source: &str, expected: &[&str]| assert_eq!(named(source), expected, "{source}");
        check("{{ results.a.body.id }}", &["results/a/body/id"]);
        check("{{ results['my-step'].body[0] }}", &["results/my-step/body/0"]);
        check("{{ results[ \"x\" ] . y | default(results.z) }}", &["results/x/y", "results/z"]);
        check("{{ results[context.x] }}", &["context/x", "results[]"]);
        check("{{ results.a[context.x].b }}", &["context/x", "results/a[]"]);
        check("{{ results.a[1:][context.x] }}", &["results/a", "context/x"]);
        check("{% for r in results.list %}{{ r.id }}{% endfor %}", &["results/list"]);
        check("{% for results in context.list %}{{ results.id }}{% endfor %}", &["context/list"]);
        check("results.text {# results.comment #}{% raw %}{{ results.raw }}{% endraw %}", &[]);
        check("{{ 'results.quoted' }}", &[]);
        check("{{ context.results.a }}", &["context/results/a"]);
        check("{{ {'k': results.a}['k'] }}", &["results/a"]);
        check(
            "{% do range(results.a) %}{% filter f(results.b) %}{% endfilter %}",
            &["range", "results/a", "results/b"],
        );
    }

    #[test]
    fn results_are_found_in_what_cannot_be_parsed() {
        let check = |source: &str, expected: &[&str]| assert_eq!(results_in_words(source), expected);
        check("{{ results['a'].x }} results.b {{ results.c + }}", &["a", "c"]);
        check("{{ context.results.a }} {{ 1 | results.b }} {{ results[c]", &[]);
        check(&format!("{}{{{{ ? results.a }}}}", "x".repeat(70_000)), &[]);
    }

    #[test]
    fn filters_and_tests_are_named() {
        let names = Names::of(
            &parsed("{{ a | upper | default('|no') }} | x {% if b|length is odd %}{% endif %}").unwrap(),
        );
        assert_eq!(Vec::from_iter(names.filters), ["default", "length", "upper"]);
        assert_eq!(Vec::from_iter(names.tests), ["odd"]);
    }

    #[test]
    fn a_name_is_set_from_there_on_within_its_scope() {
        let check = |source: &str, expected: &[&str]| {
            assert_eq!(Vec::from_iter(Names::of(&parsed(source).unwrap()).unset), expected, "{source}");
        };
        check("{% if a %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}", &["a"]);
        check("{{ x }}{% set x = x %}", &["x"]);
        check("{% for i, j in a if i %}{{ loop.index }}{{ j }}{% endfor %}", &["a"]);
        check("{% for i in i %}{% else %}{{ loop }}{% endfor %}{{ i }}", &["i", "loop"]);
        check("{% for i in a if loop.index %}{% endfor %}", &["a", "loop"]);
        check("{% with x = 1, y = x %}{{ y }}{% endwith %}{{ y }}", &["y"]);
        check("{% set x | f(y) %}{{ x }}{% endset %}{{ x }}", &["x", "y"]);
    }
}
