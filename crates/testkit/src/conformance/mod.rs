//! What every store must do, method by method: one suite, run on each of them.
//!
//! A case takes an empty store and panics if something is wrong. [`conformance_tests!`](crate::conformance_tests) makes
//! a test of each, at whose end the store is checked.
#![allow(missing_docs, reason = "the names of cases say what they are about")]

pub mod analytics;
pub mod claim;
pub mod definitions;
pub mod identity;
pub mod keys;
pub mod lists;
pub mod log;
pub mod objects;
pub mod operate;
pub mod pages;
pub mod prune;
pub mod readers;
pub mod scenarios_crash;
pub mod scenarios_create;
pub mod scenarios_operate;
pub mod scenarios_request;
pub mod scenarios_states;
pub mod settle;
pub mod submit;
pub mod survey;
pub mod workers;

/// Makes a test of each case. `$open` is the path of an `async fn() -> StoreUnderTest` that opens an empty store.
#[macro_export]
macro_rules! conformance_tests {
    ($open:path) => {
        $crate::conformance_tests! { $open;
            submit: [
                everything_of_a_request_is_stored,
                a_request_sent_again_is_the_same_task,
                one_batch_may_repeat_an_id,
                requests_that_stand_together_are_all_stored_or_none,
                what_was_decided_is_what_is_read,
                a_submit_may_claim_its_first_steps,
                a_task_may_have_to_wait_for_its_time,
                the_latest_version_is_confirmed,
                what_is_not_registered_is_refused,
                dom_32_a_bypassed_leaf_is_not_executed,
                a_bypassed_parent_holds_up_nobody,
                a_task_with_every_step_bypassed_is_complete_at_once,
                steps_that_run_one_at_a_time_start_with_the_first_that_may,
            ];
            identity: [
                dom_26_by_default_no_request_is_a_repeat,
                dom_27_a_repeat_within_the_minute_is_refused,
                dom_28_what_makes_a_request_another_one,
                dom_29_key_order_does_not_count_but_the_namespace_does,
                dom_30_of_ten_at_once_one_is_accepted,
                one_batch_may_repeat_a_request,
                dom_31_a_custom_identity_is_kept_as_it_is,
                an_identity_that_cannot_be_stored_is_refused_alone,
                the_id_is_looked_at_before_the_identity,
            ];
            claim: [
                a_claim_starts_an_execution,
                a_claim_brings_what_its_handler_needs,
                a_budget_bounds_what_is_claimed,
                a_class_of_priority_is_worth_a_minute,
                the_next_due_time_is_told,
                what_a_batch_frees_is_claimed_with_it,
                a_batch_claims_from_the_queue_only_if_told,
                continuation_comes_before_the_queue_if_told,
                a_named_step_can_be_claimed,
                a_claim_given_back_was_no_attempt,
                a_step_of_a_cancelled_task_is_given_back_to_nobody,
                dom_125_many_workers_on_one_task_execute_each_step_once,
                dom_45_126_of_two_workers_one_gets_the_step,
            ];
            settle: [
                success_releases_those_that_wait_for_nobody_else,
                a_result_is_stored_byte_for_byte,
                a_failed_step_is_tried_again_after_its_wait,
                a_wait_that_was_asked_for_is_kept,
                the_error_of_a_step_is_there_until_it_succeeds,
                a_permanent_failure_is_not_tried_again,
                a_step_that_is_not_retryable_runs_once,
                other_branches_run_on_after_a_failure,
                an_outcome_counts_once,
                the_first_lost_worker_costs_no_wait,
                an_interrupted_step_is_tried_again_at_once,
                one_batch_settles_many_tasks_item_by_item,
                dom_84_as_54_annotations_are_made_or_their_absence_is_noted,
                the_clock_may_go_back_but_a_task_does_not,
            ];
            operate: [
                who_did_what_and_why_is_logged,
                an_unknown_task_is_not_found,
                retrying_an_exhausted_step_needs_a_higher_limit,
                a_waiting_step_can_be_made_due_at_once,
                retrying_a_task_retries_what_can_be_retried,
                resolving_the_last_step_completes_the_task,
                resolving_a_pending_step_lets_its_dependents_run,
                a_cancelled_step_blocks_what_depends_on_it,
                the_queue_follows_the_retry_limit,
                what_cannot_be_edited,
                annotations_by_hand_are_kept_in_any_state,
                nothing_of_an_ended_task_can_be_reopened,
                a_reopened_task_runs_everything_that_may_run,
                steps_one_at_a_time_pass_their_turn,
            ];
            lists: [
                a_row_tells_what_people_want_to_know,
                pages_follow_one_another_newest_first,
                tasks_are_found_by_their_definition,
                tasks_are_found_by_their_state,
                tasks_are_found_by_tag_and_time,
                tasks_are_found_by_annotation,
                tasks_are_read_with_all_that_belongs_to_them,
                what_does_not_exist_is_absent,
                the_queue_is_counted_per_handler,
            ];
            pages: [
                every_filter_alone_and_with_every_other,
                every_order_upwards_and_downwards,
                filters_and_orders_go_together,
                a_list_is_told_once_while_tasks_come_and_change,
                a_page_may_go_on_after_a_place_without_a_task,
                a_span_holds_its_beginning_and_not_its_end,
            ];
            analytics: [
                dom_133_tasks_and_steps_are_counted_by_state,
                tasks_and_steps_are_counted_by_namespace,
                dom_134_without_tasks_all_counts_are_0_and_all_is_well,
                dom_135_a_step_whose_wait_is_over_is_not_in_backoff,
                a_step_that_failed_for_good_is_neither_retryable_nor_exhausted,
                vital_signs_tell_how_it_went_since_an_instant,
                dom_136_a_task_in_progress_is_neither_complete_nor_in_error,
                metrics_tell_of_what_was_created_and_completed_since,
                a_step_that_ends_in_a_cancelled_task_counts,
                dom_137_slowest_tasks_come_longest_first,
                resolved_and_failed_steps_make_a_task_slow_too,
                dom_138_waiting_for_parents_does_not_make_a_step_slow,
            ];
            survey: [
                of_nothing_everything_is_0,
                spans_of_complete_tasks_have_percentiles_and_buckets,
                traffic_counts_by_when_things_happened,
                a_step_that_ends_in_a_cancelled_task_was_executed_too,
                steps_are_tallied_by_their_names,
                every_failed_execution_counts_even_if_the_step_recovered,
                only_the_five_commonest_failures_are_told,
                long_tasks_that_ended_are_apart_from_those_under_way,
                a_long_step_tells_how_long_it_had_waited,
                a_scope_bounds_everything_that_is_counted,
            ];
            log: [
                the_log_is_read_page_by_page,
                new_entries_come_after_what_was_read,
                the_log_of_one_task_can_be_read,
                entries_about_steps_name_them,
                the_end_of_the_log_is_found_from_behind,
                what_a_batch_logs_is_told_with_its_answer,
            ];
            keys: [
                keys_are_kept_as_they_are,
                keys_end_once_and_never_later,
            ];
            readers: [
                a_reader_that_deletion_overtook_is_told,
                what_is_left_of_a_log_can_be_read_page_by_page,
                what_a_reader_has_not_read_is_kept,
                a_reader_that_is_not_heard_of_is_not_waited_for,
                readers_are_listed_and_forgotten,
            ];
            workers: [
                the_first_heartbeat_registers_a_worker,
                a_silent_worker_is_lost,
                only_who_may_judge_does,
                whoever_was_not_heard_for_a_lease_judges_nobody,
                a_claim_of_a_cancelled_task_that_nobody_heard_of_is_to_be_given_back,
                claims_of_lost_stopped_and_unknown_workers_are_orphans,
                a_worker_that_stopped_is_told_so,
                a_worker_learns_which_claims_it_lost,
                a_worker_learns_of_claims_it_never_heard_of,
            ];
            prune: [
                ended_tasks_go_with_their_log,
                tasks_are_deleted_in_batches,
                every_way_to_end_counts,
                a_pruned_request_may_be_made_again,
                workers_that_are_gone_are_forgotten_after_a_day,
            ];
            definitions: [
                dom_1_registering_creates_the_namespace,
                dom_2_9_only_registered_versions_are_found,
                dom_3_five_registrations_at_once_make_one_namespace,
                dom_4_namespaces_differ_in_case,
                dom_7_one_name_may_stand_in_two_namespaces,
                dom_8_as_32_each_task_runs_its_own_version,
                dom_10_as_33_without_version_the_latest_is_meant,
                dom_11_as_35_as_37_other_content_needs_permission,
                dom_13_a_namespace_in_use_stays,
                as_34_what_is_not_there_is_told_with_what_is,
                as_36_a_task_keeps_its_steps,
                as_39_a_retired_version_takes_no_new_tasks,
                definitions_are_listed,
                a_plan_comes_back_as_it_was_registered,
            ];
            objects: [
                dom_18_a_pair_is_found_in_either_order,
                dom_18_a_pair_linked_at_once_in_both_orders_is_one,
                an_object_has_an_id,
                a_store_knows_its_schema_and_its_time,
                a_healthy_store_has_no_findings,
            ];
            scenarios_create: [
                dom_19_a_new_task_has_its_steps_and_its_first_queue_rows,
                dom_20_a_refused_request_leaves_nothing_behind,
                dom_24_a_batch_is_decided_item_by_item,
                dom_25_a_stored_task_is_there_for_whoever_comes,
                dom_34_a_step_belongs_to_one_task,
                dom_35_the_log_begins_with_the_creation,
                dom_132_a_replaced_definition_leaves_running_tasks_alone,
                an_empty_context_is_a_context,
            ];
            scenarios_request: [
                dom_12_a_refused_definition_leaves_nothing_behind,
                dom_21_a_default_of_the_schema_is_stored,
                dom_20_23_a_request_is_checked_and_completed_first,
                dom_33_cycles_are_refused_and_second_paths_are_not,
                dom_94_whatever_a_step_has_seen_it_can_fail,
            ];
            scenarios_states: [
                dom_36_what_can_become_of_a_pending_task,
                dom_37_what_can_become_of_a_running_task,
                dom_38_what_can_become_of_a_failed_task,
                dom_39_a_task_completes_with_its_last_step,
                dom_40_a_running_task_is_not_started_again,
                dom_41_a_step_starts_when_all_its_parents_are_done,
                dom_42_a_pending_step_can_be_resolved_but_not_completed,
                dom_43_what_can_become_of_a_failed_step,
                dom_44_the_log_is_gapless_and_tells_where_from,
                dom_46_a_retry_is_logged_with_its_step,
                dom_47_what_is_refused_is_not_logged,
                dom_48_metadata_is_an_object_or_absent,
                dom_49_as_53_one_execution_is_logged_once,
            ];
            scenarios_operate: [
                dom_109_a_task_completes_once,
                dom_111_a_failed_step_is_due_when_its_wait_is_over,
                dom_115_a_step_that_nobody_serves_waits,
                dom_116_an_unknown_task_has_no_effect,
                dom_81_nothing_of_a_complete_task_can_be_claimed,
                dom_117_cancelling_a_pending_task_cancels_its_steps,
                dom_118_a_cancelled_task_keeps_what_was_under_way,
                a_step_that_fails_in_a_cancelled_task_is_not_tried_again,
                dom_119_which_ended_tasks_can_be_cancelled,
                dom_120_a_cancelled_step_ends_its_task_in_error,
                dom_121_a_resolved_step_reopens_its_task,
                dom_122_an_exhausted_step_needs_a_higher_limit,
                dom_123_inputs_and_limit_of_a_pending_step_can_be_edited,
                dom_124_reason_and_tags_of_a_task_can_be_edited,
            ];
            scenarios_crash: [
                dom_127_the_step_of_a_killed_worker_is_executed_again,
                dom_128_the_outcome_of_a_paused_worker_is_dropped,
                a_paused_worker_that_is_quicker_than_its_rescuer_wins,
                dom_130_what_one_worker_has_another_cannot_take,
                dom_131_many_tasks_with_failures_all_complete,
            ];
        }
    };
    ($open:path; $($area:ident: [$($case:ident),* $(,)?];)*) => {
        $(
            mod $area {
                $(
                    #[tokio::test]
                    async fn $case() {
                        $open().await.run($crate::conformance::$area::$case).await;
                    }
                )*
            }
        )*
    };
}
