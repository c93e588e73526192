//! Definitions and what belongs to them: namespaces, handlers, external systems.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use tasker_core::decide::Rejection;
use tasker_core::definition::Definition;
use tasker_core::ids::{Digest, Ordinal};
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::plan::Plan;
use tasker_store::ObjectRef;
use tasker_store::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};

use crate::caches::{Revision, Revisions};
use crate::error::Trouble;
use crate::rows;
use crate::sql;
use crate::threads::Reader;
use crate::writer::{Writer, Writing};

/// Longest id of an object in an external system, in characters (`spec/authoring.md` 1.9).
const MAX_OBJECT_ID: usize = 128;

/// One version of a definition, as its row tells.
struct Stored {
    id: i64,
    version: Version,
    revision_id: i64,
    retired: bool,
    digest: Digest,
}

/// How a plan stands to what is registered now.
#[derive(Clone)]
pub(crate) enum Standing {
    /// It is the content of its version (and that version is the latest, if that was asked).
    Current(Arc<Revision>),
    /// Its version has other content now, or another version is the latest.
    NotLatest,
    /// It takes no new tasks.
    Retired,
    /// It is not registered.
    Unknown,
}

/// Whether new tasks may use a plan.
pub(crate) fn standing(
    connection: &Connection,
    revisions: &Revisions,
    plan: &Plan,
    latest: bool,
) -> Result<Standing, Trouble> {
    let definition = &plan.definition;
    let versions = versions(connection, &definition.namespace, &definition.name)?;
    if latest && latest_usable(&versions).is_none_or(|newest| newest.version != definition.version) {
        return Ok(Standing::NotLatest);
    }
    let Some(stored) = versions.iter().find(|stored| stored.version == definition.version) else {
        return Ok(Standing::Unknown);
    };
    if stored.retired {
        return Ok(Standing::Retired);
    }
    if stored.digest != plan.digest {
        return Ok(Standing::NotLatest);
    }
    revisions.get(connection, stored.revision_id).map(Standing::Current)
}

/// Stores a definition.
pub(crate) fn register(writer: &mut Writer, registration: &Registration) -> Result<Registered, Trouble> {
    writer.transaction(|writing| {
        let plan = &registration.plan;
        let definition = &plan.definition;
        let versions = versions(writing.connection, &definition.namespace, &definition.name)?;
        match versions.iter().find(|stored| stored.version == definition.version) {
            None => {
                let id = insert_definition(writing, definition)?;
                point_to(writing, id, plan)?;
                Ok(Registered::Created)
            }
            Some(stored) if stored.digest == plan.digest => Ok(Registered::Unchanged),
            Some(_) if !registration.replace => Ok(Registered::ContentChanged),
            Some(stored) => {
                point_to(writing, stored.id, plan)?;
                Ok(Registered::Replaced)
            }
        }
    })
}

fn insert_definition(writing: &Writing<'_>, definition: &Definition) -> Result<i64, Trouble> {
    let (connection, now) = (writing.connection, writing.now.as_micros());
    let namespace = definition.namespace.as_str();
    connection.prepare_cached(sql::NAMESPACE_INSERT)?.execute(params![namespace, now])?;
    let namespace_id: i64 =
        connection.prepare_cached(sql::NAMESPACE_ID)?.query_row([namespace], |row| row.get(0))?;
    Ok(connection.prepare_cached(sql::DEFINITION_INSERT)?.insert(params![
        namespace_id,
        definition.name.as_str(),
        definition.version.to_string(),
        definition.description,
        definition.configuration.to_string(),
        now
    ])?)
}

/// Makes a plan the content of a version.
fn point_to(writing: &Writing<'_>, definition_id: i64, plan: &Plan) -> Result<(), Trouble> {
    let (connection, now) = (writing.connection, writing.now.as_micros());
    let mut known = connection.prepare_cached(sql::REVISION_BY_DIGEST)?;
    let known: Option<i64> = known.query_row([plan.digest.0.as_slice()], |row| row.get(0)).optional()?;
    let revision_id = known.map_or_else(|| insert_revision(writing, definition_id, plan), Ok)?;
    let definition = &plan.definition;
    connection.prepare_cached(sql::DEFINITION_POINT)?.execute(params![
        definition_id,
        revision_id,
        definition.description,
        definition.configuration.to_string(),
        now
    ])?;
    Ok(())
}

fn insert_revision(writing: &Writing<'_>, definition_id: i64, plan: &Plan) -> Result<i64, Trouble> {
    let connection = writing.connection;
    let revision_id = connection.prepare_cached(sql::REVISION_INSERT)?.insert(params![
        definition_id,
        plan.digest.0.as_slice(),
        plan.graph.n_steps() as i64,
        plan.definition.deprecated,
        writing.now.as_micros(),
        plan.definition.document()
    ])?;
    let mut step = connection.prepare_cached(sql::DEFINITION_STEP_INSERT)?;
    let mut edge = connection.prepare_cached(sql::DEFINITION_EDGE_INSERT)?;
    for ordinal in plan.graph.steps() {
        let template = plan.step(ordinal);
        let handler = handler_id(connection, template.handler.as_str())?;
        let system = system_id(writing, &template.dependent_system)?;
        step.execute(params![revision_id, ordinal.0, template.name.as_str(), handler, system])?;
        for &Ordinal(child) in plan.graph.children(ordinal) {
            edge.execute(params![revision_id, ordinal.0, child])?;
        }
    }
    Ok(revision_id)
}

fn handler_id(connection: &Connection, name: &str) -> Result<i64, Trouble> {
    connection.prepare_cached(sql::HANDLER_INSERT)?.execute([name])?;
    Ok(connection.prepare_cached(sql::HANDLER_ID)?.query_row([name], |row| row.get(0))?)
}

fn system_id(writing: &Writing<'_>, name: &str) -> Result<i64, Trouble> {
    let connection = writing.connection;
    connection.prepare_cached(sql::SYSTEM_INSERT)?.execute(params![name, writing.now.as_micros()])?;
    Ok(connection.prepare_cached(sql::SYSTEM_ID)?.query_row([name], |row| row.get(0))?)
}

/// Takes a version out of use or into use again. Without a version: the latest that is in use.
pub(crate) fn retire(writer: &mut Writer, selector: &Selector, retired: bool) -> Result<bool, Trouble> {
    writer.transaction(|writing| {
        let versions = versions(writing.connection, &selector.namespace, &selector.name)?;
        let chosen = match &selector.version {
            Some(version) => versions.iter().find(|stored| stored.version == *version),
            None => latest_usable(&versions),
        };
        let Some(stored) = chosen else { return Ok(false) };
        let mut update = writing.connection.prepare_cached(sql::DEFINITION_RETIRE)?;
        update.execute(params![stored.id, retired])?;
        Ok(true)
    })
}

/// Deletes a namespace that has no definitions.
pub(crate) fn delete_namespace(writer: &mut Writer, name: &str) -> Result<(), Trouble> {
    writer.transaction(|writing| {
        let connection = writing.connection;
        let Some(id) = namespace_id(connection, name)? else {
            return Err(refusal("not_found", format!("there is no namespace {name:?}")).into());
        };
        let used: u64 =
            connection.prepare_cached(sql::NAMESPACE_USED)?.query_row([id], |row| rows::count(row, 0))?;
        if used > 0 {
            let message =
                format!("namespace {name:?} cannot be deleted: it holds {used} definition versions");
            return Err(refusal("in_use", message).into());
        }
        connection.prepare_cached(sql::NAMESPACE_DELETE)?.execute([id])?;
        Ok(())
    })
}

fn refusal(code: &'static str, message: String) -> Rejection {
    Rejection::new(code, message)
}

/// Links two objects of external systems, once for both orders.
pub(crate) fn link_objects(
    writer: &mut Writer,
    one: ObjectRef,
    two: ObjectRef,
) -> Result<(ObjectRef, ObjectRef), Trouble> {
    [&one, &two].into_iter().try_for_each(check_object)?;
    let in_order = (&one.system, &one.id) <= (&two.system, &two.id);
    let (first, second) = if in_order { (one, two) } else { (two, one) };
    writer.transaction(|writing| {
        let one_id = system_id(writing, &first.system)?;
        let two_id = system_id(writing, &second.system)?;
        let mut insert = writing.connection.prepare_cached(sql::OBJECT_MAP_INSERT)?;
        insert.execute(params![one_id, first.id, two_id, second.id, writing.now.as_micros()])?;
        Ok((first, second))
    })
}

/// All namespaces, sorted.
pub(crate) fn namespaces(reader: &Reader) -> Result<Vec<String>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::NAMESPACE_NAMES)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// All versions of all definitions, of one namespace or of all.
pub(crate) fn list(reader: &Reader, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::DEFINITION_LIST)?;
    let rows = statement.query_map([namespace], |row| {
        Ok(DefinitionRow {
            namespace: rows::name(row, 0)?,
            name: rows::name(row, 1)?,
            version: rows::name(row, 2)?,
            description: row.get(3)?,
            steps: row.get(4)?,
            digest: Digest(row.get(5)?).to_string(),
            deprecated: row.get(6)?,
            retired: row.get(7)?,
            registered_at: rows::instant(row, 8)?,
        })
    })?;
    let mut all = rows.collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| (&a.namespace, &a.name, &a.version).cmp(&(&b.namespace, &b.name, &b.version)));
    Ok(all)
}

/// The definition that a request means.
pub(crate) fn resolve(reader: &mut Reader, selector: &Selector) -> Result<Resolved, Trouble> {
    reader.snapshot(|reader| {
        let versions = versions(&reader.connection, &selector.namespace, &selector.name)?;
        if versions.is_empty() {
            return without_name(&reader.connection, &selector.namespace);
        }
        let chosen = match &selector.version {
            Some(version) => versions.iter().find(|stored| stored.version == *version),
            None => latest_usable(&versions),
        };
        let Some(stored) = chosen else {
            let mut versions: Vec<Version> = versions.into_iter().map(|stored| stored.version).collect();
            versions.sort();
            return Ok(Resolved::NoVersion { versions });
        };
        let revision = reader.revisions.get(&reader.connection, stored.revision_id)?;
        Ok(Resolved::Found { plan: revision.plan.clone(), retired: stored.retired })
    })
}

/// The plan of a revision.
pub(crate) fn plan(reader: &mut Reader, digest: Digest) -> Result<Option<Arc<Plan>>, Trouble> {
    let revision = reader.revisions.find(&reader.connection, digest)?;
    Ok(revision.map(|revision| revision.plan.clone()))
}

fn without_name(connection: &Connection, namespace: &Namespace) -> Result<Resolved, Trouble> {
    let Some(id) = namespace_id(connection, namespace.as_str())? else { return Ok(Resolved::NoNamespace) };
    let mut statement = connection.prepare_cached(sql::DEFINITION_NAMES)?;
    let names = statement.query_map([id], |row| rows::name(row, 0))?.collect::<Result<_, _>>()?;
    Ok(Resolved::NoName { names })
}

fn namespace_id(connection: &Connection, name: &str) -> Result<Option<i64>, Trouble> {
    Ok(connection.prepare_cached(sql::NAMESPACE_ID)?.query_row([name], |row| row.get(0)).optional()?)
}

fn versions(
    connection: &Connection,
    namespace: &Namespace,
    name: &DefinitionName,
) -> Result<Vec<Stored>, Trouble> {
    let mut statement = connection.prepare_cached(sql::DEFINITION_VERSIONS)?;
    let rows = statement.query_map([namespace.as_str(), name.as_str()], |row| {
        Ok(Stored {
            id: row.get(0)?,
            version: rows::name(row, 1)?,
            revision_id: row.get(2)?,
            retired: row.get(3)?,
            digest: Digest(row.get(4)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn latest_usable(versions: &[Stored]) -> Option<&Stored> {
    let usable = || versions.iter().filter(|stored| !stored.retired);
    let newest = Version::latest(usable().map(|stored| &stored.version))?;
    usable().find(|stored| stored.version == *newest)
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
    Err(refusal("out_of_range", message))
}
