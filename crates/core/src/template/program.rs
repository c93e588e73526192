//! Parsed templates that are ready to run.

use std::collections::BTreeMap;

use minijinja::machinery::{self, CodeGenerator, Instruction, Instructions, ast};
use minijinja::{AutoEscape, Error, Value};
use self_cell::self_cell;

use super::environment::{ENVIRONMENT, syntax};
use super::guard;

self_cell! {
    /// A template or an expression, guarded and compiled.
    pub(super) struct Program {
        owner: String,
        #[covariant]
        dependent: Instructions,
    }

    impl {Debug}
}

impl Program {
    /// A text with templates in it, to be run by [`Program::text`].
    pub(super) fn from_text(source: String) -> Result<Self, Error> {
        Self::try_new(source, |source| {
            let parsed = guard::statement(&machinery::parse(source, NAME, syntax())?);
            Ok(compiled(source, |generator| generator.compile_stmt(&parsed)))
        })
    }

    /// One expression, to be run by [`Program::value`].
    pub(super) fn from_expression(code: String) -> Result<Self, Error> {
        Self::try_new(code, |code| {
            let parsed: ast::Expr<'_> = guard::expression(&machinery::parse_expr(code)?);
            Ok(compiled(code, |generator| generator.compile_expr(&parsed)))
        })
    }

    /// What a text becomes.
    pub(super) fn text(&self, values: Value) -> Result<String, Error> {
        let mut text = String::new();
        self.run(values, &mut text)?;
        Ok(text)
    }

    /// The value of an expression.
    pub(super) fn value(&self, values: Value) -> Result<Value, Error> {
        Ok(self.run(values, &mut String::new())?.unwrap_or_default())
    }

    fn run(&self, values: Value, text: &mut String) -> Result<Option<Value>, Error> {
        let (code, blocks) = (self.borrow_dependent(), BTreeMap::new());
        let mut output = machinery::make_string_output(text);
        let end = machinery::eval(&ENVIRONMENT, code, values, &blocks, &mut output, AutoEscape::None)?;
        Ok(end.0)
    }

    /// The names that it reads without having set them.
    pub(super) fn unset_names(&self) -> Vec<&str> {
        let (mut set, mut unset) = (vec![Vec::new()], Vec::new());
        for instruction in self.instructions() {
            match instruction {
                Instruction::PushLoop(_) => set.push(vec!["loop"]),
                Instruction::PushWith => set.push(Vec::new()),
                Instruction::PopLoopFrame | Instruction::PopFrame => drop(set.pop()),
                Instruction::StoreLocal(name) => set.last_mut().expect("the text's own").push(name),
                Instruction::Lookup(name) | Instruction::CallFunction(name, _)
                    if !set.iter().flatten().any(|known| known == name) =>
                {
                    unset.push(*name);
                }
                _ => {}
            }
        }
        unset.sort_unstable();
        unset.dedup();
        unset
    }

    /// The filters that it applies, guards aside.
    pub(super) fn filters(&self) -> impl Iterator<Item = &str> {
        self.instructions().filter_map(|instruction| match instruction {
            Instruction::ApplyFilter(name, ..) if !guard::is_guard(name) => Some(*name),
            _ => None,
        })
    }

    fn instructions(&self) -> impl Iterator<Item = &Instruction<'_>> {
        (0..).map_while(|index| self.borrow_dependent().get(index))
    }
}

/// The name that the engine gives to sources; nobody sees it.
const NAME: &str = "template";

fn compiled<'source>(
    source: &'source str,
    generate: impl FnOnce(&mut CodeGenerator<'source>),
) -> Instructions<'source> {
    let mut generator = CodeGenerator::new(NAME, source);
    generate(&mut generator);
    generator.finish().0
}
