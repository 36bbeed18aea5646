//! Actions, batches and lists that the Google Ad Manager emulator refuses: what the state of an object forbids, and requests
//! that are not understood.

use reqwest::Method;
use serde_json::{Value, json};

use crate::gam_app::{GamApp, below, id, line_item, order};

const INVALID: &str = "400 INVALID_ARGUMENT";

#[tokio::test]
async fn what_is_archived_cannot_be_changed() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    app.act("orders:batchArchive", &order).await;
    let update = json!({ "requests": [{ "order": { "name": order, "notes": "n" }, "updateMask": "notes" }] });
    let (line, _) = app.refused(Method::POST, "/orders:batchUpdate", &update).await;
    assert_eq!(line, "400 FAILED_PRECONDITION UPDATE_ARCHIVED_ORDER_NOT_ALLOWED");
    let path = format!("{}?updateMask=notes", below(&item));
    let (line, _) = app.refused(Method::PATCH, &path, &json!({ "notes": "n" })).await;
    assert_eq!(line, "400 FAILED_PRECONDITION UPDATE_ARCHIVED_LINE_ITEM_NOT_ALLOWED");
    let (line, _) = app.refused(Method::POST, "/lineItems", &line_item(&order, json!({}))).await;
    assert_eq!(line, "400 FAILED_PRECONDITION UPDATE_ARCHIVED_ORDER_NOT_ALLOWED");
    for path in ["/orders:batchApprove", "/orders:batchPause"] {
        let (line, _) = app.refused(Method::POST, path, &json!({ "names": [order] })).await;
        assert_eq!(line, "400 FAILED_PRECONDITION IS_ARCHIVED", "{path}");
    }
    app.act("orders:batchUnarchive", &order).await;
    app.act("orders:batchApprove", &order).await;
}

#[tokio::test]
async fn actions_follow_the_state() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let item = app.line_item(&order, json!({})).await;
    let refused = async |action: &str, name: &str| {
        app.refused(Method::POST, &format!("/{action}"), &json!({ "names": [name] })).await.0
    };
    let inapplicable = "400 FAILED_PRECONDITION NOT_APPLICABLE";
    for action in ["orders:batchPause", "orders:batchResume", "orders:batchDisapprove", "orders:batchRetract"] {
        assert_eq!(refused(action, &order).await, inapplicable, "{action}");
    }
    for action in ["lineItems:batchPause", "lineItems:batchResume", "lineItems:batchActivate"] {
        assert_eq!(refused(action, &item).await, inapplicable, "{action}");
    }
    app.act("orders:batchApprove", &order).await;
    for action in ["orders:batchApprove", "orders:batchSubmitForApproval", "orders:batchDelete"] {
        assert_eq!(refused(action, &order).await, inapplicable, "{action}");
    }
    let lonely = "400 FAILED_PRECONDITION HAS_NO_ACTIVE_CREATIVES";
    assert_eq!(refused("lineItems:batchActivate", &item).await, lonely);
    app.creative(&item).await;
    app.clock("2030-01-02T00:00:00Z");
    assert_eq!(refused("orders:batchArchive", &order).await, inapplicable);
    assert_eq!(refused("lineItems:batchArchive", &item).await, inapplicable);
    let delivered = "400 FAILED_PRECONDITION CANNOT_DELETE_DELIVERED_LINE_ITEM";
    assert_eq!(refused("lineItems:batchDelete", &item).await, delivered);
    let delivered = "400 FAILED_PRECONDITION CANNOT_DELETE_ORDER_WITH_DELIVERED_LINEITEMS";
    assert_eq!(refused("orders:batchDelete", &order).await, delivered);
    app.clock("2030-02-01T00:00:00Z");
    assert_eq!(refused("lineItems:batchPause", &item).await, "400 FAILED_PRECONDITION HAS_COMPLETED");
}

#[tokio::test]
async fn a_batch_action_is_all_or_nothing() {
    let app = GamApp::in_2029().await;
    let good = app.order(json!({})).await;
    let names = json!({ "names": [good, "networks/21700001/orders/1"] });
    assert_eq!(app.refused(Method::POST, "/orders:batchApprove", &names).await.0, "404 NOT_FOUND NOT_FOUND");
    assert_eq!(app.status(&good).await, "DRAFT");
    app.act("orders:batchDelete", &good).await;
    assert_eq!(app.refused(Method::GET, below(&good), &Value::Null).await.0, "404 NOT_FOUND NOT_FOUND");
}

#[tokio::test]
async fn batches_have_a_size_and_a_form() {
    let app = GamApp::start().await;
    let many: Vec<Value> =
        (0..101).map(|n| json!({ "order": order(json!({ "displayName": format!("o{n}") })) })).collect();
    let (line, why) = app.refused(Method::POST, "/orders:batchCreate", &json!({ "requests": many })).await;
    assert_eq!(line, "400 INVALID_ARGUMENT BATCH_TOO_LARGE");
    assert!(why.contains("at most 100"), "{why}");
    for (body, said) in [
        (json!({}), "'requests' is required"),
        (json!({ "requests": [] }), "'requests' is required"),
        (json!({ "requests": 1 }), "a list is needed"),
        (json!({ "requests": [1] }), "an object is needed"),
        (json!({ "requests": [{}] }), "requests[0].order"),
        (json!({ "requests": [{ "order": {}, "colour": 1 }] }), "Unknown name \"colour\""),
        (json!({ "requests": [{ "order": {}, "parent": "networks/1" }] }), "parent: must be the parent"),
        (json!({ "requests": [{ "order": {}, "parent": null }] }), "'requests[0].parent' is required"),
        (json!({ "orders": [] }), "Unknown name \"orders\""),
    ] {
        let (line, why) = app.refused(Method::POST, "/orders:batchCreate", &body).await;
        assert!(line.starts_with(INVALID) && why.contains(said), "{body}: {line} {why}");
    }
    let (_, why) = app.refused(Method::POST, "/orders:batchPause", &json!({ "names": [1] })).await;
    assert!(why.contains("'names[0]' (TYPE_STRING)"), "{why}");
}

#[tokio::test]
async fn filters_orderings_and_parameters_that_are_not_understood_are_refused() {
    let app = GamApp::start().await;
    for filter in [
        "colour = \"red\"",
        "displayName",
        "displayName =",
        "displayName ~ \"x\"",
        "displayName = \"x",
        "= \"x\"",
        "displayName = 'x'",
        "poNumber IN (\"a\", \"b\")",
        "(displayName = \"x\"",
        "displayName = \"x\")",
        "a ! b",
        "displayName = \"x\" AND",
        "NOT",
    ] {
        let request = app.request(Method::GET, "/v1/networks/21700001/orders").query(&[("filter", filter)]);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400, "{filter}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["details"][0]["reason"], "INVALID_FILTER", "{filter}: {body}");
        assert_eq!(body["error"]["details"][0]["metadata"]["field"], "filter");
    }
    for (query, said) in [
        ("orderBy=colour", "order_by: colour is no field"),
        ("orderBy=displayName%20upwards", "order_by: use"),
        ("pageSize=-1", "page_size"),
        ("pageSize=many", "page_size"),
        ("pageToken=none", "page_token"),
        ("skip=x", "skip"),
        ("colour=red", "Unknown name \"colour\": Cannot bind query parameter"),
    ] {
        let (line, why) = app.refused(Method::GET, &format!("/orders?{query}"), &Value::Null).await;
        assert!(line.starts_with(INVALID) && why.contains(said), "{query}: {line} {why}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let app = GamApp::in_2029().await;
    let order = app.order(json!({})).await;
    let missing = "404 NOT_FOUND NOT_FOUND";
    for path in [
        "/orders/1",
        "/lineItems/1",
        "/creatives/1",
        "/lineItems/1/creatives",
        "/lineItems/1/creatives/2",
        "/reports/1",
        "/operations/reports/runs/1",
        "/reports/1/results/2:fetchRows",
        "/geoTargets/1",
        "/companies/x",
        "/customTargetingKeys/1/customTargetingValues",
        "/orders/01",
    ] {
        assert_eq!(app.refused(Method::GET, path, &Value::Null).await.0, missing, "{path}");
    }
    // An id of one type is none of another.
    assert_eq!(app.refused(Method::GET, &format!("/lineItems/{}", id(&order)), &Value::Null).await.0, missing);
    let unknown = "404 NOT_FOUND METHOD_NOT_FOUND";
    for (method, path) in [
        (Method::POST, "/orders"),
        (Method::POST, "/orders:batchDance"),
        (Method::POST, "/lineItems:batchDance"),
        (Method::DELETE, "/creatives/1"),
        (Method::GET, "/unicorns"),
        (Method::POST, "/creatives:batchDance"),
    ] {
        assert_eq!(app.refused(method, path, &json!({ "names": ["x"] })).await.0, unknown, "{path}");
    }
    for path in ["/v1/networks/1/orders", "/v2/networks", "/"] {
        assert_eq!(app.request(Method::GET, path).send().await.unwrap().status(), 404, "{path}");
    }
}
