//! `tasker auth ...`.

use std::process::ExitCode;

use tasker_engine::use_cases::{MintedApiKey, NewApiKey};
use tasker_wire::{ApiKeyCreated, ApiKeyDocument, ApiKeyList, ApiKeyStatus};

use crate::api_options;
use crate::args::{AuthCommand, CreateKeyArgs, KeyCommand, RotateKeyArgs};
use crate::backend::actor;
use crate::exit::{Failure, Status};
use crate::open::{self, Access};
use crate::output::table::Table;
use crate::output::time;
use crate::session::Session;

/// Decides who may call the HTTP API.
pub async fn run(command: AuthCommand, session: &Session) -> anyhow::Result<ExitCode> {
    let AuthCommand::Key(command) = command;
    match command {
        KeyCommand::Create(args) => create(args, session).await,
        KeyCommand::List => list(session).await,
        KeyCommand::Rotate(args) => rotate(args, session).await,
        KeyCommand::Revoke { id } => revoke(&id, session).await,
    }
}

async fn create(args: CreateKeyArgs, session: &Session) -> anyhow::Result<ExitCode> {
    check_roles(&args.role, session)?;
    let engine = open::engine(session, Access::Create).await?;
    let minted = engine
        .create_api_key(NewApiKey {
            name: args.name,
            roles: args.role,
            grants: args.permission,
            namespaces: (!args.namespace.is_empty()).then(|| args.namespace.into_iter().collect()),
            valid_for: args.expires_in,
            created_by: actor(args.actor),
        })
        .await?;
    show(minted, session);
    Ok(Status::Ok.into())
}

/// A role that does not exist grants nothing, and nobody would notice.
fn check_roles(roles: &[String], session: &Session) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let known = api_options::roles(&session.settings.auth, &mut problems);
    let names = known.names();
    let Some(unknown) = roles.iter().find(|role| !names.contains(role.as_str())) else { return Ok(()) };
    let message = format!("there is no role {unknown:?}");
    let there_are = names.into_iter().collect::<Vec<_>>().join(", ");
    Err(Failure::new(Status::Invalid, "unknown_role", message)
        .help(format!("there are {there_are}; more are made with auth.roles in the configuration")))
}

async fn rotate(args: RotateKeyArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Write).await?;
    let minted = engine.rotate_api_key(&args.id, args.overlap, actor(args.actor)).await?;
    let old = engine.api_key(&args.id).await?;
    if let Some(end) = old.expires_at {
        session.printer.note(&format!("key {} of {} is good until {}", old.id, old.name, time::local(end)));
    }
    show(minted, session);
    Ok(Status::Ok.into())
}

/// Shows a new key; as text only its token, so that it can be piped to where it is needed.
fn show(minted: MintedApiKey, session: &Session) {
    let key = &minted.key;
    session.printer.note(&format!("key {} of {}; keep the token: it is shown only now", key.id, key.name));
    let (token, key) = (minted.token, ApiKeyDocument::new(minted.key, time::now()));
    let document = ApiKeyCreated { api_key: key, token: token.clone() };
    session.printer.result(&document, || token);
}

async fn list(session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    let now = time::now();
    let keys = engine.api_keys().await?.into_iter().map(|key| ApiKeyDocument::new(key, now)).collect();
    let list = ApiKeyList { api_keys: keys };
    session.printer.result(&list, || {
        if list.api_keys.is_empty() {
            return "no API keys; make one with: tasker auth key create NAME --role viewer".into();
        }
        let mut table = Table::new(&["KEY", "NAME", "STATUS", "RIGHTS", "EXPIRES", "LAST USED"]);
        for key in &list.api_keys {
            table.row(row(key));
        }
        table.render(session.printer.style())
    });
    Ok(Status::Ok.into())
}

fn row(key: &ApiKeyDocument) -> [String; 6] {
    let status = match key.status {
        ApiKeyStatus::Active => "active",
        ApiKeyStatus::Expired => "expired",
        ApiKeyStatus::Revoked => "revoked",
    };
    let mut rights = key.roles.clone();
    rights.extend(key.permissions.iter().map(ToString::to_string));
    let names = |names: &[tasker_core::names::Namespace]| {
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    rights.extend(key.namespaces.as_deref().map(|spaces| format!("in {}", names(spaces))));
    let rights = if rights.is_empty() { "none".to_owned() } else { rights.join(" ") };
    let at =
        |at: Option<tasker_wire::Instant>| at.map_or("never".to_owned(), |at| time::local(at.timestamp()));
    [key.id.clone(), key.name.clone(), status.into(), rights, at(key.expires_at), at(key.last_used_at)]
}

async fn revoke(id: &str, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Write).await?;
    let key = ApiKeyDocument::new(engine.revoke_api_key(id).await?, time::now());
    session.printer.result(&key, || format!("key {} of {} is revoked", key.id, key.name));
    Ok(Status::Ok.into())
}
