//! What counts how much in an analysis: the section `dependency_graph` of the settings (`spec/observability.md` 8.7).

/// Most that a whole number may be.
pub const MAX_WEIGHT: u32 = 1_000_000;

/// Most that a multiplier may be.
pub const MAX_MULTIPLIER: f64 = 1_000.0;

/// What counts how much. The fields are called like the settings.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct AnalysisWeights {
    /// What steps add to the score of a path and to the impact of a failure.
    pub impact_multipliers: ImpactMultipliers,
    /// What the state of a step makes of its impact.
    pub severity_multipliers: SeverityMultipliers,
    /// What its attempts add to it.
    pub penalty_constants: PenaltyConstants,
    /// From which score on it is how severe.
    pub severity_thresholds: SeverityThresholds,
    /// How long steps are taken to last.
    pub duration_estimates: DurationEstimates,
}

/// What steps add to the score of a path and to the impact of a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImpactMultipliers {
    /// For each step that waits for a failed one, directly or not.
    pub downstream_weight: u32,
    /// For each of those whose parents are not all done.
    pub blocked_weight: u32,
    /// For each step of a path.
    pub path_length_weight: u32,
    /// Taken off for each step of a path that is done.
    pub completed_penalty: u32,
    /// For each step of a path whose parents are not all done.
    pub blocked_penalty: u32,
    /// For each step of a path that is in error.
    pub error_penalty: u32,
    /// For each step of a path that is in error and was executed.
    pub retry_penalty: u32,
}

/// What the state of a step makes of its impact.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SeverityMultipliers {
    /// Factor of a step in error.
    pub error_state: f64,
    /// Added to that factor if no attempts are left.
    pub exhausted_retry_bonus: f64,
    /// Factor of a pending step whose parents are not all done.
    pub dependency_issue: f64,
}

/// What the attempts of a step add to its impact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PenaltyConstants {
    /// For each attempt.
    pub retry_instability: u32,
    /// If no further attempt is allowed.
    pub non_retryable: u32,
    /// If all attempts are used up.
    pub exhausted_retry: u32,
}

/// From which score on something is how severe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeverityThresholds {
    /// Critical from here on.
    pub critical: u32,
    /// High from here on.
    pub high: u32,
    /// Medium from here on; below it is low.
    pub medium: u32,
}

/// How long steps are taken to last, in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DurationEstimates {
    /// Each step.
    pub base_step_seconds: u32,
    /// More for each step in error.
    pub error_penalty_seconds: u32,
    /// More for each attempt.
    pub retry_penalty_seconds: u32,
}

/// A weight that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("dependency_graph.{setting} is {value}, but must be {rule}")]
pub struct InvalidWeight {
    /// The setting, without its section.
    pub setting: &'static str,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub rule: String,
}

impl AnalysisWeights {
    /// Checks what the types cannot say: multipliers are numbers from 0, and each threshold lies above the next one.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn validate(&self) -> Result<(), Vec<InvalidWeight>> {
        let SeverityMultipliers { error_state, exhausted_retry_bonus, dependency_issue } =
            self.severity_multipliers;
        let multipliers = [
            ("severity_multipliers.error_state", error_state),
            ("severity_multipliers.exhausted_retry_bonus", exhausted_retry_bonus),
            ("severity_multipliers.dependency_issue", dependency_issue),
        ];
        let broken = multipliers
            .into_iter()
            .filter(|(_, value)| !(0.0..=MAX_MULTIPLIER).contains(value))
            .map(|(setting, value)| InvalidWeight {
                setting,
                value: value.to_string(),
                rule: format!("a number from 0 to {MAX_MULTIPLIER}"),
            });
        let broken: Vec<_> = broken.chain(self.severity_thresholds.disorder()).collect();
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }
}

impl SeverityThresholds {
    fn disorder(&self) -> impl Iterator<Item = InvalidWeight> {
        let Self { critical, high, medium } = *self;
        let pairs = [
            ("severity_thresholds.critical", critical, "severity_thresholds.high", high),
            ("severity_thresholds.high", high, "severity_thresholds.medium", medium),
        ];
        let disorder = pairs.into_iter().filter(|(_, upper, _, lower)| upper <= lower).map(
            |(setting, upper, below, lower)| InvalidWeight {
                setting,
                value: upper.to_string(),
                rule: format!("more than {below}, which is {lower}"),
            },
        );
        let zero = (medium == 0).then(|| InvalidWeight {
            setting: "severity_thresholds.medium",
            value: medium.to_string(),
            rule: "more than 0".into(),
        });
        disorder.chain(zero)
    }
}

impl Default for ImpactMultipliers {
    fn default() -> Self {
        Self {
            downstream_weight: 5,
            blocked_weight: 15,
            path_length_weight: 10,
            completed_penalty: 15,
            blocked_penalty: 25,
            error_penalty: 30,
            retry_penalty: 10,
        }
    }
}

impl Default for SeverityMultipliers {
    fn default() -> Self {
        Self { error_state: 2.0, exhausted_retry_bonus: 0.5, dependency_issue: 1.2 }
    }
}

impl Default for PenaltyConstants {
    fn default() -> Self {
        Self { retry_instability: 3, non_retryable: 10, exhausted_retry: 20 }
    }
}

impl Default for SeverityThresholds {
    fn default() -> Self {
        Self { critical: 100, high: 50, medium: 20 }
    }
}

impl Default for DurationEstimates {
    fn default() -> Self {
        Self { base_step_seconds: 30, error_penalty_seconds: 60, retry_penalty_seconds: 30 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_named_at_once() {
        assert_eq!(AnalysisWeights::default().validate(), Ok(()));
        let broken = AnalysisWeights {
            severity_multipliers: SeverityMultipliers {
                error_state: -1.0,
                exhausted_retry_bonus: f64::NAN,
                dependency_issue: 1e9,
            },
            severity_thresholds: SeverityThresholds { critical: 50, high: 50, medium: 0 },
            ..AnalysisWeights::default()
        };
        let problems: Vec<String> = broken.validate().unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "dependency_graph.severity_multipliers.error_state is -1, but must be a number from 0 to 1000",
                "dependency_graph.severity_multipliers.exhausted_retry_bonus is NaN, but must be a number from 0 to 1000",
                "dependency_graph.severity_multipliers.dependency_issue is 1000000000, but must be a number from 0 to 1000",
                "dependency_graph.severity_thresholds.critical is 50, but must be more than \
                 severity_thresholds.high, which is 50",
                "dependency_graph.severity_thresholds.medium is 0, but must be more than 0",
            ]
        );
    }
}
