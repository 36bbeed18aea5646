//! The store's conformance suite, run on every backend, and what is true of one backend only.
//!
//! - `store/fixtures.rs`: buys, operations and tasks to write.
//! - `store/recording.rs`, `auditing.rs`, `keys.rs`, `claims.rs`, `clock.rs`, `journal.rs`, `doubt.rs`, `lists.rs`, `concurrency.rs`,
//!   `webhooks.rs`, `deliveries.rs`, `replicas.rs`, `refusals.rs`, `retention.rs`, `leases.rs`,
//!   `model.rs`: the suite.
//!   Each case is a function over a fresh, empty store and knows nothing of what is behind it.
//! - `store/plans.rs`: after each case, the plan of every statement that it made.
//! - `store/sqlite.rs`: locks, restarts. `store/kills.rs`: the death of its process. `store/files.rs`: its files, and copies of them.
//! - `store/postgres.rs`: several hosts, the database's clock. `store/tables.rs`: tables that change. `store/cables.rs`: connections
//!   that are lost. `store/overtaken.rs`: what its locks are for.
//! - `store/forgery.rs`: an audit log that somebody changed. `store/replays.rs`: both, with a long past.
//! - `store/moving.rs`: from the one to the other.
//!
//! A new backend is a type with `fresh()` (`None` where it is not there), `store()` and `check_plans()`, and one more `on_backend!` at the end of
//! this file.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on should say where")]

mod store {
    pub(crate) mod auditing;
    pub(crate) mod cables;
    pub(crate) mod claims;
    pub(crate) mod clock;
    pub(crate) mod concurrency;
    pub(crate) mod deliveries;
    pub(crate) mod doubt;
    pub(crate) mod files;
    pub(crate) mod fixtures;
    pub(crate) mod forgery;
    pub(crate) mod journal;
    pub(crate) mod keys;
    pub(crate) mod kills;
    pub(crate) mod leases;
    pub(crate) mod lists;
    pub(crate) mod measure;
    pub(crate) mod model;
    pub(crate) mod moving;
    pub(crate) mod overtaken;
    pub(crate) mod pages;
    pub(crate) mod plans;
    pub(crate) mod postgres;
    pub(crate) mod recording;
    pub(crate) mod refusals;
    pub(crate) mod releases;
    pub(crate) mod replays;
    pub(crate) mod replicas;
    pub(crate) mod retention;
    pub(crate) mod sqlite;
    pub(crate) mod tables;
    pub(crate) mod webhooks;
}

/// Every case of the suite as a test on one backend.
macro_rules! on_backend {
    ($name:ident, $backend:ty) => {
        on_backend! { @cases $name, $backend,
            recording: [
                all_parts_of_a_recording_are_written_and_read_back,
                what_exists_already_is_not_written_again,
                a_stale_part_keeps_everything_else_from_being_written,
                a_version_rises_with_each_write_and_an_old_one_is_refused,
                several_operations_and_tasks_change_together,
                a_recording_under_a_lost_lease_is_refused,
                releasing_gives_the_lease_back,
                a_run_that_ends_takes_its_lease_along,
                remote_objects_are_not_taken_from_a_recording,
                odd_text_is_kept_as_it_is,
                an_empty_recording_is_fine,
            ]
            auditing: [
                lines_are_linked_in_the_order_in_which_they_were_written,
                a_refused_recording_leaves_no_line_and_no_gap,
                many_writers_at_once_make_one_chain,
                a_token_and_its_line_are_written_together,
                a_revocation_is_of_a_digest_and_is_taken_back_by_it,
            ]
            keys: [
                a_key_is_taken_once_and_its_entry_is_told,
                a_taken_key_keeps_everything_else_from_being_written,
                the_first_answer_stays,
                expired_keys_are_forgotten_oldest_first_and_no_more_than_asked,
                of_many_accepts_with_one_key_one_wins,
            ]
            claims: [
                nothing_is_claimed_where_nothing_is_due,
                the_oldest_due_operation_is_claimed_first,
                a_claim_counts_and_starts_and_is_exclusive,
                a_lease_that_ran_out_is_claimed_again_under_a_higher_number,
                a_lease_runs_out_whenever_the_operation_was_to_be_run,
                operations_of_one_buy_run_one_at_a_time_in_order,
                one_that_waits_for_approval_keeps_no_later_one_waiting,
                a_pause_overtakes_all_but_older_pauses,
                an_ad_server_that_has_its_workers_keeps_nobody_else_waiting,
                an_operation_waits_only_where_something_is_left_to_do,
                what_has_begun_keeps_later_ones_waiting_until_it_ends,
                an_expired_lease_and_an_older_queued_operation_do_not_block_each_other,
                a_lease_can_be_prolonged_until_somebody_else_claims,
                the_next_due_time_is_that_of_claimable_work,
            ]
            clock: [
                a_task_that_nobody_decides_fails_its_operation_and_its_buy,
                what_waited_in_a_copy_is_not_given_up_before_somebody_has_looked,
                a_task_that_was_decided_does_not_expire,
                a_decision_is_written_in_time_or_not_at_all,
                every_task_of_an_operation_closes_when_one_expires,
                what_may_have_been_made_is_cancelled_when_its_task_expires,
                parked_operations_are_kept_for_a_person_and_hold_up_no_other_task,
                a_buy_that_a_person_finishes_after_its_end_is_over,
                booked_buys_have_their_turn_one_after_the_other,
            ]
            journal: [
                a_step_goes_from_fresh_to_open_to_done,
                a_step_in_doubt_keeps_its_reference_and_its_doubt_begins_anew_with_each_run,
                a_step_settled_as_fresh_is_begun_anew_with_its_reference,
                finishing_one_step_and_beginning_the_next_is_one_write,
                what_is_not_open_cannot_be_finished_or_settled,
                a_refused_write_leaves_the_journal_as_it_was,
                steps_of_platforms_and_operations_are_apart,
                open_steps_are_reset_when_a_person_found_nothing,
                a_lost_request_is_counted_and_its_step_is_looked_for_again,
                a_step_whose_worker_died_or_was_cut_off_may_have_sent_something,
                a_look_is_its_takers_for_a_while_and_is_put_off_or_over,
                a_late_heartbeat_does_not_bring_the_next_look_forward,
                a_look_stays_its_takers_while_the_lease_is_prolonged,
                remote_objects_are_remembered_replaced_and_forgotten,
                a_worker_without_its_lease_writes_no_journal,
            ]
            doubt: [
                whoever_takes_over_waits_from_then_on,
                a_run_that_was_cut_off_leaves_a_doubt_that_begins_then,
                a_late_answer_says_nothing_of_another_step,
                what_a_restored_copy_does_not_know_is_looked_up,
                what_may_be_under_way_is_looked_for_and_never_sent_again,
                what_can_no_longer_be_under_way_is_made_again_if_it_is_absent,
                a_host_that_stops_sends_nothing_more_and_hears_what_was_sent,
            ]
            lists: [
                buys_are_listed_newest_first_and_page_by_page,
                buys_are_filtered_by_each_field,
                a_list_of_buys_has_their_remote_objects,
                operations_of_a_buy_are_found_by_what_they_are,
                tasks_are_listed_by_urgency_and_age_with_totals_over_all_pages,
                closed_tasks_are_listed_for_a_while,
                tasks_are_filtered_by_each_field,
                tasks_that_the_clock_must_see_to_are_found,
                history_and_events_are_kept_in_order,
                every_combination_of_filters_is_asked,
                what_was_closed_long_ago_is_taken_out_of_the_list,
                a_buy_that_is_over_is_left_out_when_its_turn_comes,
                tokens_are_found_by_digest_and_have_unique_names,
                nothing_is_found_in_an_empty_store,
            ]
            concurrency: [
                many_recordings_of_different_rows_are_all_written,
                of_many_writers_of_one_row_each_version_is_won_once,
                no_operation_is_claimed_twice,
                a_refused_recording_among_others_undoes_only_itself,
                readers_see_a_recording_whole_or_not_at_all,
                callers_that_go_away_hurt_nobody,
            ]
            webhooks: [
                an_endpoint_keeps_what_it_was_given,
                an_event_is_addressed_to_whoever_may_and_wants_to_hear,
                a_refused_recording_tells_nobody,
                what_is_sent_is_the_same_each_time,
                a_failure_is_tried_again_and_the_endpoint_fails_until_something_succeeds,
                events_of_one_buy_come_in_order_until_one_keeps_failing,
                an_endpoint_is_sent_so_many_at_a_time,
                what_waits_for_a_disabled_endpoint_is_given_up_and_can_be_replayed,
                an_endpoint_is_removed_with_what_was_sent_to_it,
                events_may_happen_while_an_endpoint_is_removed,
                a_replay_sends_nothing_of_somebody_else,
                a_test_goes_to_its_endpoint_alone,
                deliveries_are_listed_newest_first_and_forgotten_when_they_are_old,
                no_delivery_is_claimed_twice,
            ]
            deliveries: [
                a_replay_sends_events_of_a_buy_in_the_order_in_which_they_happened,
                a_replay_of_more_than_its_limit_says_where_to_go_on,
                a_test_is_replayed_to_the_endpoint_that_was_tested_and_to_no_other,
                an_endpoint_where_nothing_succeeds_is_sent_one_at_a_time,
                no_owner_takes_all_places,
                what_an_old_url_answers_counts_for_nothing_at_the_new_one,
                of_many_that_make_endpoints_at_once_no_owner_gets_too_many,
                what_was_given_up_is_counted_for_each_endpoint,
                however_much_waits_is_given_up_with_its_endpoint,
                one_look_at_the_clock_forgets_everything_that_is_old,
            ]
            releases: [
                components_are_kept_by_their_digest,
                a_platform_is_served_by_what_was_activated_last,
                of_two_who_decide_at_once_one_does,
                a_release_is_removed_when_nothing_needs_it,
            ]
            replicas: [
                requests_are_reserved_one_after_the_other,
                what_is_to_be_left_alone_is_told_to_everybody_until_it_is_over,
                what_has_not_ended_is_counted,
                a_buyer_has_booked_once_another_buy_of_theirs_was_carried_out,
                the_last_mark_of_a_name_stays,
            ]
            refusals: [
                an_operation_of_an_unknown_buy_is_refused_whole,
                nobody_holds_an_operation_that_there_is_not,
                a_try_is_recorded_once,
                what_there_is_not_is_not_changed_and_not_found,
                deliveries_that_wait_or_were_given_up_are_counted,
                a_buy_has_one_turn_however_many_look,
                a_key_is_forgotten_once_however_many_clean_up,
                a_name_of_a_token_is_taken_once_however_many_want_it,
                what_ended_is_not_claimed_whatever_its_lease,
            ]
            retention: [
                what_ended_is_kept_for_its_time_and_then_forgotten,
                what_has_not_ended_is_never_forgotten,
                events_are_forgotten_oldest_first_and_batch_by_batch,
                an_event_stays_as_long_as_its_deliveries,
            ]
            leases: [
                under_a_lease_that_ran_out_nothing_is_begun,
                under_a_lease_that_was_lost_nothing_more_is_sent,
                what_is_learned_too_late_is_kept_and_not_applied,
                what_was_recorded_is_no_late_result,
            ]
            model: [
                the_store_does_what_the_model_does,
            ]
        }
    };
    (@cases $name:ident, $backend:ty, $($module:ident: [$($case:ident,)+])+) => {
        mod $name {
            $(mod $module {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        flightdeck::store::statements::watch();
                        let Some(backend) = <$backend>::fresh().await else { return };
                        crate::store::$module::$case(backend.store()).await;
                        backend.check_plans().await;
                    }
                )+
            })+
        }
    };
}

on_backend!(on_sqlite, crate::store::sqlite::Backend);
on_backend!(on_postgres, crate::store::postgres::Backend);
