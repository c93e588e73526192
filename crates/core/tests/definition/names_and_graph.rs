//! Names of steps and events, and who depends on whom.

use tasker_core::definition::{LoadOptions, Severity, load};

use crate::{at, codes, depends_on, good, problems, with_steps, with_top};

#[test]
fn as_11_dom_14_an_unknown_dependency_names_step_and_parent() {
    let text = with_steps(&[
        "{name: reserve, handler: h}",
        "{name: charge, handler: h, depends_on_steps: [reserv]}",
    ]);
    let problem = &problems(&text)[0];
    assert_eq!(
        (problem.code, problem.pointer.as_str()),
        ("unknown_dependency", "/step_templates/1/depends_on_steps/0")
    );
    assert_eq!(
        problem.message,
        "step `charge` depends on `reserv`, but there is no such step; did you mean `reserve`?"
    );
}

#[test]
fn as_12_dom_14_a_circle_is_named_once_and_accuses_nobody_else() {
    let text = with_steps(&[
        "{name: a, handler: h, depends_on_step: b}",
        "{name: b, handler: h, depends_on_step: c}",
        "{name: c, handler: h, depends_on_step: a}",
        "{name: d, handler: h, depends_on_step: a}",
        "{name: x, handler: h, depends_on_step: y}",
        "{name: y, handler: h, depends_on_step: x}",
    ]);
    let found = problems(&text);
    let messages: Vec<_> = found.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "these steps depend on each other in a circle: `a` -> `b` -> `c` -> `a` (-> means \"depends on\")",
            "these steps depend on each other in a circle: `x` -> `y` -> `x` (-> means \"depends on\")",
        ]
    );
    assert!(found.iter().all(|p| p.code == "dependency_cycle"));
    assert_eq!(found[0].pointer, "/step_templates/0/depends_on_step");
}

#[test]
fn as_13_dom_14_a_step_that_depends_on_itself() {
    assert_eq!(codes(&with_steps(&["{name: a, handler: h, depends_on_step: a}"])), ["self_dependency"]);
}

#[test]
fn as_14_dom_14_a_name_that_stands_twice() {
    let problem = &problems(&with_steps(&["{name: a, handler: h}", "{name: a, handler: i}"]))[0];
    assert_eq!((problem.code, problem.line), ("duplicate_step", Some(4)));
    assert_eq!(problem.message, "the step `a` stands twice: in line 3 and in line 4");
}

#[test]
fn as_15_dom_17_both_dependency_keys_are_joined() {
    let definition = good(&with_steps(&[
        "{name: a, handler: h}",
        "{name: b, handler: h}",
        "{name: c, handler: h, depends_on_step: a, depends_on_steps: [a, b]}",
    ]));
    assert_eq!(depends_on(&definition, "c"), ["a", "b"]);
}

#[test]
fn as_17_dom_16_named_steps_and_templates_must_agree() {
    let steps = "step_templates:\n  - {name: a, handler: h}\n  - {name: b, handler: h, depends_on_step: z}\n";
    let found = at(&format!("name: n\nnamed_steps: [a, q]\n{steps}"));
    assert_eq!(
        found,
        [
            ("named_step_without_template", "/named_steps/1".to_owned()),
            ("step_not_in_named_steps", "/step_templates/1/name".to_owned()),
            ("step_not_in_named_steps", "/step_templates/1/depends_on_step".to_owned()),
            ("unknown_dependency", "/step_templates/1/depends_on_step".to_owned()),
        ]
    );
    let loaded = load(&with_top("named_steps: [a, b]"), &LoadOptions::default());
    assert!(loaded.definition.is_some());
    assert_eq!(loaded.problems[0].severity, Severity::Warning);
}

#[test]
fn as_23_names_of_custom_events_keep_rules() {
    let events = "[{name: done}, {name: step.done}, {name: Task.x}, {name: task.completed}, {name: order.done}, {name: 1}, {}]";
    let found = codes(&with_steps(&[&format!("{{name: a, handler: h, custom_events: {events}}}")]));
    assert_eq!(
        found,
        [
            "invalid_custom_event",
            "reserved_event_namespace",
            "reserved_event_namespace",
            "event_conflict",
            "invalid_custom_event",
            "invalid_custom_event",
        ]
    );
    let definition = good(&with_steps(&["{name: a, handler: h, custom_events: [{name: order.done}]}"]));
    let event = &definition.custom_events[0];
    assert_eq!((event.name.as_str(), event.description.as_str()), ("order.done", "Custom event from h"));
    assert_eq!(event.fired_by, ["h"]);
}

#[test]
fn as_24_an_event_of_two_handlers_is_fired_by_both() {
    let text = with_steps(&[
        "{name: a, handler: h, custom_events: [{name: order.done, description: first}]}",
        "{name: b, handler: i, custom_events: [{name: order.done, description: second}]}",
        "{name: c, handler: h, custom_events: [{name: order.done}]}",
    ]);
    assert_eq!(codes(&text), ["event_description_differs"]);
    let event = &good(&text).custom_events[0];
    assert_eq!((event.description.as_str(), event.fired_by.join(",")), ("first", "h,i".to_owned()));
}
