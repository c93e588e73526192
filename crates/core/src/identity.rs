//! When two requests are the same request.
//!
//! Two questions, two answers. *Was this asked before?* is told by the identity hash, for engines that refuse
//! repeats (`spec/domain.md` 2). *Is this the request that was accepted under this id?* is told by the content digest.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::definition::Priority;
use crate::ids::Digest;
use crate::names::{DefinitionName, Namespace, StepName, Version};
use crate::payload::Payload;
use crate::time::Timestamp;

/// Longest text of a custom identity, in characters.
pub const MAX_CUSTOM_CHARS: usize = 128;

/// A custom identity: text that is equal for requests that are the same.
pub type CustomIdentity = Arc<dyn Fn(&IdentityDocument<'_>) -> String + Send + Sync>;

/// How an engine tells repeated requests (`engine.identity_strategy`).
#[derive(Clone, Default)]
pub enum IdentityStrategy {
    /// It does not: every request is a task of its own.
    #[default]
    Default,
    /// SHA-256 of the identity document: the same request within one minute (UTC) is a repeat.
    Hash,
    /// Text made by the embedder, 1 to 128 characters.
    Custom(CustomIdentity),
    /// Whoever asks gave the request a key of their own ([`crate::request::Delivery`]).
    Key(Digest),
}

/// What of a request makes its identity, in the order in which it is hashed. Tags do not belong to it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IdentityDocument<'a> {
    /// Name of the definition.
    pub name: &'a DefinitionName,
    /// Its namespace.
    pub namespace: &'a Namespace,
    /// Its version.
    pub version: &'a Version,
    /// Who asks.
    pub initiator: &'a str,
    /// From which system.
    pub source_system: &'a str,
    /// The context, as stored.
    #[serde(serialize_with = "sorted")]
    pub context: &'a Payload,
    /// Why.
    pub reason: &'a str,
    /// Steps to leave out, as asked for.
    pub bypass_steps: &'a [StepName],
    /// When; only the minute counts.
    #[serde(serialize_with = "minute")]
    pub requested_at: Timestamp,
}

/// Everything that a request says, times aside.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Content<'a> {
    /// Name of the definition.
    pub name: &'a DefinitionName,
    /// Its namespace.
    pub namespace: &'a Namespace,
    /// The version asked for; `None` is the latest.
    pub version: Option<&'a Version>,
    /// The context, as asked for.
    #[serde(serialize_with = "sorted")]
    pub context: &'a Payload,
    /// Who asks.
    pub initiator: &'a str,
    /// From which system.
    pub source_system: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Labels.
    pub tags: &'a [String],
    /// Steps to leave out.
    pub bypass_steps: &'a [StepName],
    /// Urgency asked for; `None` is the definition's.
    pub priority: Option<Priority>,
    /// What ties it to whatever caused it, if the request says so.
    pub correlation_id: Option<&'a str>,
}

/// Why there is no identity.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdentityError {
    /// The custom strategy gave text that cannot be stored.
    #[error(
        "the custom identity strategy gave {chars} characters, but an identity is 1 to {MAX_CUSTOM_CHARS} without NUL"
    )]
    UnusableText {
        /// Characters of the text.
        chars: usize,
    },
    /// `custom` is set and nothing says how.
    #[error("engine.identity_strategy is `custom`, but no custom strategy is given")]
    CustomMissing,
    /// No such strategy.
    #[error("engine.identity_strategy is {0:?}, but must be `default`, `hash` or `custom`")]
    UnknownStrategy(String),
}

impl IdentityStrategy {
    /// The strategy of a setting.
    ///
    /// # Errors
    /// The name is unknown, or `custom` and `custom` is none.
    pub fn named(name: &str, custom: Option<CustomIdentity>) -> Result<Self, IdentityError> {
        match name {
            "default" => Ok(Self::Default),
            "hash" => Ok(Self::Hash),
            "custom" => custom.map(Self::Custom).ok_or(IdentityError::CustomMissing),
            _ => Err(IdentityError::UnknownStrategy(name.into())),
        }
    }

    /// The identity hash of a request: 64 lower-case hex characters or the custom text; `None` where repeats are not
    /// told.
    ///
    /// # Errors
    /// The custom strategy gave no usable text.
    pub fn hash(&self, document: &IdentityDocument<'_>) -> Result<Option<String>, IdentityError> {
        match self {
            Self::Default => Ok(None),
            Self::Hash => Ok(Some(digest_of(document).to_string())),
            Self::Custom(identity) => usable(identity(document)).map(Some),
            Self::Key(key) => Ok(Some(key.to_string())),
        }
    }
}

impl fmt::Debug for IdentityStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "Default",
            Self::Hash => "Hash",
            Self::Custom(_) => "Custom",
            Self::Key(_) => "Key",
        })
    }
}

impl From<IdentityError> for String {
    fn from(error: IdentityError) -> Self {
        error.to_string()
    }
}

/// The digest of everything that a request says, times aside: equal for a request that is sent again.
pub fn content_digest(content: &Content<'_>) -> Digest {
    digest_of(content)
}

fn usable(text: String) -> Result<String, IdentityError> {
    let chars = text.chars().count();
    let fits = (1..=MAX_CUSTOM_CHARS).contains(&chars) && !text.contains('\0');
    if fits { Ok(text) } else { Err(IdentityError::UnusableText { chars }) }
}

fn digest_of(document: &impl Serialize) -> Digest {
    Digest::of(&serde_json::to_vec(document).expect("a document of text and JSON is JSON"))
}

fn sorted<S: Serializer>(context: &Payload, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value: Value = context.to_value();
    value.sort_all_objects();
    value.serialize(serializer)
}

fn minute<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&instant.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request, kept by value so that tests can change parts of it.
    #[derive(Clone)]
    struct Request {
        name: DefinitionName,
        namespace: Namespace,
        version: Version,
        initiator: String,
        context: Payload,
        reason: String,
        tags: Vec<String>,
        bypass_steps: Vec<StepName>,
        requested_at: Timestamp,
    }

    impl Request {
        fn document(&self) -> IdentityDocument<'_> {
            IdentityDocument {
                name: &self.name,
                namespace: &self.namespace,
                version: &self.version,
                initiator: &self.initiator,
                source_system: "unknown",
                context: &self.context,
                reason: &self.reason,
                bypass_steps: &self.bypass_steps,
                requested_at: self.requested_at,
            }
        }

        fn hash(&self) -> String {
            IdentityStrategy::Hash.hash(&self.document()).unwrap().unwrap()
        }

        fn content(&self) -> Digest {
            content_digest(&Content {
                name: &self.name,
                namespace: &self.namespace,
                version: Some(&self.version),
                context: &self.context,
                initiator: &self.initiator,
                source_system: "unknown",
                reason: &self.reason,
                tags: &self.tags,
                bypass_steps: &self.bypass_steps,
                priority: None,
                correlation_id: None,
            })
        }
    }

    fn request() -> Request {
        Request {
            name: DefinitionName::new("process_refund").unwrap(),
            namespace: Namespace::new("payments").unwrap(),
            version: Version::new("2.1.0").unwrap(),
            initiator: "unknown".into(),
            context: Payload::from_stored(r#"{"order":7,"items":[{"sku":"a","n":1}]}"#),
            reason: "unknown".into(),
            tags: Vec::new(),
            bypass_steps: Vec::new(),
            requested_at: Timestamp::parse("2026-01-31T09:00:59.9Z").unwrap(),
        }
    }

    fn changed(change: impl FnOnce(&mut Request)) -> Request {
        let mut request = request();
        change(&mut request);
        request
    }

    #[test]
    fn dom_26_by_default_no_request_is_a_repeat() {
        assert_eq!(IdentityStrategy::default().hash(&request().document()), Ok(None));
    }

    #[test]
    fn dom_27_the_same_request_within_a_minute_has_the_same_hash() {
        let again = changed(|r| r.requested_at = Timestamp::parse("2026-01-31T10:00:00+01:00").unwrap());
        assert_eq!(request().hash(), again.hash());
        assert_eq!(request().hash().len(), 64);
        assert!(request().hash().bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    }

    #[test]
    fn dom_28_what_makes_another_request_and_what_does_not() {
        let others = [
            changed(|r| r.reason = "again".into()),
            changed(|r| r.initiator = "ops".into()),
            changed(|r| r.context = Payload::from_stored("{}")),
            changed(|r| r.bypass_steps = vec![StepName::new("notify").unwrap()]),
            changed(|r| r.requested_at = Timestamp::parse("2026-01-31T09:01:00Z").unwrap()),
        ];
        for other in others {
            assert_ne!(other.hash(), request().hash());
        }
        assert_eq!(changed(|r| r.tags = vec!["vip".into()]).hash(), request().hash());
    }

    #[test]
    fn dom_29_the_order_of_keys_does_not_count() {
        let reordered =
            changed(|r| r.context = Payload::from_stored(r#"{"items":[{"n":1,"sku":"a"}],"order":7}"#));
        assert_eq!(reordered.hash(), request().hash());
        assert_eq!(reordered.content(), request().content());
    }

    #[test]
    fn dom_29_as_38_namespace_and_version_count() {
        let elsewhere = changed(|r| r.namespace = Namespace::new("customer_success").unwrap());
        let newer = changed(|r| r.version = Version::new("2.2.0").unwrap());
        assert_ne!(elsewhere.hash(), request().hash());
        assert_ne!(newer.hash(), request().hash());
    }

    #[test]
    fn dom_31_a_custom_identity_is_taken_as_it_is() {
        let prefixed: CustomIdentity = Arc::new(|d| format!("shop:{}", d.name));
        let strategy = IdentityStrategy::named("custom", Some(prefixed)).unwrap();
        assert_eq!(strategy.hash(&request().document()), Ok(Some("shop:process_refund".into())));
    }

    #[test]
    fn dom_31_a_strategy_must_be_complete_and_known() {
        assert_eq!(IdentityStrategy::named("custom", None).unwrap_err(), IdentityError::CustomMissing);
        assert_eq!(
            IdentityStrategy::named("md5", None).unwrap_err(),
            IdentityError::UnknownStrategy("md5".into())
        );
    }

    #[test]
    fn a_custom_identity_that_cannot_be_stored_is_refused() {
        for (text, chars) in [("x".repeat(129), 129), (String::new(), 0), ("a\0b".into(), 3)] {
            let strategy = IdentityStrategy::Custom(Arc::new(move |_| text.clone()));
            assert_eq!(strategy.hash(&request().document()), Err(IdentityError::UnusableText { chars }));
        }
        let longest = IdentityStrategy::Custom(Arc::new(|_| "ä".repeat(128)));
        assert_eq!(longest.hash(&request().document()), Ok(Some("ä".repeat(128))));
    }

    #[test]
    fn the_document_keeps_its_keys_in_order() {
        let text = serde_json::to_string(&request().document()).unwrap();
        assert_eq!(
            text,
            r#"{"name":"process_refund","namespace":"payments","version":"2.1.0","initiator":"unknown","source_system":"unknown","context":{"items":[{"n":1,"sku":"a"}],"order":7},"reason":"unknown","bypass_steps":[],"requested_at":"2026-01-31 09:00"}"#
        );
    }

    #[test]
    fn content_is_everything_but_time() {
        let later = changed(|r| r.requested_at = r.requested_at.plus_seconds(86_400));
        assert_eq!(later.content(), request().content());
        assert_ne!(changed(|r| r.tags = vec!["vip".into()]).content(), request().content());
        assert_ne!(changed(|r| r.context = Payload::from_stored("{}")).content(), request().content());
    }
}
