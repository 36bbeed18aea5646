//! `/admin`: the review desk, pages for the publisher's reviewers and operators.
//!
//! Pages are rendered on the server from the templates in `templates/desk`, which are checked when
//! the host is compiled. Every decision is a plain form; [`assets`] add keys and local times.
//!
//! - [`visitor`]: who is signed in, and that a form comes from one of these pages.
//! - [`frame`]: what all pages have in common, and errors as pages.
//! - [`words`]: money, dates, targeting and changes as people write them.
//! - [`live`]: tells open pages that something happened.
//! - [`sign_in`], [`single_sign_on`], [`queue`], [`bulk`], [`task`], [`task_forms`], [`media_buys`],
//!   [`delivery`], [`operation`], [`activity`], [`platforms`], [`webhooks`], [`products`], [`buyers`],
//!   [`audit`], [`dry_run`], [`setup`]: the pages.

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware,
    response::{Redirect, Response},
    routing::{get, post},
};

use super::LiveWeb;

mod activity;
mod assets;
mod audit;
mod bulk;
mod buyers;
mod cards;
mod chart;
mod delivery;
mod dry_run;
mod frame;
mod live;
mod media_buys;
mod operation;
mod plan;
mod platforms;
mod products;
mod queue;
mod setup;
mod sign_in;
mod single_sign_on;
mod task;
mod task_forms;
mod visitor;
mod webhooks;
mod words;

/// The pages load nothing from elsewhere, run no inline script, send forms only here, and are shown
/// in no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Like [`POLICY`], for a page that can show the assets of creatives, which are on the buyers' servers.
const WITH_PREVIEWS: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' https:; \
                             media-src https:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                             frame-ancestors 'none'";

/// Builds the routes of the desk.
pub(super) fn routes(web: &LiveWeb) -> Router {
    Router::new()
        .route("/admin", get(|| async { Redirect::to("/admin/queue") }))
        .route("/admin/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/admin/oidc/start", get(single_sign_on::start))
        .route("/admin/oidc/callback", get(single_sign_on::callback))
        .route("/admin/sign-out", post(sign_in::leave))
        .route("/admin/sign-out-everywhere", post(sign_in::leave_everywhere))
        .route("/admin/events", get(live::events))
        .route("/admin/queue", get(queue::page))
        .route("/admin/queue/decide", post(bulk::decide))
        .route("/admin/tasks/{id}", get(task::page))
        .route("/admin/tasks/{id}/start", post(task_forms::start))
        .route("/admin/tasks/{id}/take-over", post(task_forms::take_over))
        .route("/admin/tasks/{id}/assign", post(task_forms::assign))
        .route("/admin/tasks/{id}/ask", post(task_forms::ask))
        .route("/admin/tasks/{id}/escalate", post(task_forms::escalate))
        .route("/admin/tasks/{id}/comment", post(task_forms::comment))
        .route("/admin/tasks/{id}/decide", post(task_forms::decide))
        .route("/admin/media-buys", get(media_buys::list))
        .route("/admin/media-buys/{id}", get(media_buys::page))
        .route("/admin/media-buys/{id}/delivery", get(delivery::page))
        .route("/admin/operations/{id}", get(operation::page))
        .route("/admin/adapters", get(platforms::page))
        .route("/admin/adapters/{platform}/activate", post(platforms::activate))
        .route("/admin/activity", get(activity::page))
        .route("/admin/webhooks", get(webhooks::list))
        .route("/admin/webhooks/{id}", get(webhooks::page))
        .route("/admin/webhooks/{id}/test", post(webhooks::test))
        .route("/admin/webhooks/{id}/replay", post(webhooks::replay))
        .route("/admin/products", get(products::page))
        .route("/admin/buyers", get(buyers::page))
        .route("/admin/tokens/{fingerprint}/revoke", post(buyers::revoke))
        .route("/admin/audit", get(audit::page))
        .route("/admin/audit/export", get(audit::export))
        .route("/admin/try", get(dry_run::page).post(dry_run::attempt))
        .route("/admin/setup", get(setup::page))
        .route("/admin/assets/{name}", get(assets::serve))
        .layer(middleware::map_response(guarded))
        .with_state(web.clone())
}

/// Adds the headers that every answer of the desk has.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
