//! Settings of Tasker: read from files, environment and flags, checked as a whole, and typed.
//!
//! Later layers win: defaults, the user's file, the file of the working directory, environment, flags. Everything
//! wrong with all layers is reported at once. [`table::SETTINGS`] is the one list of what can be set.

mod error;
mod health;
mod inert;
mod jwt;
mod kind;
mod layer;
mod resolve;
mod settings;
mod source;
pub mod span;
pub mod table;

pub use error::{ConfigError, ConfigProblem};
pub use health::HealthSettings;
pub use jwt::JwtSettings;
pub use resolve::{Configuration, Entry, Notice, load};
pub use settings::{
    ApiSettings, AuthSettings, AuthStrategy, CommandSettings, Execution, HttpSettings, Identity, Limits,
    LogFormat, LogLevel, LogSettings, MetricsSettings, RateLimitSettings, Settings, WorkerSettings,
};
pub use source::{Origin, Sources};
