//! The table of tools. HTTP routes, MCP tools, `/openapi.json` and `/docs` are generated from it. A
//! new tool is a file in this folder and a line in the table. A tool's file holds its entry, its
//! request, its answer, and the call of `app` between them.

use crate::web::tool::Tool;

pub mod activate_release;
pub mod add_creative_assets;
pub mod answer_task;
pub mod ask_buyer;
pub mod assign_task;
pub mod check_media_buy_status;
pub mod comment_task;
pub mod complete_task;
pub mod complete_tasks;
pub mod create_media_buy;
pub mod create_webhook;
pub mod delete_webhook;
pub mod escalate_task;
pub mod get_configuration;
pub mod get_media_buy_delivery;
pub mod get_operation;
pub mod get_pending_tasks;
pub mod get_task;
pub mod get_webhook;
pub mod install_release;
pub mod list_activations;
pub mod list_audit;
pub mod list_media_buys;
pub mod list_products;
pub mod list_releases;
pub mod list_webhook_deliveries;
pub mod list_webhooks;
pub mod reload_configuration;
pub mod remove_release;
pub mod replay_webhook;
pub mod rollback_release;
pub mod rotate_webhook_secret;
pub mod start_task;
pub mod test_webhook;
pub mod update_media_buy;
pub mod update_media_buy_performance_index;
pub mod update_package;
pub mod update_webhook;

/// The tools offered to agents over MCP: buying, reading, tasks.
const FOR_AGENTS: [&Tool; 20] = [
    // Buying, changing and measuring, for buyers.
    &create_media_buy::TOOL,
    &add_creative_assets::TOOL,
    &check_media_buy_status::TOOL,
    &get_media_buy_delivery::TOOL,
    &update_media_buy_performance_index::TOOL,
    &update_media_buy::TOOL,
    &update_package::TOOL,
    // Products, buys, operations and the audit log.
    &list_products::TOOL,
    &list_media_buys::TOOL,
    &get_operation::TOOL,
    &list_audit::TOOL,
    // Reviewers' tools, and the list that pollers read.
    &get_pending_tasks::TOOL,
    &get_task::TOOL,
    &assign_task::TOOL,
    &start_task::TOOL,
    &escalate_task::TOOL,
    &comment_task::TOOL,
    &ask_buyer::TOOL,
    &answer_task::TOOL,
    &complete_task::TOOL,
];

/// Tools for webhook endpoints, over HTTP but not over MCP. Every tool that an agent knows costs it
/// attention, and endpoints are created once, by the people who run the orchestrator.
const OF_WEBHOOKS: [&Tool; 9] = [
    &create_webhook::TOOL,
    &list_webhooks::TOOL,
    &get_webhook::TOOL,
    &update_webhook::TOOL,
    &delete_webhook::TOOL,
    &rotate_webhook_secret::TOOL,
    &test_webhook::TOOL,
    &list_webhook_deliveries::TOOL,
    &replay_webhook::TOOL,
];

/// Tools for reviewers that a queue in a browser has, and an agent does without.
const OF_TASKS: [&Tool; 1] = [&complete_tasks::TOOL];

/// Tools for the releases of adapters, for operators.
const OF_ADAPTERS: [&Tool; 6] = [
    &list_releases::TOOL,
    &install_release::TOOL,
    &activate_release::TOOL,
    &rollback_release::TOOL,
    &remove_release::TOOL,
    &list_activations::TOOL,
];

/// Tools for the configuration, for operators.
const OF_CONFIGURATION: [&Tool; 2] = [&get_configuration::TOOL, &reload_configuration::TOOL];

/// Returns every tool, in the order in which they are shown.
pub fn all() -> impl Iterator<Item = &'static Tool> {
    for_agents().chain(OF_TASKS).chain(OF_WEBHOOKS).chain(OF_ADAPTERS).chain(OF_CONFIGURATION)
}

/// Returns the tools offered to agents.
pub fn for_agents() -> impl Iterator<Item = &'static Tool> {
    FOR_AGENTS.into_iter()
}

/// Returns the tool of that name, if it is offered to agents.
pub fn named(name: &str) -> Option<&'static Tool> {
    for_agents().find(|tool| tool.name == name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::app::callers::rate_limits::CallKind;

    #[test]
    fn what_only_pauses_or_resumes_counts_by_itself() {
        let lane = |name: &str, arguments: Value| named(name).unwrap().lane_of(&arguments);
        for arguments in [
            json!({ "media_buy_id": "b", "active": false }),
            json!({ "media_buy_id": "b", "active": true, "idempotency_key": "k", "dry_run": false }),
            json!({ "media_buy_id": "b", "packages": [{ "package_id": "p", "active": false }] }),
        ] {
            assert_eq!(lane("update_media_buy", arguments.clone()), CallKind::Switch, "{arguments}");
        }
        for arguments in [
            json!({ "media_buy_id": "b", "active": false, "total_budget": 5 }),
            json!({ "media_buy_id": "b", "packages": [{ "package_id": "p", "active": false, "budget": 5 }] }),
            json!({ "media_buy_id": "b", "packages": [{ "package_id": "p" }] }),
            json!({ "media_buy_id": "b" }),
            json!([]),
        ] {
            assert_eq!(lane("update_media_buy", arguments.clone()), CallKind::Write, "{arguments}");
        }
        assert_eq!(lane("create_media_buy", json!({ "packages": ["p"], "total_budget": 1 })), CallKind::Write);
        assert_eq!(lane("check_media_buy_status", json!({ "media_buy_id": "b" })), CallKind::Read);
        assert_eq!(lane("complete_task", json!({ "task_id": "t", "resolution": "approved" })), CallKind::Write);
    }
}
