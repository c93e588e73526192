//! Definitions, name spaces, and links between objects of external systems. Changes are made one at a time.

use std::sync::Arc;

use sqlx::Row;
use tasker_core::decide::Rejection;
use tasker_core::ids::Digest;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::plan::Plan;
use tasker_core::time::Timestamp;
use tasker_store::ObjectRef;
use tasker_store::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};
use uuid::Uuid;

use crate::Parts;
use crate::columns;
use crate::error::Trouble;
use crate::rows::{self, At, revision_id};
use crate::session::{Begin, Session};
use crate::sql;

/// Longest id of an object in an external system.
const MAX_OBJECT_ID: usize = 128;

/// Begins a change of definitions; answers the time.
async fn begin_change(parts: &Parts) -> Result<(Session, Timestamp), Trouble> {
    let mut session = parts.reads.begin(Begin::Write).await?;
    let query = session.query(sql::DEFINITION_LOCK);
    match session.row(query).await {
        Ok(Some(row)) => {
            let now = parts.clock.as_ref().map_or_else(|| rows::instant(&row, 0), |clock| Ok(clock()))?;
            Ok((session, now))
        }
        Ok(None) => Err(Trouble::Corrupt("a lock was answered without a row".into())),
        Err(trouble) => session.end(Err(trouble)).await,
    }
}

/// Stores a definition.
pub(crate) async fn register(parts: &Parts, registration: Registration) -> Result<Registered, Trouble> {
    let (mut session, now) = begin_change(parts).await?;
    let registered = register_in(&mut session, &registration, now).await;
    let registered = session.end(registered).await?;
    if registered != Registered::ContentChanged {
        parts.plans.keep(&registration.plan);
    }
    Ok(registered)
}

async fn register_in(
    session: &mut Session,
    registration: &Registration,
    now: Timestamp,
) -> Result<Registered, Trouble> {
    let definition = &registration.plan.definition;
    let (namespace, name) = (definition.namespace.to_string(), definition.name.to_string());
    let version = definition.version.to_string();
    let query = session.query(sql::DEFINITION_FIND).bind(namespace).bind(name).bind(version);
    let known = session.row(query).await?.map(|row| row.try_get::<Uuid, _>(1)).transpose()?;
    let registered = match known {
        None => Registered::Created,
        Some(revision) if revision == revision_id(registration.plan.digest) => {
            return Ok(Registered::Unchanged);
        }
        Some(_) if registration.replace => Registered::Replaced,
        Some(_) => return Ok(Registered::ContentChanged),
    };
    save(session, &registration.plan, now).await?;
    Ok(registered)
}

async fn save(session: &mut Session, plan: &Arc<Plan>, now: Timestamp) -> Result<(), Trouble> {
    let definition = &plan.definition;
    let parts = columns::Parts::of(plan);
    let query = session.query(sql::NAMESPACE_INSERT).bind(definition.namespace.to_string()).bind(At(now));
    session.execute(query).await?;
    let query = session.query(sql::HANDLER_INSERT).bind(&parts.handler_ids).bind(&parts.handlers);
    session.execute(query).await?;
    let query = session.query(sql::SYSTEM_INSERT).bind(&parts.systems);
    session.execute(query).await?;
    let query = session
        .query(sql::REVISION_INSERT)
        .bind(revision_id(plan.digest))
        .bind(plan.digest.0.to_vec())
        .bind(i32::try_from(plan.graph.n_steps()).unwrap_or(i32::MAX))
        .bind(definition.deprecated)
        .bind(definition.document())
        .bind(parts.names)
        .bind(parts.handler_ids)
        .bind(parts.systems)
        .bind(parts.parents)
        .bind(parts.children);
    session.execute(query).await?;
    let query = session
        .query(sql::DEFINITION_SAVE)
        .bind(definition.namespace.to_string())
        .bind(definition.name.to_string())
        .bind(definition.version.to_string())
        .bind(revision_id(plan.digest))
        .bind(definition.description.clone())
        .bind(At(now));
    session.execute(query).await?;
    Ok(())
}

/// Takes a version out of use or into use again. Without a version: the latest that is in use.
pub(crate) async fn retire(parts: &Parts, selector: Selector, retired: bool) -> Result<bool, Trouble> {
    let (mut session, _) = begin_change(parts).await?;
    let done = retire_in(&mut session, &selector, retired).await;
    session.end(done).await
}

async fn retire_in(session: &mut Session, selector: &Selector, retired: bool) -> Result<bool, Trouble> {
    let version = match &selector.version {
        Some(version) => Some(version.clone()),
        None => {
            let versions = versions(session, &selector.namespace, &selector.name).await?;
            latest(versions.as_deref().unwrap_or_default()).map(|latest| latest.version.clone())
        }
    };
    let Some(version) = version else { return Ok(false) };
    let query = session
        .query(sql::DEFINITION_RETIRE)
        .bind(selector.namespace.to_string())
        .bind(selector.name.to_string())
        .bind(version.to_string())
        .bind(retired);
    Ok(session.execute(query).await? > 0)
}

/// One stored version of a definition.
struct Stored {
    version: Version,
    revision: Uuid,
    retired: bool,
}

/// The versions of a definition, ascending; `None` if there is no such namespace.
async fn versions(
    session: &mut Session,
    namespace: &Namespace,
    name: &DefinitionName,
) -> Result<Option<Vec<Stored>>, Trouble> {
    let query = session.query(sql::DEFINITION_VERSIONS).bind(namespace.to_string()).bind(name.to_string());
    let rows = session.rows(query).await?;
    let mut versions = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get::<Option<&str>, _>(0)?.is_some() {
            versions.push(Stored {
                version: rows::name(row, 0)?,
                revision: row.try_get(1)?,
                retired: row.try_get(2)?,
            });
        }
    }
    versions.sort_by(|a, b| a.version.cmp(&b.version));
    Ok((!rows.is_empty()).then_some(versions))
}

fn latest(versions: &[Stored]) -> Option<&Stored> {
    let usable = || versions.iter().filter(|stored| !stored.retired);
    let latest = Version::latest(usable().map(|stored| &stored.version))?;
    usable().find(|stored| stored.version == *latest)
}

/// Finds the definition that a request means.
pub(crate) async fn resolve(parts: &Parts, selector: Selector) -> Result<Resolved, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let resolved = resolve_in(parts, &mut session, &selector).await;
    session.end(resolved).await
}

async fn resolve_in(parts: &Parts, session: &mut Session, selector: &Selector) -> Result<Resolved, Trouble> {
    let Some(versions) = versions(session, &selector.namespace, &selector.name).await? else {
        return Ok(Resolved::NoNamespace);
    };
    if versions.is_empty() {
        let query = session.query(sql::DEFINITION_NAMES).bind(selector.namespace.to_string());
        let rows = session.rows(query).await?;
        let mut names =
            rows.iter().map(|row| rows::name(row, 0)).collect::<Result<Vec<DefinitionName>, _>>()?;
        names.sort();
        return Ok(Resolved::NoName { names });
    }
    let found = match &selector.version {
        Some(version) => versions.iter().find(|stored| stored.version == *version),
        None => latest(&versions),
    };
    match found {
        Some(stored) => {
            let plan = parts.plans.get(session, stored.revision).await?;
            Ok(Resolved::Found { plan, retired: stored.retired })
        }
        None => {
            Ok(Resolved::NoVersion { versions: versions.into_iter().map(|stored| stored.version).collect() })
        }
    }
}

/// The plan of a revision, if it is stored.
pub(crate) async fn plan(parts: &Parts, digest: Digest) -> Result<Option<Arc<Plan>>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let learned = parts.plans.learn(&mut session, [revision_id(digest)]).await;
    session.end(learned).await?;
    Ok(parts.plans.of_digest(digest).filter(|plan| plan.digest == digest))
}

/// Every version of every definition (of a namespace), sorted by namespace, name and version.
pub(crate) async fn list(parts: &Parts, namespace: Option<String>) -> Result<Vec<DefinitionRow>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::DEFINITION_LIST).bind(namespace);
    let rows = session.rows(query).await;
    let list = rows.and_then(|rows| rows.iter().map(definition_row).collect());
    let mut list: Vec<DefinitionRow> = session.end(list).await?;
    list.sort_by(|a, b| (&a.namespace, &a.name, &a.version).cmp(&(&b.namespace, &b.name, &b.version)));
    Ok(list)
}

fn definition_row(row: &sqlx::postgres::PgRow) -> Result<DefinitionRow, Trouble> {
    Ok(DefinitionRow {
        namespace: rows::name(row, 0)?,
        name: rows::name(row, 1)?,
        version: rows::name(row, 2)?,
        description: row.try_get(3)?,
        steps: rows::natural(row, 4)?,
        digest: rows::digest(row, 5)?.to_string(),
        deprecated: row.try_get(6)?,
        retired: row.try_get(7)?,
        registered_at: rows::instant(row, 8)?,
    })
}

/// All namespaces, sorted.
pub(crate) async fn namespaces(parts: &Parts) -> Result<Vec<String>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::NAMESPACE_LIST);
    let rows = session.rows(query).await;
    let names = rows.and_then(|rows| Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?));
    session.end(names).await
}

/// Deletes an empty namespace.
pub(crate) async fn delete_namespace(parts: &Parts, name: String) -> Result<(), Trouble> {
    let (mut session, _) = begin_change(parts).await?;
    let deleted = delete_namespace_in(&mut session, name).await;
    session.end(deleted).await
}

async fn delete_namespace_in(session: &mut Session, name: String) -> Result<(), Trouble> {
    let query = session.query(sql::NAMESPACE_USED).bind(name.clone());
    let used = session.row(query).await?.map(|row| row.try_get::<bool, _>(0)).transpose()?;
    let refused = |code, message| Err(Rejection::new(code, message).into());
    match used {
        None => refused("not_found", format!("there is no namespace {name}")),
        Some(true) => refused("in_use", format!("namespace {name} has definitions and cannot be deleted")),
        Some(false) => {
            let query = session.query(sql::NAMESPACE_DELETE).bind(name);
            session.execute(query).await.map(drop)
        }
    }
}

/// Finds or creates the link between two objects; the smaller (system, id) is told first.
pub(crate) async fn link(
    parts: &Parts,
    one: ObjectRef,
    two: ObjectRef,
) -> Result<(ObjectRef, ObjectRef), Trouble> {
    [&one, &two].into_iter().try_for_each(check_object)?;
    let key = |object: &ObjectRef| (object.system.clone(), object.id.clone());
    let (one, two) = if key(&one) <= key(&two) { (one, two) } else { (two, one) };
    let (mut session, now) = begin_change(parts).await?;
    let linked = link_in(&mut session, &one, &two, now).await;
    session.end(linked).await?;
    Ok((one, two))
}

async fn link_in(
    session: &mut Session,
    one: &ObjectRef,
    two: &ObjectRef,
    now: Timestamp,
) -> Result<(), Trouble> {
    let systems = vec![one.system.clone(), two.system.clone()];
    let query = session.query(sql::SYSTEM_INSERT).bind(systems);
    session.execute(query).await?;
    let query = session
        .query(sql::OBJECT_LINK)
        .bind(one.system.clone())
        .bind(one.id.clone())
        .bind(two.system.clone())
        .bind(two.id.clone())
        .bind(At(now));
    session.execute(query).await?;
    Ok(())
}

fn check_object(object: &ObjectRef) -> Result<(), Rejection> {
    let n_chars = object.id.chars().count();
    if (1..=MAX_OBJECT_ID).contains(&n_chars) && !object.system.is_empty() {
        return Ok(());
    }
    let message = format!(
        "an object needs a system and an id of 1 to {MAX_OBJECT_ID} characters, but {:?} has an id of {n_chars}",
        object.system
    );
    Err(Rejection::new("out_of_range", message))
}
