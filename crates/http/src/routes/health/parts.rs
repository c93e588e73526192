//! What is known of the system as a document.

use std::collections::BTreeMap;

use tasker_core::health::{Health, MINIMUM_SAMPLE, Share, health};
use tasker_core::survey::figures::seconds;
use tasker_engine::Integrity;
use tasker_engine::use_cases::{Counted, HealthReport};
use tasker_wire::{
    CacheInfo, DatabaseHealth, ErrorRate, ErrorRates, HealthMetrics, HealthReason, HealthStatus,
    HealthStatusDocument, IntegrityHealth, PoolHealth, QueueHealth, RetryCounts, StateCounts, WorkersHealth,
};

/// The document, as if it had taken no time.
pub(super) fn document(report: HealthReport, counted: &Counted) -> HealthStatusDocument {
    let status = match health(&report.reasons) {
        Health::Healthy => HealthStatus::Healthy,
        Health::Degraded => HealthStatus::Degraded,
        Health::Unhealthy => HealthStatus::Unhealthy,
    };
    let reason = |reason: &tasker_core::health::Reason| HealthReason {
        code: reason.code().into(),
        message: reason.to_string(),
    };
    let vitals = &report.vitals;
    HealthStatusDocument {
        status,
        healthy: status == HealthStatus::Healthy,
        reasons: report.reasons.iter().map(reason).collect(),
        metrics: metrics(counted),
        error_rates: ErrorRates {
            since: report.since.into(),
            minimum_sample: MINIMUM_SAMPLE,
            tasks: rate(vitals.tasks),
            steps: rate(vitals.steps),
        },
        database: database(&report),
        queue: QueueHealth {
            depth: report.queued,
            due: vitals.due_steps,
            running: report.running,
            oldest_age_seconds: seconds(report.oldest_due),
        },
        workers: WorkersHealth {
            alive: vitals.live_workers,
            last_heartbeat: report.last_heartbeat.map(Into::into),
        },
        stuck_tasks: vitals.stuck_tasks,
        integrity: integrity(&report.integrity),
        generated_at: report.now.into(),
        generation_duration: 0.0,
        cache_info: CacheInfo { cached: false, age_seconds: 0.0, ttl_seconds: 0.0 },
    }
}

/// The counts as they were at an instant.
fn metrics(counted: &Counted) -> HealthMetrics {
    let counts = counted.census.totals();
    HealthMetrics {
        tasks: StateCounts {
            total: counts.total_tasks,
            pending: counts.pending_tasks,
            in_progress: counts.in_progress_tasks,
            complete: counts.complete_tasks,
            error: counts.error_tasks,
            cancelled: counts.cancelled_tasks,
            resolved_manually: counts.resolved_manually_tasks,
        },
        steps: StateCounts {
            total: counts.total_steps,
            pending: counts.pending_steps,
            in_progress: counts.in_progress_steps,
            complete: counts.complete_steps,
            error: counts.error_steps,
            cancelled: counts.cancelled_steps,
            resolved_manually: counts.resolved_manually_steps,
        },
        retries: RetryCounts {
            retryable_errors: counts.retryable_error_steps,
            exhausted_retries: counts.exhausted_retry_steps,
            in_backoff: counts.in_backoff_steps,
        },
        counted_at: counted.at.into(),
    }
}

fn rate(errors: Share) -> ErrorRate {
    ErrorRate { sample: errors.whole, errors: errors.part, percent: errors.percent() }
}

fn database(report: &HealthReport) -> DatabaseHealth {
    let connections = report.vitals.connections;
    DatabaseHealth {
        active_connections: connections.map(|found| found.part),
        max_connections: connections.map(|found| found.whole),
        connection_utilization: connections.map_or(0.0, Share::percent),
        pool: report.pool.map(|pool| PoolHealth {
            size: pool.size,
            idle: pool.idle,
            in_use: pool.in_use,
            waiting: pool.waiting,
        }),
    }
}

/// What was found, without the tasks: this document may be for everybody.
fn integrity(found: &Integrity) -> IntegrityHealth {
    let mut findings = BTreeMap::new();
    for finding in &found.findings {
        *findings.entry(finding.code.to_string()).or_default() += 1;
    }
    IntegrityHealth {
        checked_tasks: found.checked_tasks,
        rounds: found.rounds,
        last_round_seconds_ago: found.last_round_seconds_ago,
        findings,
        more_findings: found.more_findings,
    }
}
