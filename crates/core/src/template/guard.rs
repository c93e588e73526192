//! Guards in the parsed source of a template, so that none of its values grows beyond what may be rendered, and nothing is
//! gone through that is not charged for.
//!
//! The template engine repeats and joins lists without writing them out, and lets many lists share one: a short text can
//! make a value that takes all memory, or hours, once it is written, compared or sorted, and what is constant is even
//! worked out when the text is compiled. So what may build such a value hands it to a filter that copies it ([`PLAIN`]), and
//! filters, tests, comparisons and look-ups are called through filters and tests of our own (`calls.rs`). Their names cannot
//! be typed, and are refused as arguments. Filters and tests are not worked out beforehand, so that nothing large is built
//! before the template runs.

use minijinja::Value;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    AutoEscape, BinOp, BinOpKind, Call, CallArg, Compare, CompareOp, CompareOpKind, Const, Do, EmitExpr,
    EmitRaw, Expr, Filter, FilterBlock, ForLoop, GetAttr, GetItem, IfCond, IfExpr, List, Map, Set, SetBlock,
    Slice, Spanned, Stmt, Template, Test, Tuple, UnaryOp, UnaryOpKind, Var, WithBlock,
};

/// The filter that returns a copy of a value, or fails where that is too large.
pub(super) const PLAIN: &str = "(plain)";

/// The filter that charges for all that is in a value.
pub(super) const WEIGHED: &str = "(weighed)";

/// The filter that brings the bounds of a slice within what can be calculated with.
pub(super) const BOUND: &str = "(bound)";

/// The filter that looks up an item, by a key or by several, one in the other.
pub(super) const ITEM: &str = "(item)";

/// The filter that applies the filter that is named behind its first argument.
pub(super) const FILTER: &str = "(filter)";

/// The test that performs the test that is named behind its first argument.
pub(super) const TEST: &str = "(test)";

/// The test that compares by the operator that is named between its two sides.
pub(super) const COMPARE: &str = "(compare)";

/// Whether a filter or a test is one of these.
pub(super) fn is_guard(name: &str) -> bool {
    name.starts_with('(')
}

/// A statement with its guards.
pub(super) fn statement<'a>(statement: &Stmt<'a>) -> Stmt<'a> {
    match statement {
        Stmt::Template(s) => Stmt::Template(Spanned::new(Template { children: body(&s.children) }, s.span())),
        Stmt::EmitExpr(s) => Stmt::EmitExpr(Spanned::new(EmitExpr { expr: expression(&s.expr) }, s.span())),
        // as an expression, so that it is counted with what else is written
        Stmt::EmitRaw(s) => Stmt::EmitExpr(Spanned::new(EmitExpr { expr: text(s) }, s.span())),
        Stmt::ForLoop(s) => Stmt::ForLoop(Spanned::new(
            ForLoop {
                target: target(&s.target),
                iter: expression(&s.iter),
                filter_expr: s.filter_expr.as_ref().map(expression),
                recursive: s.recursive,
                body: body(&s.body),
                else_body: body(&s.else_body),
            },
            s.span(),
        )),
        Stmt::IfCond(s) => Stmt::IfCond(Spanned::new(
            IfCond {
                expr: expression(&s.expr),
                true_body: body(&s.true_body),
                false_body: body(&s.false_body),
            },
            s.span(),
        )),
        Stmt::WithBlock(s) => Stmt::WithBlock(Spanned::new(
            WithBlock {
                assignments: s.assignments.iter().map(|(to, from)| (target(to), expression(from))).collect(),
                body: body(&s.body),
            },
            s.span(),
        )),
        Stmt::Set(s) => {
            Stmt::Set(Spanned::new(Set { target: target(&s.target), expr: expression(&s.expr) }, s.span()))
        }
        Stmt::SetBlock(s) => Stmt::SetBlock(Spanned::new(
            SetBlock {
                target: target(&s.target),
                filter: s.filter.as_ref().map(expression),
                body: body(&s.body),
            },
            s.span(),
        )),
        Stmt::AutoEscape(s) => Stmt::AutoEscape(Spanned::new(
            AutoEscape { enabled: expression(&s.enabled), body: body(&s.body) },
            s.span(),
        )),
        Stmt::FilterBlock(s) => Stmt::FilterBlock(Spanned::new(
            FilterBlock { filter: expression(&s.filter), filter_span: s.filter_span, body: body(&s.body) },
            s.span(),
        )),
        Stmt::Do(s) => Stmt::Do(Spanned::new(Do { call: call(&s.call) }, s.span())),
    }
}

/// An expression with its guards.
pub(super) fn expression<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::Var(e) => Expr::Var(Spanned::new(Var { id: e.id }, e.span())),
        Expr::Const(e) => Expr::Const(Spanned::new(Const { value: e.value.clone() }, e.span())),
        Expr::Slice(e) => plain(Expr::Slice(Spanned::new(
            Slice {
                expr: weighed(&e.expr),
                start: e.start.as_ref().map(bound),
                stop: e.stop.as_ref().map(bound),
                step: e.step.as_ref().map(bound),
            },
            e.span(),
        ))),
        Expr::UnaryOp(e) => {
            let op = match &e.op {
                UnaryOpKind::Not => UnaryOpKind::Not,
                UnaryOpKind::Neg => UnaryOpKind::Neg,
            };
            Expr::UnaryOp(Spanned::new(UnaryOp { op, expr: expression(&e.expr) }, e.span()))
        }
        Expr::BinOp(e) => binary(e),
        Expr::Compare(e) => comparison(e),
        Expr::IfExpr(e) => Expr::IfExpr(Spanned::new(
            IfExpr {
                test_expr: expression(&e.test_expr),
                true_expr: expression(&e.true_expr),
                false_expr: e.false_expr.as_ref().map(expression),
            },
            e.span(),
        )),
        Expr::Filter(e) => {
            let args = called(e.name, arguments(&e.args, expression), e.span());
            let expr = e.expr.as_ref().map(expression);
            Expr::Filter(Spanned::new(Filter { name: FILTER, expr, args }, e.span()))
        }
        Expr::Test(e) => {
            let args = called(e.name, arguments(&e.args, expression), e.span());
            test(TEST, expression(&e.expr), args, e.span())
        }
        Expr::GetAttr(e) => {
            Expr::GetAttr(Spanned::new(GetAttr { expr: expression(&e.expr), name: e.name }, e.span()))
        }
        Expr::GetItem(e) => item(e),
        Expr::Call(e) => plain(Expr::Call(call(e))),
        Expr::List(e) => plain(Expr::List(Spanned::new(List { items: each(&e.items) }, e.span()))),
        Expr::Tuple(e) => plain(Expr::Tuple(Spanned::new(Tuple { items: each(&e.items) }, e.span()))),
        Expr::Map(e) => plain(Expr::Map(Spanned::new(
            Map { keys: e.keys.iter().map(weighed).collect(), values: each(&e.values) },
            e.span(),
        ))),
    }
}

fn binary<'a>(e: &Spanned<BinOp<'a>>) -> Expr<'a> {
    use BinOpKind::*;
    let compared = |operator| compared(expression(&e.left), operator, expression(&e.right), e.span());
    let calculated = || {
        let operation = BinOp { op: e.op, left: expression(&e.left), right: expression(&e.right) };
        Expr::BinOp(Spanned::new(operation, e.span()))
    };
    match e.op {
        Eq => compared("=="),
        Ne => compared("!="),
        Lt => compared("<"),
        Lte => compared("<="),
        Gt => compared(">"),
        Gte => compared(">="),
        In => compared("in"),
        Add | Mul | Concat => plain(calculated()),
        ScAnd | ScOr | Sub | Div | FloorDiv | Rem | Pow => calculated(),
    }
}

fn comparison<'a>(e: &Spanned<Compare<'a>>) -> Expr<'a> {
    use CompareOpKind::*;
    let [only] = e.ops.as_slice() else {
        let rest = e.ops.iter().map(|o| CompareOp { op: o.op, expr: weighed(&o.expr) });
        let chain = Compare { expr: weighed(&e.expr), ops: rest.collect() };
        return Expr::Compare(Spanned::new(chain, e.span()));
    };
    let operator = match only.op {
        Eq => "==",
        Ne => "!=",
        Lt => "<",
        Lte => "<=",
        Gt => ">",
        Gte => ">=",
        In => "in",
        NotIn => "not in",
    };
    compared(expression(&e.expr), operator, expression(&only.expr), e.span())
}

fn compared<'a>(left: Expr<'a>, operator: &str, right: Expr<'a>, span: Span) -> Expr<'a> {
    test(COMPARE, left, called(operator, vec![CallArg::Pos(right)], span), span)
}

/// Under a text that is constant nothing is gone through. Other keys are looked up at once, one in the other, so that what
/// is on the way is not charged for as a value of its own.
fn item<'a>(e: &Spanned<GetItem<'a>>) -> Expr<'a> {
    if let Expr::Const(key) = &e.subscript_expr
        && key.value.as_str().is_some()
    {
        let subscript_expr = constant(key.value.clone(), key.span());
        let item = GetItem { expr: expression(&e.expr), subscript_expr };
        return Expr::GetItem(Spanned::new(item, e.span()));
    }
    let (mut container, mut keys) = (&e.expr, vec![CallArg::Pos(expression(&e.subscript_expr))]);
    while let Expr::GetItem(outer) = container {
        keys.insert(0, CallArg::Pos(expression(&outer.subscript_expr)));
        container = &outer.expr;
    }
    filter(ITEM, expression(container), keys, e.span())
}

/// Arguments of a call by name.
fn called<'a>(name: &str, mut args: Vec<CallArg<'a>>, span: Span) -> Vec<CallArg<'a>> {
    args.insert(0, CallArg::Pos(constant(name.into(), span)));
    args
}

fn call<'a>(e: &Spanned<Call<'a>>) -> Spanned<Call<'a>> {
    Spanned::new(Call { expr: expression(&e.expr), args: arguments(&e.args, copied) }, e.span())
}

fn arguments<'a>(args: &[CallArg<'a>], guarded: fn(&Expr<'a>) -> Expr<'a>) -> Vec<CallArg<'a>> {
    let argument = |arg: &CallArg<'a>| match arg {
        CallArg::Pos(e) => CallArg::Pos(guarded(e)),
        CallArg::Kwarg(name, e) => CallArg::Kwarg(name, guarded(e)),
        CallArg::PosSplat(e) => CallArg::PosSplat(guarded(e)),
        CallArg::KwargSplat(e) => CallArg::KwargSplat(guarded(e)),
    };
    args.iter().map(argument).collect()
}

/// What is assigned to stays as it is.
fn target<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::List(e) => {
            Expr::List(Spanned::new(List { items: e.items.iter().map(target).collect() }, e.span()))
        }
        other => expression(other),
    }
}

fn body<'a>(statements: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    statements.iter().map(statement).collect()
}

fn each<'a>(expressions: &[Expr<'a>]) -> Vec<Expr<'a>> {
    expressions.iter().map(expression).collect()
}

fn text<'a>(raw: &Spanned<EmitRaw<'a>>) -> Expr<'a> {
    constant(raw.raw.into(), raw.span())
}

fn constant<'a>(value: Value, span: Span) -> Expr<'a> {
    Expr::Const(Spanned::new(Const { value }, span))
}

fn plain(expr: Expr<'_>) -> Expr<'_> {
    let span = expr.span();
    filter(PLAIN, expr, Vec::new(), span)
}

fn copied<'a>(expr: &Expr<'a>) -> Expr<'a> {
    plain(expression(expr))
}

fn weighed<'a>(expr: &Expr<'a>) -> Expr<'a> {
    filter(WEIGHED, expression(expr), Vec::new(), expr.span())
}

fn bound<'a>(expr: &Expr<'a>) -> Expr<'a> {
    filter(BOUND, expression(expr), Vec::new(), expr.span())
}

fn filter<'a>(name: &'static str, expr: Expr<'a>, args: Vec<CallArg<'a>>, span: Span) -> Expr<'a> {
    Expr::Filter(Spanned::new(Filter { name, expr: Some(expr), args }, span))
}

fn test<'a>(name: &'static str, expr: Expr<'a>, args: Vec<CallArg<'a>>, span: Span) -> Expr<'a> {
    Expr::Test(Spanned::new(Test { name, expr, args }, span))
}
