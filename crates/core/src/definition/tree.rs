//! The document as a tree that knows where each part stood in its source.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use serde_json::Value;

use crate::pointer::pointer_to;

/// A place in a source text: line and column from 1, in characters. Line 0: there is no text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A value and its place. Cheap to clone: children are shared.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Null, boolean, number or text.
    Scalar(Value),
    /// A list.
    List(Rc<Vec<Node>>),
    /// A mapping.
    Map(Rc<Mapping>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Rc<str>,
    pub(super) key_at: Position,
    pub(super) value: Node,
}

/// Keys and values in source order, each key once.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping {
    entries: Vec<Entry>,
    /// Empty while the mapping is small enough to be searched entry by entry.
    index: HashMap<Rc<str>, usize>,
}

/// How much a node holds, all its descendants counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Size {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
}

/// Longest mapping that is searched entry by entry.
const SEARCHED: usize = 16;

impl Mapping {
    /// All entries.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        if self.index.is_empty() {
            self.entries.iter().find(|entry| &*entry.key == key)
        } else {
            self.index.get(key).map(|&i| &self.entries[i])
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Adds an entry whose key is not there yet.
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        let n = self.entries.len();
        if n == SEARCHED + 1 {
            self.index = self.entries.iter().enumerate().map(|(i, e)| (e.key.clone(), i)).collect();
        } else if n > SEARCHED + 1 {
            self.index.insert(self.entries[n - 1].key.clone(), n - 1);
        }
    }
}

impl FromIterator<Entry> for Mapping {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut mapping = Self::default();
        entries.into_iter().for_each(|entry| mapping.push(entry));
        mapping
    }
}

impl Node {
    /// A node without a place, from a value that was made in code.
    pub(super) fn from_value(value: &Value) -> Self {
        let kind = match value {
            Value::Array(items) => Kind::List(Rc::new(items.iter().map(Self::from_value).collect())),
            Value::Object(fields) => Kind::Map(Rc::new(fields.iter().map(Entry::from_field).collect())),
            scalar => Kind::Scalar(scalar.clone()),
        };
        Self { at: Position::default(), kind }
    }

    /// The value without its places.
    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(mapping) => {
                let fields = mapping.entries.iter();
                Value::Object(fields.map(|e| (e.key.to_string(), e.value.to_value())).collect())
            }
        }
    }

    /// The text, if it is text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The mapping, if it is one.
    pub(super) fn mapping(&self) -> Option<&Mapping> {
        match &self.kind {
            Kind::Map(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub(super) fn list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The node a JSON pointer leads to.
    pub(super) fn find(&self, pointer: &str) -> Option<&Node> {
        let (node, rest) = self.descend(pointer);
        rest.is_empty().then_some(node)
    }

    /// The place a JSON pointer leads to, or that of the last node on the way there.
    pub(super) fn place_of(&self, pointer: &str) -> Position {
        self.descend(pointer).0.at
    }

    /// How much it holds.
    pub(super) fn size(&self) -> Size {
        let own = |bytes| Size { nodes: 1, bytes };
        match &self.kind {
            Kind::Scalar(Value::String(text)) => own(text.len()),
            Kind::Scalar(_) => own(0),
            Kind::List(items) => items.iter().fold(own(0), |sum, item| sum.plus(item.size())),
            Kind::Map(mapping) => mapping
                .entries
                .iter()
                .fold(own(0), |sum, e| sum.plus(Size { nodes: 0, bytes: e.key.len() }).plus(e.value.size())),
        }
    }

    /// This node with another laid over it: mappings are merged, anything else is replaced.
    pub(super) fn overlaid(&self, over: &Node) -> Node {
        let (Kind::Map(below), Kind::Map(above)) = (&self.kind, &over.kind) else { return over.clone() };
        Node { at: self.at, kind: Kind::Map(Rc::new(below.overlaid(above, |_, old, new| old.overlaid(new)))) }
    }

    /// Calls `f` with every text in it, keys not counted.
    pub(super) fn each_text<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&'a Node, &'a str, &Path<'_>)) {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => f(self, text, path),
            Kind::Scalar(_) => {}
            Kind::List(items) => {
                items.iter().enumerate().for_each(|(i, item)| item.each_text(&Path::Index(path, i), f));
            }
            Kind::Map(mapping) => {
                mapping.entries.iter().for_each(|e| e.value.each_text(&Path::Key(path, &e.key), f));
            }
        }
    }

    fn descend<'p>(&self, pointer: &'p str) -> (&Node, &'p str) {
        let (mut node, mut rest) = (self, pointer);
        while let Some(tail) = rest.strip_prefix('/') {
            let end = tail.find('/').unwrap_or(tail.len());
            let key = tail[..end].replace("~1", "/").replace("~0", "~");
            let child = match &node.kind {
                Kind::Map(mapping) => mapping.get(&key),
                Kind::List(items) => key.parse::<usize>().ok().and_then(|i| items.get(i)),
                Kind::Scalar(_) => None,
            };
            let Some(child) = child else { break };
            (node, rest) = (child, &tail[end..]);
        }
        (node, rest)
    }
}

impl Mapping {
    /// This mapping with another laid over it; `join` decides about keys that both have. Keys of this one first.
    pub(super) fn overlaid(
        &self,
        over: &Mapping,
        mut join: impl FnMut(&str, &Node, &Node) -> Node,
    ) -> Mapping {
        let kept = self.entries.iter().map(|below| match over.entry(&below.key) {
            None => below.clone(),
            Some(above) => Entry { value: join(&below.key, &below.value, &above.value), ..above.clone() },
        });
        let added = over.entries.iter().filter(|above| self.entry(&above.key).is_none()).cloned();
        kept.chain(added).collect()
    }
}

impl Entry {
    fn from_field((key, value): (&String, &Value)) -> Self {
        Self { key: key.as_str().into(), key_at: Position::default(), value: Node::from_value(value) }
    }
}

impl Size {
    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self { nodes: self.nodes.saturating_add(other.nodes), bytes: self.bytes.saturating_add(other.bytes) }
    }

    /// So many of it.
    pub(super) fn times(self, n: usize) -> Self {
        Self { nodes: self.nodes.saturating_mul(n), bytes: self.bytes.saturating_mul(n) }
    }
}

/// The way from the root to a node; displayed as a JSON pointer.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// The whole document.
    Root,
    /// A value of a mapping.
    Key(&'a Path<'a>, &'a str),
    /// An item of a list.
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => f.write_str(&pointer_to(&parent.to_string(), key)),
            Self::Index(parent, i) => write!(f, "{parent}/{i}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_survive_the_way_into_the_tree_and_back() {
        let value = json!({"a": [1, null, {"b": "c"}], "d": true, "e": 1.5});
        assert_eq!(Node::from_value(&value).to_value(), value);
    }

    #[test]
    fn pointers_lead_to_nodes_and_are_written_escaped() {
        let node = Node::from_value(&json!({"a/b": [{"c~d": 7}]}));
        let (root, first);
        let path = {
            root = Path::Key(&Path::Root, "a/b");
            first = Path::Index(&root, 0);
            Path::Key(&first, "c~d")
        };
        assert_eq!(path.to_string(), "/a~1b/0/c~0d");
        assert_eq!(node.find(&path.to_string()).unwrap().to_value(), json!(7));
        assert!(node.find("/a~1b/1").is_none());
    }

    #[test]
    fn laying_over_merges_mappings_and_replaces_the_rest() {
        let below = Node::from_value(&json!({"a": {"x": 1, "y": [1]}, "b": 1}));
        let above = Node::from_value(&json!({"a": {"y": [2], "z": 3}, "b": null}));
        assert_eq!(below.overlaid(&above).to_value(), json!({"a": {"x": 1, "y": [2], "z": 3}, "b": null}));
    }

    #[test]
    fn large_mappings_are_found_by_index() {
        let fields = (0..1_000).map(|i| (format!("k{i}"), json!(i)));
        let node = Node::from_value(&Value::Object(fields.collect()));
        let mapping = node.mapping().unwrap();
        assert_eq!(mapping.get("k0").unwrap().to_value(), json!(0));
        assert_eq!(mapping.get("k999").unwrap().to_value(), json!(999));
        assert!(mapping.get("k1000").is_none());
    }
}
