//! `tasker auth ...`.

use std::time::Duration;

use clap::{Args, Subcommand};
use tasker_config::span;
use tasker_core::access::Grant;
use tasker_core::names::Namespace;

/// Decide who may call the HTTP API.
#[derive(Subcommand, Clone, Debug)]
pub enum AuthCommand {
    /// Make, list, replace and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
}

/// Make, list, replace and revoke API keys.
#[derive(Subcommand, Clone, Debug)]
pub enum KeyCommand {
    /// Make a key, and show its token this once
    Create(CreateKeyArgs),
    /// List all keys, without their secrets, which nobody knows
    #[command(after_help = "\
Examples:
  tasker auth key list
  tasker auth key list --output json | jq -r '.api_keys[] | select(.status == \"active\").name'")]
    List,
    /// Make another key with the same rights; the old one stays good for a while
    Rotate(RotateKeyArgs),
    /// Let a key be good no more
    #[command(after_help = "\
Servers remember keys for 5 seconds: so long requests with it may still be answered.

Examples:
  tasker auth key revoke 3f1c09a27be4d581

Exit status: 0 revoked; 4 no such key.")]
    Revoke {
        /// Id of the key: the digits after tsk_
        #[arg(value_name = "KEY_ID")]
        id: String,
    },
}

/// Make a key, and show its token this once.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The token is written to standard output and kept nowhere: only a digest of its secret is in the
database. Callers send it as `Authorization: Bearer tsk_...` or `X-API-Token: tsk_...`. The server
looks for keys if `auth.strategy = \"api_key\"`; roles and permissions count if
`auth.authorization_enabled = true`.

Examples:
  tasker auth key create till-7 --role operator --expires-in 90d
  tasker auth key create orders --permission tasker.task:create@shop --permission tasker.task:show#own
  tasker auth key create lab --role viewer --namespace lab --output json | jq -r .token > lab.token

Exit status: 0 made; 2 a malformed value; 3 there is no such role.")]
pub struct CreateKeyArgs {
    /// Whose it is: what history, logs and limits name; keys of one name are of one holder
    #[arg(value_name = "NAME")]
    pub name: String,
    /// A role of its holder: viewer, operator, admin, or one of auth.roles; repeated: all of them
    #[arg(long, value_name = "ROLE")]
    pub role: Vec<String>,
    /// What its holder may do besides, such as tasker.task:create@shop; repeated: all of them
    #[arg(long, value_name = "PERMISSION")]
    pub permission: Vec<Grant>,
    /// A namespace that its holder may have to do with; repeated: these and no others [default: all]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Vec<Namespace>,
    /// How long it is good, such as 90d [default: until it is revoked]
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    pub expires_in: Option<Duration>,
    /// Who makes it [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Make another key with the same rights.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker auth key rotate 3f1c09a27be4d581
  tasker auth key rotate 3f1c09a27be4d581 --overlap 7d --output json | jq -r .token > till-7.token

Exit status: 0 made; 4 no such key; 5 the old key is not good any more.")]
pub struct RotateKeyArgs {
    /// Id of the old key: the digits after tsk_
    #[arg(value_name = "KEY_ID")]
    pub id: String,
    /// How long the old key stays good
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = span::parse)]
    pub overlap: Duration,
    /// Who makes it [default: your user name]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}
