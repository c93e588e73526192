//! Short texts with a rule of their own (names, versions, ids, times, positions, links): what is accepted is the same
//! after it was written.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use tasker_core::diagram::{DiagramFormat, LinkBase};
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, HandlerName, Namespace, StepName, Version};
use tasker_core::nearest::nearest;
use tasker_core::time::Timestamp;
use tasker_store::read::Cursor;

use crate::text;

/// Checks a text.
pub fn check(input: &[u8]) {
    let Some(text) = text(input) else { return };
    is_the_same_again::<StepName>(text);
    is_the_same_again::<DefinitionName>(text);
    is_the_same_again::<Namespace>(text);
    is_the_same_again::<HandlerName>(text);
    is_the_same_again::<Version>(text);
    is_the_same_again::<TaskId>(text);
    is_the_same_again::<Cursor>(text);
    is_the_same_again::<LinkBase>(text);
    is_the_same_again::<DiagramFormat>(text);
    if let Some(time) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time), "{time}");
        assert!(time.to_string().starts_with(&time.minute()[..10]));
    }
    links_stay_links(text);
    assert_eq!(nearest(text, [text]).unwrap_or(text), text);
}

fn is_the_same_again<T>(text: &str)
where
    T: FromStr<Err: Display> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(value) => {
            let written = value.to_string();
            let again = written.parse::<T>().ok();
            assert_eq!(again.as_ref(), Some(&value), "{text:?} is written as {written:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Whatever links begin with, they lead to a page of the web or of this server.
fn links_stay_links(text: &str) {
    let (Ok(base), Ok(step)) = (text.parse::<LinkBase>(), "step".parse::<StepName>()) else { return };
    let link = base.step(TaskId(uuid::Uuid::nil()), &step);
    let is_page = ["http://", "https://", "/"].iter().any(|start| link.starts_with(start));
    assert!(is_page && !link.starts_with("//"), "{link}");
}
