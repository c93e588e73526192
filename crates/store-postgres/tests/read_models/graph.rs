//! Levels of steps, and the view of each task's graph.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::graph::{Graph, shapes};
use tasker_core::plan::Plan;
use tasker_testkit::definitions::{plan, plan_of};
use tasker_testkit::random::{Rng, random_plan};

use crate::world::World;

/// One row of the view: name, parents, children, counts, root, leaf, depth.
fn relationships_of(plan: &Plan) -> Vec<String> {
    let graph: &Graph = &plan.graph;
    let names = |steps: &[tasker_core::ids::Ordinal]| {
        let mut sorted = steps.to_vec();
        sorted.sort_unstable();
        sorted.iter().map(|step| plan.name(*step).to_string()).collect::<Vec<_>>()
    };
    let depths = graph.depths();
    let row = |step| {
        let (parents, children) = (names(graph.parents(step)), names(graph.children(step)));
        let (n, m) = (parents.len(), children.len());
        format!(
            "{} {parents:?} {children:?} {n} {m} {} {} {}",
            plan.name(step),
            n == 0,
            m == 0,
            depths[step.index()]
        )
    };
    graph.steps().map(row).collect()
}

async fn graph_agrees(world: &mut World, plan: &Arc<Plan>) {
    let id = world.d.start(plan).await;
    let rows = world
        .rows(
            "SELECT step_name, ordinal, dependency_level FROM tasker.calculate_dependency_levels($1) WHERE task_id = $1",
            |q| q.bind(id.0),
        )
        .await;
    let levels = plan.graph.levels();
    let mut expected: Vec<(u32, u32, String)> =
        plan.graph.steps().map(|step| (levels[step.index()], step.0, plan.name(step).to_string())).collect();
    expected.sort();
    let found: Vec<(u32, u32, String)> = rows
        .iter()
        .map(|row| (row.get::<i32, _>(2) as u32, row.get::<i32, _>(1) as u32, row.get(0)))
        .collect();
    assert_eq!(found, expected);
    let rows = world
        .rows(
            "SELECT step_name, parent_step_names::text, child_step_names::text, parent_count, child_count, is_root_step, is_leaf_step,
                 min_depth_from_root
             FROM tasker.step_dag_relationships WHERE task_id = $1 ORDER BY ordinal",
            |q| q.bind(id.0),
        )
        .await;
    let list = |row: &PgRow, column: usize| -> Vec<String> {
        serde_json::from_str(row.get::<&str, _>(column)).unwrap()
    };
    let line = |row: &PgRow| {
        format!(
            "{} {:?} {:?} {} {} {} {} {}",
            row.get::<&str, _>(0),
            list(row, 1),
            list(row, 2),
            row.get::<i32, _>(3),
            row.get::<i32, _>(4),
            row.get::<bool, _>(5),
            row.get::<bool, _>(6),
            row.get::<i32, _>(7)
        )
    };
    assert_eq!(rows.iter().map(line).collect::<Vec<_>>(), relationships_of(plan));
}

#[tokio::test]
async fn dom_67_70_levels_and_relationships_agree_with_core() {
    let mut world = World::new().await;
    for (name, shape) in [
        ("linear", shapes::linear()),
        ("diamond", shapes::diamond()),
        ("parallel_merge", shapes::parallel_merge()),
        ("tree", shapes::tree()),
        ("mixed", shapes::mixed()),
        ("small", shapes::small()),
    ] {
        graph_agrees(&mut world, &plan_of(name, &shape)).await;
    }
    let mut rng = Rng::new(7);
    for n in 0..60 {
        let plan = random_plan(&mut rng, &format!("random_{n}"));
        graph_agrees(&mut world, &plan).await;
    }
}

/// A chain of diamonds: 2^n paths.
fn diamonds(n: usize) -> Arc<Plan> {
    let names: Vec<[String; 3]> =
        (0..n).map(|i| ["top", "left", "right"].map(|name| format!("{name}{i}"))).collect();
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for (i, [top, left, right]) in names.iter().enumerate() {
        let above =
            if i == 0 { Vec::new() } else { vec![names[i - 1][1].as_str(), names[i - 1][2].as_str()] };
        steps.push((top, above));
        steps.push((left, vec![top]));
        steps.push((right, vec![top]));
    }
    let steps: Vec<(&str, &[&str])> =
        steps.iter().map(|(name, parents)| (*name, parents.as_slice())).collect();
    plan("diamonds", &steps)
}

#[tokio::test]
async fn dom_68_levels_of_many_paths_are_computed_in_no_time() {
    let mut world = World::new().await;
    let plan = diamonds(25);
    graph_agrees(&mut world, &plan).await;
    let started = Instant::now();
    let rows = world
        .rows(
            "SELECT max(dependency_level) FROM tasker.task AS t, tasker.calculate_dependency_levels(t.id)",
            |q| q,
        )
        .await;
    assert_eq!(rows[0].get::<i32, _>(0), 49);
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
}
