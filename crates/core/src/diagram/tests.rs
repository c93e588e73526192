//! What diagrams show, and that no text gets out of its place in any of their forms.

mod grammar;

use insta::assert_snapshot;
use proptest::prelude::*;

use self::grammar::{Markup, MermaidText};
use super::*;
use crate::decide::Action;
use crate::driver::{Driver, define, hiccup, lend_artifact, plan};
use crate::outcome::{Failure, Outcome};

fn draw(driver: &Driver, options: &DiagramOptions) -> Diagram {
    task_diagram(&driver.plan, &driver.task, &driver.steps, options)
}

/// A step in every state.
fn every_state() -> Driver {
    let steps: [(&str, &[&str]); 7] = [
        ("done", &[]),
        ("by-hand", &[]),
        ("failed", &["done", "by-hand"]),
        ("running", &["done"]),
        ("called.off", &["done"]),
        ("waiting", &["failed"]),
        ("last", &["waiting", "done"]),
    ];
    let mut driver = Driver::new(define(&steps, |d| d, |step| step.skippable(true)));
    driver.complete(&["done"]).exhaust("by-hand");
    driver.operate(Action::ResolveStep { step: driver.at("by-hand"), results: None });
    driver.claim("running");
    driver.operate(Action::CancelStep(driver.at("called.off")));
    driver.fail("failed", Failure::permanent("Bad", "bad", "\"no\" <b>way</b>\nat all, never ever"));
    driver
}

#[test]
fn api_75_each_form_says_what_it_is() {
    let diagram = draw(&every_state(), &DiagramOptions::default());
    for (format, begin, media_type) in [
        (DiagramFormat::Text, "task 0000", "text/plain; charset=utf-8"),
        (DiagramFormat::Mermaid, "graph TD\n", "text/vnd.mermaid; charset=utf-8"),
        (DiagramFormat::Dot, "digraph \"Task 0000", "text/vnd.graphviz; charset=utf-8"),
        (DiagramFormat::Svg, "<svg xmlns=", "image/svg+xml"),
        (DiagramFormat::Html, "<!DOCTYPE html>", "text/html; charset=utf-8"),
        (DiagramFormat::Json, "{\n", "application/json; charset=utf-8"),
    ] {
        let text = diagram.render(format);
        assert!(text.starts_with(begin) && text.ends_with('\n'), "{format}: {text}");
        assert_eq!(format.media_type(), media_type);
        assert_eq!(format.as_str().parse(), Ok(format));
        assert_eq!(
            text,
            draw(&every_state(), &DiagramOptions::default()).render(format),
            "the same each time"
        );
    }
    assert_eq!("pdf".parse::<DiagramFormat>(), Err(UnknownDiagramFormat("pdf".into())));
    assert!(diagram.render(DiagramFormat::Html).contains(CONTENT_SECURITY_POLICY));
}

#[test]
fn a_task_as_json() {
    let driver = Driver::new(plan(&[("a", &[]), ("b", &["a"])]));
    let links = Some("https://tasker.example/api/".parse().unwrap());
    let options = DiagramOptions { direction: Direction::Right, links, ..DiagramOptions::default() };
    assert_snapshot!(draw(&driver, &options).render(DiagramFormat::Json));
}

#[test]
fn a_task_as_text() {
    let diagram = draw(&every_state(), &DiagramOptions::default());
    for format in [DiagramFormat::Text, DiagramFormat::Mermaid, DiagramFormat::Dot] {
        assert_snapshot!(format!("task_{format}"), diagram.render(format));
    }
}

#[test]
fn a_task_as_svg_and_page() {
    let options = DiagramOptions { theme: Theme::Dark, ..DiagramOptions::default() };
    let diagram = draw(&every_state(), &options);
    for format in [DiagramFormat::Svg, DiagramFormat::Html] {
        assert_snapshot!(format!("task_{format}"), diagram.render(format));
    }
}

#[test]
fn as_70_mermaid_shows_6_nodes_and_8_edges() {
    let diagram = definition_diagram(&lend_artifact(), &DiagramOptions::default());
    let text = diagram.render(DiagramFormat::Mermaid);
    let parsed = MermaidText::parse(&text);
    assert_eq!((parsed.nodes.len(), parsed.edges.len()), (6, 8));
    assert_snapshot!(text);
}

#[test]
fn a_definition_for_a_terminal() {
    let diagram = definition_diagram(&lend_artifact(), &DiagramOptions::default());
    assert_snapshot!(diagram.render(DiagramFormat::Text), @r"
    museum.lend_artifact@2.1.0: 6 steps, 8 dependencies, 4 levels

    level 0
      load_artifact

    level 1
      check_condition  <- load_artifact
      quote_insurance  <- load_artifact

    level 2
      book_courier     <- check_condition, quote_insurance
      sign_contract    <- quote_insurance, check_condition

    level 3
      notify_borrower  <- book_courier, sign_contract
    ");
}

#[test]
fn long_errors_are_cut() {
    for (message, line) in [
        ("x".repeat(30), format!("Error: {}", "x".repeat(30))),
        ("y".repeat(31), format!("Error: {}...", "y".repeat(28))),
        ("two\nlines".into(), "Error: two lines".into()),
    ] {
        let mut driver = Driver::new(plan(&[("a", &[])]));
        driver.claim("a");
        driver.settle("a", Outcome::Failure(Failure::retryable("E", "e", message)));
        let diagram = draw(&driver, &DiagramOptions::default());
        assert_eq!(diagram.chart.nodes[1].label.split('\n').nth(3), Some(line.as_str()));
    }
    let mut driver = Driver::new(plan(&[("a", &[])]));
    driver.fail("a", hiccup()).wait(5).claim("a");
    let again = draw(&driver, &DiagramOptions::default());
    assert_eq!(again.chart.nodes[1].label, "Step: a\nStatus: in_progress\nAttempts: 2");
}

#[test]
fn api_77_links_lead_to_the_steps() {
    let driver = every_state();
    let links = Some("/tasker".parse().unwrap());
    let diagram = draw(&driver, &DiagramOptions { links, ..DiagramOptions::default() });
    let urls: Vec<&str> = diagram.chart.nodes.iter().filter_map(|node| node.url.as_deref()).collect();
    assert_eq!(urls.len(), 7);
    assert_eq!(urls[0], format!("/tasker/tasks/{}/workflow_steps/done", driver.task.id));
    assert_eq!(MermaidText::parse(&diagram.render(DiagramFormat::Mermaid)).urls, urls);
    let page = Markup::parse(&diagram.render(DiagramFormat::Html));
    assert_eq!(page.values_of("href"), urls);
}

#[test]
fn links_that_would_do_something_are_not_made() {
    let mut diagram = draw(&Driver::new(plan(&[("a", &[])])), &DiagramOptions::default());
    diagram.chart.nodes[1].url = Some("javascript:alert(1)".into());
    assert!(!diagram.render(DiagramFormat::Html).contains("href"));
}

#[test]
fn every_shape_and_line_has_its_sign() {
    let shapes = [Shape::Box, Shape::Round, Shape::Circle, Shape::Diamond, Shape::Hexagon];
    let node = |(i, shape): (usize, &Shape)| Node {
        id: format!("n_{i}"),
        label: "x".into(),
        shape: *shape,
        ..Node::default()
    };
    let edge = |kind, direction| Edge {
        source_id: "n_0".into(),
        target_id: "n_1".into(),
        kind,
        direction,
        ..Edge::default()
    };
    let chart = Flowchart {
        nodes: shapes.iter().enumerate().map(node).collect(),
        edges: vec![
            edge(EdgeKind::Dashed, EdgeDirection::Forward),
            edge(EdgeKind::Dotted, EdgeDirection::None),
            edge(EdgeKind::Thick, EdgeDirection::Both),
            edge(EdgeKind::Solid, EdgeDirection::Back),
            edge(EdgeKind::Solid, EdgeDirection::Both),
            edge(EdgeKind::Solid, EdgeDirection::None),
        ],
        ..Flowchart::default()
    };
    assert_snapshot!(mermaid::write(&chart), @r#"
    graph TD
    n_0["x"]
    n_1("x")
    n_2(("x"))
    n_3{"x"}
    n_4{{"x"}}
    n_0 -.-> n_1
    n_0 -.- n_1
    n_0 <==> n_1
    n_1 --> n_0
    n_0 <--> n_1
    n_0 --- n_1
    "#);
    let drawing = Markup::parse(&svg::write(&chart, Theme::Light));
    let count = |name: &str| drawing.elements.iter().filter(|element| *element == name).count();
    assert_eq!((count("circle"), count("polygon"), count("rect")), (1, 2, 3));
    assert!(dot::write(&chart, Theme::Light).contains("\"n_1\" -> \"n_0\";\n"));
}

#[test]
fn charts_that_nobody_could_look_at_are_not_drawn() {
    let node = |i: usize| Node { id: format!("n_{i}"), ..Node::default() };
    let chart = Flowchart { nodes: (0..=MAX_DRAWN_NODES).map(node).collect(), ..Flowchart::default() };
    let drawing = svg::write(&chart, Theme::Light);
    assert!(drawing.len() < 2_000 && drawing.contains("2001 nodes and 0 edges are too many"), "{drawing}");
    Markup::parse(&drawing);
    let mut diagram = draw(&Driver::new(plan(&[("a", &[])])), &DiagramOptions::default());
    diagram.chart = chart;
    let page = diagram.render(DiagramFormat::Html);
    assert!(page.contains("<td>a</td>") && !page.contains("<details>"), "{page}");
}

#[test]
fn ids_that_mean_something_else_are_replaced() {
    let chart = |id: &str| Flowchart {
        nodes: vec![Node { id: id.into(), label: "x".into(), ..Node::default() }],
        ..Flowchart::default()
    };
    for id in ["step_a--b", "step_a-.b", "step_a-", "end", "a b", "a_b;"] {
        assert_eq!(mermaid::write(&chart(id)), "graph TD\nnode_0[\"x\"]\n", "{id}");
    }
    for id in ["step_a", "step_a-b", "step_a.b", "task_0190-ab"] {
        assert_eq!(mermaid::write(&chart(id)), format!("graph TD\n{id}[\"x\"]\n"));
    }
}

/// A diagram in which every text is hostile.
fn hostile(text: &str) -> Diagram {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &["a"])]));
    driver.claim("a");
    driver.settle("a", Outcome::Failure(Failure::permanent("E", "e", text)));
    let mut diagram = draw(&driver, &DiagramOptions::default());
    diagram.chart.title = Some(text.into());
    diagram.facts.push(("Hostile", text.into()));
    diagram.chart.edges[1].label = text.into();
    let node = &mut diagram.chart.nodes[2];
    node.label = format!("Step: {text}");
    node.url = Some(format!("/{text}"));
    node.style = Some(format!("fill:{text};color:{text}"));
    diagram
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "\"]\nclick step_a \"javascript:alert(1)\"\n%%{init: {}}%%",
    "#quot;#60;`code`|[x](y){z}",
    "</pre></title></style>]]><!-- &lt;",
    "\u{0}\u{1b}[2J\u{2028}\u{202e}\\\\\" ",
];

#[test]
fn api_76_no_text_becomes_markup() {
    HOSTILE.into_iter().for_each(check_hostile);
}

fn check_hostile(text: &str) {
    let diagram = hostile(text);
    let mermaid = MermaidText::parse(&mermaid::write(&Flowchart {
        nodes: without_styles(&diagram),
        ..diagram.chart.clone()
    }));
    assert_eq!((mermaid.nodes.len(), mermaid.edges.len()), (3, 2), "steps + 1 nodes: {text:?}");
    let plain = hostile("x");
    for format in [DiagramFormat::Svg, DiagramFormat::Html] {
        let (page, expected) = (Markup::parse(&diagram.render(format)), Markup::parse(&plain.render(format)));
        let known = |name: &String| expected.elements.contains(name);
        assert!(page.elements.iter().all(known), "{format}: {:?}", page.elements);
        let known = |(name, _): &(String, String)| expected.attributes.iter().any(|(other, _)| other == name);
        assert!(page.attributes.iter().all(known), "{format}: {:?}", page.attributes);
        assert!(page.values_of("href").iter().all(|url| url.starts_with('/')), "{format}");
    }
    let dot = diagram.render(DiagramFormat::Dot);
    assert_eq!(grammar::statements_of_dot(&dot), 4 + 3 + 2, "{dot}");
}

/// Styles are made here and nowhere else; Mermaid has no way to quote them.
fn without_styles(diagram: &Diagram) -> Vec<Node> {
    diagram.chart.nodes.iter().map(|node| Node { style: None, ..node.clone() }).collect()
}

proptest! {
    #[test]
    fn api_76_no_text_whatsoever_becomes_markup(text in "[ -~\n\t\u{0}-\u{1f}ä\u{2028}]{0,40}") {
        check_hostile(&text);
    }

    #[test]
    fn mermaid_shows_the_text_that_it_was_given(text in "[ -~ä\u{7}]{0,40}") {
        let chart = Flowchart {
            nodes: vec![Node { id: "step_a".into(), label: text.clone(), ..Node::default() }],
            ..Flowchart::default()
        };
        let parsed = MermaidText::parse(&mermaid::write(&chart));
        prop_assert_eq!(&parsed.nodes[0], &text);
    }
}
