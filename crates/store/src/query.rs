//! The calls of a store by name, for whoever measures them.

macro_rules! queries {
    ($($call:ident = $name:literal),+ $(,)?) => {
        /// A call of a store that may take long: one for each such method of the port.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Query {
            $(
                #[doc = concat!("`", $name, "`.")]
                $call,
            )+
        }

        impl Query {
            /// All of them; each stands at the place that [`Query::index`] says.
            pub const ALL: &[Self] = &[$(Self::$call),+];

            /// The name of the method.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$call => $name,)+
                }
            }
        }
    };
}

queries! {
    Submit = "submit",
    Apply = "apply",
    Heartbeat = "heartbeat",
    WorkerStopped = "worker_stopped",
    Prune = "prune",
    Register = "register",
    Retire = "retire",
    DeleteNamespace = "delete_namespace",
    Namespaces = "namespaces",
    AnnotationTypes = "annotation_types",
    Definitions = "definitions",
    Resolve = "resolve",
    Plan = "plan",
    Task = "task",
    TaskState = "task_state",
    Steps = "steps",
    TaskViews = "task_views",
    Result = "result",
    Tasks = "tasks",
    Log = "log",
    LogEnd = "log_end",
    LogLag = "log_lag",
    NoteReader = "note_reader",
    ForgetReader = "forget_reader",
    Readers = "readers",
    Queue = "queue",
    Workers = "workers",
    Census = "census",
    HealthCounts = "health_counts",
    VitalSigns = "vital_signs",
    Analytics = "analytics",
    SlowestTasks = "slowest_tasks",
    SlowestSteps = "slowest_steps",
    CheckPart = "check_part",
    Repair = "repair",
    Schema = "schema",
    LinkObjects = "link_objects",
    Now = "now",
    Standing = "standing",
    Traffic = "traffic",
    Population = "population",
    StepTallies = "step_tallies",
    Failures = "failures",
    LongTasks = "long_tasks",
    LongSteps = "long_steps",
    AddKey = "add_key",
    Key = "key",
    Keys = "keys",
    ChangeKey = "change_key",
}

impl Query {
    /// Its place among all.
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_has_a_place_and_a_name_of_its_own() {
        let names: BTreeSet<_> = Query::ALL.iter().map(|query| query.as_str()).collect();
        assert_eq!(names.len(), Query::ALL.len());
        for (place, query) in Query::ALL.iter().enumerate() {
            assert_eq!(query.index(), place, "{query:?}");
        }
    }
}
