//! The forms in which metrics are read: Prometheus' text 0.0.4, OpenMetrics 1.0, and JSON.

use prometheus::TextEncoder;
use prometheus::proto::{Metric, MetricFamily, MetricType};
use serde_json::{Value, json};
use tasker_http::MetricsForm;

/// Writes families, which are sorted by name.
pub(super) fn write(families: &[MetricFamily], form: MetricsForm) -> String {
    match form {
        MetricsForm::Text => text(families),
        MetricsForm::OpenMetrics => open_metrics(families),
        MetricsForm::Json => document(families).to_string(),
    }
}

fn text(families: &[MetricFamily]) -> String {
    let mut text = String::new();
    TextEncoder::new().encode_utf8(families, &mut text).expect("families have names and values");
    text
}

/// The older text says `counter` of the name of the sample; this one says it of the name without `_total`. All else is the
/// same for what we write.
fn open_metrics(families: &[MetricFamily]) -> String {
    let mut all = String::new();
    for family in families {
        let is_counter = family.get_field_type() == MetricType::COUNTER;
        for line in text(std::slice::from_ref(family)).lines() {
            match line.strip_prefix("# ").filter(|_| is_counter) {
                Some(told) => all.extend(["# ", &told.replacen("_total ", " ", 1)]),
                None => all.push_str(line),
            }
            all.push('\n');
        }
    }
    all.push_str("# EOF\n");
    all
}

fn document(families: &[MetricFamily]) -> Value {
    let families: Vec<Value> = families
        .iter()
        .map(|family| {
            let kind = family.get_field_type();
            let series: Vec<Value> = family.get_metric().iter().map(|metric| series(metric, kind)).collect();
            json!({"name": family.name(), "type": name_of(kind), "help": family.help(), "series": series})
        })
        .collect();
    json!({"version": env!("CARGO_PKG_VERSION"), "families": families})
}

fn series(metric: &Metric, kind: MetricType) -> Value {
    let labels = metric.get_label().iter().map(|pair| (pair.name().to_owned(), pair.value().into()));
    let labels: serde_json::Map<String, Value> = labels.collect();
    match kind {
        MetricType::HISTOGRAM => {
            let histogram = metric.get_histogram();
            let bucket = |bucket: &prometheus::proto::Bucket| json!({"le": bucket.upper_bound(), "count": bucket.cumulative_count()});
            let buckets: Vec<Value> = histogram.get_bucket().iter().map(bucket).collect();
            json!({
                "labels": labels,
                "count": histogram.get_sample_count(),
                "sum": histogram.get_sample_sum(),
                "buckets": buckets,
            })
        }
        MetricType::COUNTER => json!({"labels": labels, "value": metric.get_counter().get_value()}),
        _ => json!({"labels": labels, "value": metric.get_gauge().get_value()}),
    }
}

fn name_of(kind: MetricType) -> &'static str {
    match kind {
        MetricType::COUNTER => "counter",
        MetricType::HISTOGRAM => "histogram",
        _ => "gauge",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
    use tasker_core::state::TaskState;
    use tasker_engine::observe::Observer as _;
    use tasker_store::query::Query;

    use super::*;

    /// A value as bad as values can be.
    const WILD: &str = "a \"quoted\" \\ back\nand } , = more";

    type Sample = (String, Vec<(String, String)>, f64);

    /// Name, labels and value of each sample, read by the rules of the text format alone.
    fn samples(text: &str) -> Vec<Sample> {
        text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
    }

    fn sample(line: &str) -> Sample {
        let end = line.find(['{', ' ']).unwrap();
        let (name, mut rest) = line.split_at(end);
        let mut labels = Vec::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            while !rest.starts_with('}') {
                let (label, after) = rest.split_once("=\"").unwrap();
                let (value, after) = quoted(after);
                labels.push((label.to_owned(), value));
                rest = after.strip_prefix(',').unwrap_or(after);
            }
            rest = &rest[1..];
        }
        let value = rest.trim().parse().unwrap();
        (name.to_owned(), labels, value)
    }

    fn quoted(text: &str) -> (String, &str) {
        let mut value = String::new();
        let mut letters = text.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => return (value, &text[at + 1..]),
                '\\' => value.push(match letters.next().unwrap().1 {
                    'n' => '\n',
                    other => other,
                }),
                other => value.push(other),
            }
        }
        panic!("the value does not end: {text}");
    }

    fn families() -> Vec<MetricFamily> {
        let registry = Registry::new();
        let counter = IntCounterVec::new(Opts::new("jobs_total", "Jobs \\ done"), &["name"]).unwrap();
        let seconds = HistogramOpts::new("job_seconds", "Time").buckets(vec![0.5, 1.0]);
        let seconds = HistogramVec::new(seconds, &["name"]).unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        registry.register(Box::new(seconds.clone())).unwrap();
        counter.with_label_values(&[WILD]).inc_by(2);
        counter.with_label_values(&["tame"]).inc();
        seconds.with_label_values(&[WILD]).observe(0.7);
        registry.gather()
    }

    #[test]
    fn api_120_obs_39_wild_labels_come_back_as_they_were() {
        let text = write(&families(), MetricsForm::Text);
        let found = samples(&text);
        let label = |value: &str| vec![("name".to_owned(), value.to_owned())];
        assert!(found.contains(&("jobs_total".into(), label(WILD), 2.0)), "{text}");
        assert!(found.contains(&("jobs_total".into(), label("tame"), 1.0)), "{text}");
        let mut last = label(WILD);
        last.push(("le".into(), "+Inf".into()));
        assert!(found.contains(&("job_seconds_bucket".into(), last, 1.0)), "{text}");
        for told in ["# TYPE jobs_total counter", "# HELP jobs_total", "# TYPE job_seconds histogram"] {
            assert_eq!(text.matches(told).count(), 1, "{told}: {text}");
        }
    }

    #[test]
    fn obs_38_every_family_is_told_once_and_its_histograms_add_up() {
        let metrics = super::super::Metrics::new();
        let plan = tasker_testkit::definitions::plan("order", &[("a", &[])]);
        let step = tasker_core::ids::Ordinal(0);
        for millis in [1, 30, 700, 60_000] {
            metrics.attempt_ended(&plan, step, millis < 100, Duration::from_millis(millis));
            metrics.queried(Query::Apply, Duration::from_millis(millis));
            metrics.task_ended(&plan, TaskState::Complete, Duration::from_millis(millis));
        }
        let families = metrics.0.registry.gather();
        let text = write(&families, MetricsForm::Text);
        for family in &families {
            let name = family.name();
            for told in [format!("# HELP {name} "), format!("# TYPE {name} ")] {
                assert_eq!(text.lines().filter(|line| line.starts_with(&told)).count(), 1, "{told}");
            }
        }
        let samples = samples(&text);
        let counts: Vec<&Sample> =
            samples.iter().filter(|(name, ..)| name.ends_with("_seconds_count")).collect();
        assert!(counts.iter().any(|(_, _, count)| *count > 1.0), "{text}");
        for (name, labels, count) in counts {
            let bucket = name.replace("_count", "_bucket");
            let of_series =
                |(name, found, _): &&Sample| *name == bucket && found[..found.len() - 1] == labels[..];
            let buckets: Vec<&Sample> = samples.iter().filter(of_series).collect();
            assert!(buckets.is_sorted_by_key(|(_, _, n)| *n), "{name} {labels:?}");
            let (_, last, n) = buckets.last().unwrap();
            assert_eq!((last.last().unwrap(), n), (&("le".to_owned(), "+Inf".to_owned()), count), "{name}");
        }
    }

    #[test]
    fn obs_41_an_observation_raises_the_buckets_that_hold_it() {
        let registry = Registry::new();
        let seconds = super::super::histogram(&registry, "job_seconds", "Time", &[0.1, 0.5, 1.0]);
        seconds.observe(0.45);
        let text = write(&registry.gather(), MetricsForm::Text);
        let buckets: Vec<(String, f64)> = samples(&text)
            .into_iter()
            .filter(|(name, ..)| name == "job_seconds_bucket")
            .map(|(_, labels, n)| (labels[0].1.clone(), n))
            .collect();
        let expected = [("0.1", 0.0), ("0.5", 1.0), ("1", 1.0), ("+Inf", 1.0)];
        assert_eq!(buckets, expected.map(|(le, n)| (le.to_owned(), n)));
    }

    #[test]
    fn api_121_open_metrics_names_counters_without_total_and_has_an_end() {
        let text = write(&families(), MetricsForm::OpenMetrics);
        assert!(text.contains("# TYPE jobs counter\n"), "{text}");
        assert!(text.contains("# HELP jobs Jobs"), "{text}");
        assert!(text.contains("\njobs_total{name=\"tame\"} 1\n"), "{text}");
        assert!(text.ends_with("\n# EOF\n"), "{text}");
        let lines = text.strip_suffix("# EOF\n").unwrap();
        assert_eq!(samples(lines), samples(&write(&families(), MetricsForm::Text)));
    }

    #[test]
    fn api_121_json_holds_the_same() {
        let document: Value = serde_json::from_str(&write(&families(), MetricsForm::Json)).unwrap();
        let family = &document["families"][1];
        assert_eq!((&family["name"], &family["type"]), (&json!("jobs_total"), &json!("counter")));
        let seconds = &document["families"][0]["series"][0];
        assert_eq!(seconds["labels"]["name"], WILD);
        assert_eq!(seconds["buckets"][1], json!({"le": 1.0, "count": 1}));
    }
}
