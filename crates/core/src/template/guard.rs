//! Guards in the parsed source of a template, so that none of its values grows beyond what may be rendered.
//!
//! The template engine repeats and joins lists without writing them out, and lets many lists share one: a short text can
//! make a value that takes all memory, or hours, once it is written, compared or sorted, and what is constant is even
//! worked out when the text is compiled. So whatever may build such a value hands it to the filter [`PLAIN`] at once, and
//! what is gone through without being charged for is handed to [`WEIGHED`], [`SEARCHED`] or [`SCANNED`] before. None of
//! these names can be typed. Filters are not worked out beforehand, so that nothing large is built before the template
//! runs.

use minijinja::machinery::ast::{
    AutoEscape, BinOp, BinOpKind, Call, CallArg, Compare, CompareOp, CompareOpKind, Const, Do, EmitExpr,
    EmitRaw, Expr, Filter, FilterBlock, ForLoop, GetAttr, GetItem, IfCond, IfExpr, List, Map, Set, SetBlock,
    Slice, Spanned, Stmt, Template, Test, Tuple, UnaryOp, UnaryOpKind, Var, WithBlock,
};

/// The filter that returns a value as a copy of its own, or fails where that is too large.
pub(super) const PLAIN: &str = "(plain)";

/// The filter that charges for all that is in a value: where it is compared.
pub(super) const WEIGHED: &str = "(weighed)";

/// The filter that charges for all that is in a list, and not for an object: where something is looked for in it.
pub(super) const SEARCHED: &str = "(searched)";

/// The filter that charges for a text, and for nothing else: where a part of it is taken.
pub(super) const SCANNED: &str = "(scanned)";

/// Tests that compare. All others look at what a value is by itself.
const COMPARISONS: [&str; 15] = [
    "==",
    "eq",
    "equalto",
    "!=",
    "ne",
    "<",
    "lt",
    "lessthan",
    "<=",
    "le",
    ">",
    "gt",
    "greaterthan",
    ">=",
    "ge",
];

/// Whether a filter is one of those that are put in here.
pub(super) fn is_guard(filter: &str) -> bool {
    [PLAIN, WEIGHED, SEARCHED, SCANNED].contains(&filter)
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
                expr: scanned(&e.expr),
                start: e.start.as_ref().map(expression),
                stop: e.stop.as_ref().map(expression),
                step: e.step.as_ref().map(expression),
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
        Expr::Compare(e) => Expr::Compare(Spanned::new(
            Compare {
                expr: weighed(&e.expr),
                ops: e.ops.iter().map(|o| CompareOp { op: o.op, expr: compared(o) }).collect(),
            },
            e.span(),
        )),
        Expr::IfExpr(e) => Expr::IfExpr(Spanned::new(
            IfExpr {
                test_expr: expression(&e.test_expr),
                true_expr: expression(&e.true_expr),
                false_expr: e.false_expr.as_ref().map(expression),
            },
            e.span(),
        )),
        Expr::Filter(e) => plain(Expr::Filter(Spanned::new(
            Filter {
                name: e.name,
                expr: e.expr.as_ref().map(expression),
                args: arguments(&e.args, expression),
            },
            e.span(),
        ))),
        Expr::Test(e) => {
            let (value, args): (Side<'a>, Side<'a>) = match e.name {
                "in" => (weighed, searched),
                name if COMPARISONS.contains(&name) => (weighed, weighed),
                _ => (scanned, scanned),
            };
            Expr::Test(Spanned::new(
                Test { name: e.name, expr: value(&e.expr), args: arguments(&e.args, args) },
                e.span(),
            ))
        }
        Expr::GetAttr(e) => {
            Expr::GetAttr(Spanned::new(GetAttr { expr: expression(&e.expr), name: e.name }, e.span()))
        }
        Expr::GetItem(e) => Expr::GetItem(Spanned::new(
            GetItem { expr: scanned(&e.expr), subscript_expr: weighed(&e.subscript_expr) },
            e.span(),
        )),
        Expr::Call(e) => plain(Expr::Call(call(e))),
        Expr::List(e) => plain(Expr::List(Spanned::new(List { items: each(&e.items) }, e.span()))),
        Expr::Tuple(e) => plain(Expr::Tuple(Spanned::new(Tuple { items: each(&e.items) }, e.span()))),
        Expr::Map(e) => {
            plain(Expr::Map(Spanned::new(Map { keys: each(&e.keys), values: each(&e.values) }, e.span())))
        }
    }
}

/// How a part of an expression is guarded.
type Side<'a> = fn(&Expr<'a>) -> Expr<'a>;

fn binary<'a>(e: &Spanned<BinOp<'a>>) -> Expr<'a> {
    use BinOpKind::*;
    let with = |left: Side<'a>, right: Side<'a>| {
        let operation = BinOp { op: e.op, left: left(&e.left), right: right(&e.right) };
        Expr::BinOp(Spanned::new(operation, e.span()))
    };
    match e.op {
        Add | Mul => plain(with(expression, expression)),
        Eq | Ne | Lt | Lte | Gt | Gte => with(weighed, weighed),
        In => with(weighed, searched),
        ScAnd | ScOr | Sub | Div | FloorDiv | Rem | Pow | Concat => with(expression, expression),
    }
}

fn compared<'a>(operation: &CompareOp<'a>) -> Expr<'a> {
    use CompareOpKind::*;
    match operation.op {
        Eq | Ne | Lt | Lte | Gt | Gte => weighed(&operation.expr),
        In | NotIn => searched(&operation.expr),
    }
}

fn call<'a>(e: &Spanned<Call<'a>>) -> Spanned<Call<'a>> {
    Spanned::new(Call { expr: expression(&e.expr), args: arguments(&e.args, weighed) }, e.span())
}

fn arguments<'a>(args: &[CallArg<'a>], guarded: Side<'a>) -> Vec<CallArg<'a>> {
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
    Expr::Const(Spanned::new(Const { value: raw.raw.into() }, raw.span()))
}

fn plain(expr: Expr<'_>) -> Expr<'_> {
    filtered(PLAIN, expr)
}

fn weighed<'a>(expr: &Expr<'a>) -> Expr<'a> {
    charged(WEIGHED, expression(expr))
}

fn searched<'a>(expr: &Expr<'a>) -> Expr<'a> {
    charged(SEARCHED, expression(expr))
}

fn scanned<'a>(expr: &Expr<'a>) -> Expr<'a> {
    charged(SCANNED, expression(expr))
}

/// Constants are small, and what comes from a filter was charged for when it was made plain.
fn charged<'a>(guard: &'static str, expr: Expr<'a>) -> Expr<'a> {
    match expr {
        light @ (Expr::Const(_) | Expr::Filter(_)) => light,
        other => filtered(guard, other),
    }
}

fn filtered<'a>(name: &'static str, expr: Expr<'a>) -> Expr<'a> {
    let span = expr.span();
    Expr::Filter(Spanned::new(Filter { name, expr: Some(expr), args: Vec::new() }, span))
}
