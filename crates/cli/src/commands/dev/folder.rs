//! From files that change to registered definitions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tasker_core::definition::{Definition, HandlerCatalog, StepTemplate, Unserved};
use tasker_engine::Engine;
use tasker_handlers::COMMAND;
use tasker_store::definitions::Registered;

use super::watch::Change;
use crate::commands::definition::loading::{self, Checks};
use crate::exit::failure_of;
use crate::input;
use crate::session::Session;

/// The definitions of the files that are watched.
pub struct Folder<'a> {
    engine: Engine,
    catalog: &'a dyn HandlerCatalog,
    session: &'a Session,
    registered: BTreeMap<PathBuf, Definition>,
}

impl<'a> Folder<'a> {
    /// Nothing is registered yet.
    pub fn new(engine: Engine, catalog: &'a dyn HandlerCatalog, session: &'a Session) -> Self {
        Self { engine, catalog, session, registered: BTreeMap::new() }
    }

    /// What is registered, in the order of the files.
    pub fn definitions(&self) -> impl ExactSizeIterator<Item = &Definition> {
        self.registered.values()
    }

    /// Does what a change asks for, and tells what came of it.
    pub async fn follow(&mut self, change: Change) {
        match change {
            Change::Written(path) => self.register(&path).await,
            Change::Gone(path) => self.forget(&path),
        }
    }

    /// Registers a file. What is wrong with it is shown, and what it defined before stays as it was.
    pub async fn register(&mut self, path: &Path) {
        // The worker is this process: what it lacks is missing indeed.
        let checks = Checks {
            catalog: self.catalog,
            unserved: Unserved::Warning,
            all_environments: false,
            check_variables: true,
        };
        let loaded = loading::check(&input::definition(path), &checks, self.session);
        loading::show(&loaded.problems, self.session);
        let place = path.display();
        let Some(definition) = loaded.definition else {
            if let Some(before) = self.registered.get(path) {
                let name = before.full_name();
                self.session.printer.note(&format!("{place}: {name} stays as it was registered before"));
            }
            return;
        };
        let name = definition.full_name();
        let is_same = |other: &Definition| other.full_name() == name;
        if let Some((other, _)) =
            self.registered.iter().find(|(other, known)| *other != path && is_same(known))
        {
            let other = other.display();
            self.session
                .printer
                .warn(&format!("{place}: left out, because {other} defines {name} already: raise `version`"));
            return;
        }
        match self.engine.register(definition.clone(), true).await {
            Ok(outcome) => {
                self.session.printer.note(&format!("{place}: {}", told(outcome, &name)));
                self.hint_at_commands(&definition);
                self.registered.insert(path.to_owned(), definition);
            }
            Err(error) => self.session.printer.error(&failure_of(&error.into()).body),
        }
    }

    /// Whoever begins does not know what makes the handler served that the warning speaks of.
    fn hint_at_commands(&self, definition: &Definition) {
        let is_refused = |step: &StepTemplate| {
            step.handler.as_str() == COMMAND && self.catalog.serves(&step.handler) != Some(true)
        };
        if definition.steps.iter().any(is_refused) {
            self.session.printer.note(
                "  help: `command` runs local programs: if you trust the definition, start with --allow-commands",
            );
        }
    }

    fn forget(&mut self, path: &Path) {
        let Some(definition) = self.registered.remove(path) else { return };
        let (place, name) = (path.display(), definition.full_name());
        self.session.printer.note(&format!(
            "{place}: is gone; {name} stays registered until `tasker definition retire {name}`"
        ));
    }
}

fn told(outcome: Registered, name: &str) -> String {
    match outcome {
        Registered::Created => format!("registered {name}"),
        Registered::Replaced => format!("replaced {name}; tasks that run keep the content they began with"),
        Registered::Unchanged => format!("{name} is unchanged"),
        Registered::ContentChanged => format!("{name} has other content, raise `version`"),
    }
}
