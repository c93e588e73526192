//! Which registered definition is meant: `NAME`, `NAME@VERSION`, `NAMESPACE.NAME@VERSION`.

use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_store::definitions::Selector;
use tasker_wire::DefinitionDocument;

use crate::backend::Backend;
use crate::exit::{Failure, Status, is_missing};

/// What a text may mean. Names may hold dots, so a dotted text has two meanings; the whole text as a name comes first.
#[derive(Clone, Debug)]
pub struct Wanted {
    candidates: Vec<Selector>,
}

/// Reads a text, with the namespace and version that flags gave.
///
/// # Errors
/// A name or version that breaks its rule, or two versions.
pub fn parse(
    text: &str,
    namespace: Option<&Namespace>,
    version: Option<&Version>,
) -> Result<Wanted, Failure> {
    let invalid = |error: tasker_core::names::InvalidName| {
        Failure::new(Status::Usage, "invalid_name", error.to_string())
    };
    let (name, in_text) = match text.rsplit_once('@') {
        Some((name, version)) => (name, Some(Version::new(version).map_err(invalid)?)),
        None => (text, None),
    };
    if in_text.is_some() && version.is_some_and(|version| Some(version) != in_text.as_ref()) {
        let message = format!("{text} names one version and --version another");
        return Err(Failure::new(Status::Usage, "usage", message));
    }
    let version = in_text.or_else(|| version.cloned());
    let selector =
        |namespace: Namespace, name: DefinitionName| Selector { namespace, name, version: version.clone() };
    let whole = DefinitionName::new(name).map_err(invalid)?;
    let mut candidates = vec![selector(namespace.cloned().unwrap_or_default(), whole)];
    if namespace.is_none()
        && let Some((space, name)) = name.split_once('.')
        && let (Ok(space), Ok(name)) = (Namespace::new(space), DefinitionName::new(name))
    {
        candidates.push(selector(space, name));
    }
    Ok(Wanted { candidates })
}

impl Wanted {
    /// The first meaning.
    pub fn first(&self) -> &Selector {
        &self.candidates[0]
    }

    /// All meanings, the likeliest first.
    pub fn meanings(&self) -> &[Selector] {
        &self.candidates
    }

    /// The version asked for.
    pub fn version(&self) -> Option<&Version> {
        self.first().version.as_ref()
    }

    /// The first meaning that exists.
    ///
    /// # Errors
    /// None does: what exists instead of the last meaning is named.
    pub async fn find(&self, backend: &dyn Backend) -> anyhow::Result<DefinitionDocument> {
        let mut error = None;
        for selector in &self.candidates {
            match backend.definition(selector).await {
                Err(missing) if is_missing(&missing) => error = Some(missing),
                other => return other,
            }
        }
        Err(error.expect("there is at least one candidate"))
    }
}

/// What names exactly this version.
pub fn exactly(found: &DefinitionDocument) -> Selector {
    Selector {
        namespace: found.namespace.clone(),
        name: found.name.clone(),
        version: Some(found.version.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meanings(text: &str) -> Vec<String> {
        let wanted = parse(text, None, None).unwrap();
        wanted
            .candidates
            .iter()
            .map(|s| format!("{} {} {:?}", s.namespace, s.name, s.version.as_ref().map(ToString::to_string)))
            .collect()
    }

    #[test]
    fn a_text_has_one_or_two_meanings() {
        assert_eq!(meanings("order"), ["default order None"]);
        assert_eq!(meanings("order@1.0.0"), [r#"default order Some("1.0.0")"#]);
        assert_eq!(
            meanings("shop.order@1.0.0"),
            [r#"default shop.order Some("1.0.0")"#, r#"shop order Some("1.0.0")"#]
        );
    }

    #[test]
    fn what_breaks_a_rule_is_wrong_usage() {
        assert_eq!(parse("a b", None, None).unwrap_err().status, Status::Usage);
        assert_eq!(parse("a@1", None, None).unwrap_err().status, Status::Usage);
        let version = Version::new("2.0.0").unwrap();
        assert_eq!(parse("a@1.0.0", None, Some(&version)).unwrap_err().status, Status::Usage);
    }
}
