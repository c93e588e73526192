//! The standard shapes and broken definitions, analysed.

use serde_json::json;

use super::*;
use crate::graph::shapes::{self, Shape};

fn analyse(shape: &Shape) -> Analysis {
    of_steps(&shape.steps().collect::<Vec<_>>())
}

fn of_steps(steps: &[(&str, Vec<&str>)]) -> Analysis {
    let outlines: Vec<_> = steps.iter().map(|(name, dependencies)| outline(name, dependencies)).collect();
    Analysis::of_outlines(&outlines)
}

fn outline<'a>(name: &'a str, dependencies: &[&'a str]) -> StepOutline<'a> {
    StepOutline {
        name,
        handler: "h",
        dependencies: dependencies.to_vec(),
        single: if dependencies.len() == 1 { Some(dependencies[0]) } else { None },
        description: None,
    }
}

/// What `spec/authoring.md` 5.1 says of a shape.
struct Known {
    n_levels: u32,
    width: usize,
    n_paths: u64,
    roots: &'static [&'static str],
    leaves: &'static [&'static str],
}

fn check(shape: &Shape, known: &Known) {
    let analysis = analyse(shape);
    let summary = &analysis.summary;
    assert_eq!((summary.critical_length, summary.max_depth), (known.n_levels, known.n_levels - 1));
    assert_eq!(summary.parallel_branches, known.width);
    assert_eq!(summary.width_by_level.iter().sum::<usize>(), shape.names.len());
    assert_eq!(analysis.paths.count, PathCount::Exactly(known.n_paths));
    assert_eq!(texts(&analysis.roots), known.roots);
    assert_eq!(texts(&analysis.leaves), known.leaves);
    assert_eq!(analysis.topology.len(), shape.names.len());
    assert!(analysis.cycles.is_empty() && analysis.missing.is_empty());
    assert!(summary.redundant_edges.is_empty());
}

fn texts(names: &[Arc<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

#[test]
fn as_55_the_five_shapes() {
    check(
        &shapes::linear_workflow(),
        &Known {
            n_levels: 6,
            width: 1,
            n_paths: 1,
            roots: &["initialize_data"],
            leaves: &["finalize_workflow"],
        },
    );
    check(
        &shapes::diamond_workflow(),
        &Known { n_levels: 5, width: 2, n_paths: 2, roots: &["start_workflow"], leaves: &["end_workflow"] },
    );
    check(
        &shapes::parallel_merge_workflow(),
        &Known {
            n_levels: 3,
            width: 4,
            n_paths: 4,
            roots: &["fetch_user_data", "fetch_order_data", "fetch_inventory_data", "fetch_pricing_data"],
            leaves: &["merge_all_data"],
        },
    );
    check(
        &shapes::tree_workflow(),
        &Known {
            n_levels: 4,
            width: 4,
            n_paths: 4,
            roots: &["root_initialization"],
            leaves: &["aggregate_results"],
        },
    );
    check(
        &shapes::mixed_workflow(),
        &Known {
            n_levels: 5,
            width: 2,
            n_paths: 5,
            roots: &["init_auth", "init_config"],
            leaves: &["process_optional_data", "finalize_and_report"],
        },
    );
}

#[test]
fn as_56_the_mixed_shape() {
    let analysis = analyse(&shapes::mixed_workflow());
    let level = |name: &str| analysis.levels.iter().find(|(n, _)| &**n == name).unwrap().1;
    assert_eq!((level("cleanup_temp_files"), level("finalize_and_report")), (2, 4));
    assert_eq!(texts(&analysis.leaves), ["process_optional_data", "finalize_and_report"]);
}

#[test]
fn as_57_an_unknown_parent_is_listed_and_ignored() {
    let analysis = of_steps(&[("a", vec!["ghost"]), ("b", vec!["a", "ghost"])]);
    let missing: Vec<_> = analysis.missing.iter().map(|m| (&*m.step, &*m.parent)).collect();
    assert_eq!(missing, [("a", "ghost"), ("b", "ghost")]);
    assert_eq!(texts(&analysis.topology), ["a", "b"]);
    assert_eq!(texts(&analysis.roots), ["a"]);
    assert_eq!(analysis.summary.total_dependencies, 1);
    assert_eq!(analysis.nodes[1].dependency_count, 2);
}

#[test]
fn dom_139_linear_diamond_and_a_cycle() {
    let linear = analyse(&shapes::linear());
    assert_eq!(texts(&linear.topology), ["L1", "L2", "L3", "L4", "L5", "L6"]);
    assert_eq!((linear.edges.len(), linear.summary.max_depth, linear.summary.parallel_branches), (5, 5, 1));
    assert_eq!((texts(&linear.roots), texts(&linear.leaves)), (vec!["L1"], vec!["L6"]));
    assert_eq!(analyse(&shapes::diamond()).summary.parallel_branches, 2);
    let cyclic = of_steps(&[("a", vec!["c"]), ("b", vec!["a"]), ("c", vec!["b"])]);
    assert_eq!(cyclic.cycles.iter().map(|c| texts(c)).collect::<Vec<_>>(), [["a", "c", "b", "a"]]);
    assert!(cyclic.topology.is_empty() && cyclic.levels.is_empty() && cyclic.summary.has_cycles);
    assert_eq!((cyclic.summary.parallel_branches, cyclic.summary.max_depth), (1, 0));
}

#[test]
fn as_12_beside_a_cycle_the_rest_is_still_analysed() {
    let analysis = of_steps(&[
        ("x", vec![]),
        ("a", vec!["c"]),
        ("b", vec!["a"]),
        ("c", vec!["b"]),
        ("d", vec!["a"]),
        ("y", vec!["x"]),
    ]);
    assert_eq!(analysis.cycles.len(), 1);
    assert_eq!(texts(&analysis.topology), ["x", "y"]);
    assert_eq!(analysis.levels, [("x".into(), 0), ("y".into(), 1)]);
}

#[test]
fn repeated_names_and_dependencies_do_no_harm() {
    let analysis = of_steps(&[("a", vec![]), ("a", vec![]), ("b", vec!["a", "a"])]);
    assert_eq!(analysis.nodes.len(), 3);
    assert_eq!(analysis.edges.len(), 1);
    assert_eq!(texts(&analysis.summary.isolated_steps), ["a"]);
}

#[test]
fn as_60_without_steps_there_is_nothing_to_say() {
    let analysis = of_steps(&[]);
    assert_eq!(analysis.paths, Paths { count: PathCount::Exactly(0), longest: Vec::new() });
    assert_eq!((analysis.summary.critical_length, analysis.summary.parallel_branches), (0, 1));
}

#[test]
fn the_json_has_the_documented_form() {
    let analysis = of_steps(&[("a", vec![]), ("b", vec!["a"]), ("c", vec!["a", "b"])]);
    assert_eq!(
        serde_json::to_value(analysis).unwrap(),
        json!({
            "nodes": [
                {"name": "a", "description": null, "handler_class": "h", "dependencies": [], "dependency_count": 0},
                {"name": "b", "description": null, "handler_class": "h", "dependencies": ["a"], "dependency_count": 1},
                {"name": "c", "description": null, "handler_class": "h", "dependencies": ["a", "b"], "dependency_count": 2},
            ],
            "edges": [
                {"from": "a", "to": "b", "type": "single"},
                {"from": "a", "to": "c", "type": "multiple"},
                {"from": "b", "to": "c", "type": "multiple"},
            ],
            "topology": ["a", "b", "c"],
            "cycles": [],
            "levels": {"a": 0, "b": 1, "c": 2},
            "roots": ["a"],
            "leaves": ["c"],
            "missing": [],
            "paths": {"count": 2, "longest": [["a", "b", "c"], ["a", "c"]]},
            "summary": {
                "total_steps": 3,
                "total_dependencies": 3,
                "has_cycles": false,
                "max_depth": 2,
                "parallel_branches": 1,
                "width_by_level": [1, 1, 1],
                "critical_length": 3,
                "redundant_edges": [{"from": "a", "to": "c"}],
                "isolated_steps": [],
            },
        })
    );
}

#[test]
fn as_59_dom_68_large_and_dense_graphs_are_analysed_at_once() {
    for shape in [shapes::dense(30, 4), shapes::diamonds(25), shapes::chain(20_000)] {
        let started = std::time::Instant::now();
        let analysis = analyse(&shape);
        assert_eq!(analysis.summary.total_steps, shape.names.len());
        assert!(started.elapsed().as_millis() < 1_000, "{:?}", started.elapsed());
    }
    assert_eq!(analyse(&shapes::dense(30, 4)).paths.longest.len(), 5);
    assert_eq!(analyse(&shapes::dense(30, 4)).paths.count, PathCount::Exactly(4_u64.pow(30)));
}
