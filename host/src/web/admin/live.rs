//! `GET /admin/events`: tells open pages that something happened, as server-sent events. A page then
//! loads its own address again, so what it shows always comes from one place.

use std::convert::Infallible;

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;

use super::visitor::Visitor;
use crate::web::LiveWeb;

/// Streams until the host stops or the session ends.
pub(super) async fn events(State(live): State<LiveWeb>, visitor: Visitor) -> Response {
    let (app, secret) = (visitor.app.clone(), visitor.secret.clone());
    // A page may be open all day; its place in the rate limits is for requests.
    drop(visitor);
    let mut news = app.news.follow();
    // What happened until now is on the page already, or is news a second later.
    news.mark_unchanged();
    let signals = app.signals.clone();
    let next = stream::unfold((news, live, secret), move |(mut news, live, secret)| {
        let signals = signals.clone();
        async move {
            tokio::select! {
                () = signals.stopped() => return None,
                changed = news.changed() => changed.ok()?,
            }
            let latest = *news.borrow_and_update();
            // With the configuration that serves now: the token may be gone from it.
            live.current().app.session_caller(&secret).await.ok().flatten()?;
            let event = Event::default().data(latest.to_string());
            Some((Ok::<_, Infallible>(event), (news, live, secret)))
        }
    });
    Sse::new(next).keep_alive(KeepAlive::default()).into_response()
}
