//! Who may do what: the rules of authorization (`spec/api.md` 4), and nothing else decides it.
//!
//! A [`Permission`] is a pair of a [`Resource`] and an [`Action`], and there are no others than those of
//! [`Permission::ALL`]. A [`Grant`] is a pattern of permissions, perhaps limited to one namespace or to tasks that the
//! holder created. [`Roles`] are named lists of grants. A [`Principal`] is whoever asks, with all grants it has.
//! [`decide`] answers about one thing, [`may`] whether it is worth asking at all, [`reach`] which part of a list may be
//! seen. What is not granted is denied.

pub mod api_key;
mod decision;
mod grant;
mod jwt;
mod permission;
mod principal;
mod reach;
mod role;

pub use api_key::{ApiKey, ApiKeyRefusal, ApiKeyToken};
pub use decision::{Decision, Subject, decide, may, may_force};
pub use grant::{Grant, InvalidGrant};
pub use jwt::{BadJwt, JWT_STRATEGY, JwtRules};
pub use permission::{Action, Bounds, Permission, Resource};
pub use principal::{Claims, Principal, PrincipalKind};
pub use reach::{Extent, Reach, reach};
pub use role::{InvalidRole, Roles};
