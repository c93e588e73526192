//! Events of the parser become a tree: anchors, aliases, merge keys, tags and repeated keys are settled here.

use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;

use saphyr_parser::{Event, ScalarStyle, Tag};
use serde_json::Value;

use super::problem::{Problem, Report};
use super::scalar;
use super::source::{Fatal, MAX_DEPTH, NUL_IN_TEXT, too_deep};
use super::tree::{Entry, Kind, Mapping, Node, Path, Position, Size};

/// Most nodes and bytes that aliases may add to what is written out.
const MAX_ALIASED: Size = Size { nodes: 200_000, bytes: 16 * 1024 * 1024 };

/// A tree under construction.
pub(super) struct Assembly<'r> {
    report: &'r mut Report,
    stack: Vec<Open>,
    anchors: HashMap<usize, Weighed>,
    root: Option<Node>,
    aliased: Size,
}

/// A finished node with what it weighs.
#[derive(Clone)]
struct Weighed {
    node: Node,
    size: Size,
    /// Levels of lists and mappings in it.
    height: usize,
}

/// A list or mapping whose end has not come yet.
struct Open {
    at: Position,
    anchor: usize,
    size: Size,
    height: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { mapping: Mapping, key: Option<Key>, merged: Vec<Node> },
}

struct Key {
    text: Rc<str>,
    at: Position,
    /// An unquoted `<<`.
    is_merge: bool,
}

impl<'r> Assembly<'r> {
    /// Nothing yet; what is wrong without ending the reading goes into the report.
    pub(super) fn new(report: &'r mut Report) -> Self {
        Self { report, stack: Vec::new(), anchors: HashMap::new(), root: None, aliased: Size::default() }
    }

    /// The finished tree; `None` if the text held no document.
    pub(super) fn root(self) -> Option<Node> {
        self.root
    }

    /// Takes the next event.
    pub(super) fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), Fatal> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), at),
            Event::SequenceStart(anchor, tag) => {
                self.open(Content::List(Vec::new()), anchor, tag.as_deref(), at)
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Map { mapping: Mapping::default(), key: None, merged: Vec::new() };
                self.open(content, anchor, tag.as_deref(), at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::DocumentStart(_) if self.root.is_some() => {
                let message = "a file holds one definition, but here a second document begins";
                Err(Problem::error("several_documents", at, "", message))
            }
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Position,
    ) -> Result<(), Fatal> {
        if text.contains('\0') {
            let pointer = self.pointer();
            self.report.error("invalid_text", at, pointer, NUL_IN_TEXT);
        }
        if self.awaits_key() {
            return self.key(text, style == ScalarStyle::Plain && text == "<<", at);
        }
        let value = match tag {
            None if style == ScalarStyle::Plain => scalar::plain(text).unwrap_or_else(|_| {
                let problem = out_of_range(text, at, self.pointer());
                self.report.push(problem);
                // Stands for the number, so that what else is wrong is found.
                Value::from(0)
            }),
            None => Value::String(text.to_owned()),
            Some(tag) => tagged(tag, text, at)?,
        };
        let size = Size { nodes: 1, bytes: text.len() };
        self.finish(Weighed { node: Node { at, kind: Kind::Scalar(value) }, size, height: 0 }, anchor)
    }

    fn open(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&Tag>,
        at: Position,
    ) -> Result<(), Fatal> {
        if self.awaits_key() {
            return Err(complex_key(at));
        }
        if let Some(tag) =
            tag.filter(|tag| !(tag.is_yaml_core_schema() && matches!(&*tag.suffix, "map" | "seq")))
        {
            return Err(unsupported_tag(tag, at));
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(at));
        }
        self.stack.push(Open { at, anchor, size: Size { nodes: 1, bytes: 0 }, height: 0, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fatal> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let kind = match open.content {
            Content::List(items) => Kind::List(Rc::new(items)),
            Content::Map { mapping, merged, .. } => Kind::Map(Rc::new(with_merged(mapping, &merged))),
        };
        let node = Node { at: open.at, kind };
        self.finish(Weighed { node, size: open.size, height: open.height + 1 }, open.anchor)
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Result<(), Fatal> {
        if self.awaits_key() {
            return Err(complex_key(at));
        }
        let Some(target) = self.anchors.get(&anchor).cloned() else {
            return Err(Problem::error("yaml_syntax", at, "", "an alias stands inside of what it names"));
        };
        if self.stack.len() + target.height > MAX_DEPTH {
            return Err(too_deep(at));
        }
        self.aliased = self.aliased.plus(target.size);
        if self.aliased.nodes > MAX_ALIASED.nodes || self.aliased.bytes > MAX_ALIASED.bytes {
            let message = format!(
                "aliases expand to more than {} values or {} bytes",
                MAX_ALIASED.nodes, MAX_ALIASED.bytes
            );
            return Err(Problem::error("document_too_large", at, "", message));
        }
        self.finish(target, 0)
    }

    /// Puts a finished node where it belongs.
    fn finish(&mut self, weighed: Weighed, anchor: usize) -> Result<(), Fatal> {
        if anchor > 0 {
            self.anchors.insert(anchor, weighed.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(weighed.node);
            return Ok(());
        };
        open.size = open.size.plus(weighed.size);
        open.height = open.height.max(weighed.height);
        match &mut open.content {
            Content::List(items) => items.push(weighed.node),
            Content::Map { mapping, key, merged } => {
                let Some(key) = key.take() else { return Ok(()) };
                if key.is_merge {
                    merged.extend(merge_sources(weighed.node, key.at)?);
                } else if let Some(first) = mapping.entry(&key.text) {
                    let (name, line, again) = (&key.text, first.key_at.line, key.at.line);
                    let message =
                        format!("the key `{name}` stands twice: in line {line} and in line {again}");
                    let pointer = format!("{}{}", self.pointer(), Path::Key(&Path::Root, &key.text));
                    self.report.error("duplicate_key", key.at, pointer, message);
                } else {
                    mapping.push(Entry { key: key.text, key_at: key.at, value: weighed.node });
                }
            }
        }
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.stack.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: &str, is_merge: bool, at: Position) -> Result<(), Fatal> {
        if let Some(Open { size, content: Content::Map { key, .. }, .. }) = self.stack.last_mut() {
            size.bytes += text.len();
            *key = Some(Key { text: text.into(), at, is_merge });
        }
        Ok(())
    }

    /// Where the next node goes.
    fn pointer(&self) -> String {
        let segment = |open: &Open| match &open.content {
            Content::List(items) => Path::Index(&Path::Root, items.len()).to_string(),
            Content::Map { key: Some(key), .. } => Path::Key(&Path::Root, &key.text).to_string(),
            Content::Map { key: None, .. } => String::new(),
        };
        self.stack.iter().map(segment).collect()
    }
}

/// The mappings that a merge key names.
fn merge_sources(node: Node, at: Position) -> Result<Vec<Node>, Fatal> {
    let wrong = || Problem::error("wrong_type", at, "", "`<<` merges a mapping or a list of mappings");
    let sources = match &node.kind {
        Kind::Map(_) => vec![node],
        Kind::List(items) => items.to_vec(),
        Kind::Scalar(_) => return Err(wrong()),
    };
    if sources.iter().all(|source| source.mapping().is_some()) { Ok(sources) } else { Err(wrong()) }
}

/// The mapping with what it does not say itself taken from merged ones, the first that has a key first.
fn with_merged(mut mapping: Mapping, merged: &[Node]) -> Mapping {
    for entry in merged.iter().filter_map(Node::mapping).flat_map(Mapping::entries) {
        if mapping.entry(&entry.key).is_none() {
            mapping.push(entry.clone());
        }
    }
    mapping
}

fn tagged(tag: &Tag, text: &str, at: Position) -> Result<Value, Fatal> {
    if tag.handle == "!" && tag.suffix.is_empty() {
        return Ok(Value::String(text.to_owned()));
    }
    if !tag.is_yaml_core_schema() {
        return Err(unsupported_tag(tag, at));
    }
    let value = scalar::plain(text).map_err(|_| out_of_range(text, at, ""))?;
    let value = match (&*tag.suffix, value) {
        ("str", _) => Value::String(text.to_owned()),
        ("float", Value::Number(number)) => number.as_f64().map_or(Value::Null, Value::from),
        ("null", value @ Value::Null) | ("bool", value @ Value::Bool(_)) => value,
        ("int", Value::Number(number)) if !number.is_f64() => Value::Number(number),
        ("null" | "bool" | "int" | "float", _) => {
            let message = format!("{text:?} is not what its tag `!!{}` says", tag.suffix);
            return Err(Problem::error("wrong_type", at, "", message));
        }
        _ => return Err(unsupported_tag(tag, at)),
    };
    Ok(value)
}

fn unsupported_tag(tag: &Tag, at: Position) -> Fatal {
    let message = format!("the tag `{tag}` is not supported");
    Problem::error("unsupported_tag", at, "", message).help("write the value without a tag")
}

fn complex_key(at: Position) -> Fatal {
    Problem::error("yaml_syntax", at, "", "a key must be text, not a list, a mapping or an alias")
}

fn out_of_range(text: &str, at: Position, pointer: impl Display) -> Problem {
    let message = format!("the number {text} is outside of what 64 bits hold");
    Problem::error("number_out_of_range", at, pointer, message)
        .help("put it in quotes if it is meant as text")
}
