//! Media buys: a list to search, and a page for each.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;

use super::{
    WITH_PREVIEWS,
    cards::{self, Card},
    frame::{Frame, Halt, rendered},
    queue::{Row, View},
    visitor::Visitor,
    words::{self, Tag},
};
use crate::{
    app::ListBuys,
    domain::{
        creative::{Creative, Format},
        id::MediaBuyId,
        media_buy::MediaBuy,
        status::BuyStatus,
    },
    operations::now,
};

#[derive(Template)]
#[template(path = "desk/media_buys.html")]
struct ListPage {
    frame: Frame,
    lead: &'static str,
    q: String,
    views: Vec<View>,
    rows: Vec<Row>,
    empty: String,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "desk/media_buy.html")]
struct BuyPage {
    frame: Frame,
    title: String,
    id: String,
    status: Tag,
    lead: String,
    buyer: String,
    cards: Vec<Card>,
    creatives: Vec<CreativeLine>,
    objects: Vec<ObjectLine>,
    tasks: Vec<TaskLine>,
}

struct CreativeLine {
    name: String,
    format: &'static str,
    size: String,
    status: String,
    preview: Option<Preview>,
}

/// The asset of a creative, which a browser loads from the buyer's server when somebody opens it.
struct Preview {
    kind: &'static str,
    url: String,
}

struct ObjectLine {
    platform: String,
    kind: &'static str,
    id: String,
}

struct TaskLine {
    id: String,
    title: String,
    tag: Tag,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    after: Option<String>,
}

/// `GET /admin/media-buys`.
pub(super) async fn list(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Halt> {
    let q = asked.q.trim().to_owned();
    if !q.is_empty() && visitor.app.buy_with_tasks(&visitor.caller, &MediaBuyId::from(&*q)).await.is_ok() {
        let path: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        return Ok(Redirect::to(&format!("/admin/media-buys/{path}")).into_response());
    }
    let status = BuyStatus::parse(&asked.status);
    let filter =
        ListBuys { status, po_number: (!q.is_empty()).then(|| q.clone()), cursor: asked.after, ..ListBuys::default() };
    let page = visitor.app.list_media_buys(&visitor.caller, filter).await?;
    let here = status.map_or("", BuyStatus::as_str);
    let encoded: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let views = [("", "All"), ("active", "Active"), ("pending_manual", "Waiting"), ("paused", "Paused")];
    let views = views.into_iter().chain([("completed", "Completed"), ("failed", "Failed")]);
    let page = ListPage {
        frame: Frame::of(&visitor, "buys").await?,
        lead: "The newest first. Search finds a media buy by its id, and all that have a PO number.",
        views: views.map(|(name, label)| View { name, label, here: name == here }).collect(),
        rows: page.items.iter().map(|buy| row(&visitor, buy)).collect(),
        empty: match q.is_empty() {
            true => "There is no such media buy.".to_owned(),
            false => "No media buy has this id or PO number.".to_owned(),
        },
        after: page.next_cursor.map(|after| format!("/admin/media-buys?status={here}&q={encoded}&after={after}")),
        q,
    };
    Ok(rendered(&page))
}

fn row(visitor: &Visitor, buy: &MediaBuy) -> Row {
    Row {
        id: buy.id.to_string(),
        title: title(buy),
        buyer: visitor.buyer(&buy.principal),
        places: format!("{}, {}", words::places(buy), words::flight(buy.start, buy.end)),
        tags: vec![words::status(buy.status)],
        money: words::money(buy.total_budget, &buy.currency),
        age: words::length(buy.created_at.until(now())),
        version: None,
    }
}

fn title(buy: &MediaBuy) -> String {
    buy.po_number.clone().unwrap_or_else(|| buy.id.to_string())
}

/// `GET /admin/media-buys/{id}`.
pub(super) async fn page(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Halt> {
    let (buy, tasks) = visitor.app.buy_with_tasks(&visitor.caller, &MediaBuyId::from(id)).await?;
    let frame = Frame::of(&visitor, "buys").await?;
    let creatives = buy.creatives.iter().map(|creative| {
        let said: Vec<String> = buy
            .assets
            .iter()
            .flat_map(|(platform, assets)| assets.iter().map(move |asset| (platform, asset)))
            .filter(|(_, asset)| asset.creative == creative.id)
            .map(|(platform, asset)| {
                let words = asset.feedback.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
                format!("{} on {platform}{words}", asset.state.as_str().replace('_', " "))
            })
            .collect();
        let parts = [
            creative.width.zip(creative.height).map(|(width, height)| format!("{width} × {height}")),
            creative.duration_ms.map(|time| format!("{} s", time.div_ceil(1_000))),
        ];
        CreativeLine {
            name: words::visible(&creative.name),
            format: creative.format.as_str(),
            size: parts.into_iter().flatten().collect::<Vec<_>>().join(", "),
            preview: preview(creative),
            status: words::visible(&said.join("; ")),
        }
    });
    let objects = buy.remote.iter().flat_map(|(platform, objects)| {
        objects.iter().map(move |object| ObjectLine {
            platform: platform.to_string(),
            kind: object.kind.as_str(),
            id: words::visible(&object.id),
        })
    });
    let line = |task: &crate::domain::task::Task| TaskLine {
        id: task.id.to_string(),
        title: words::title(task, None),
        tag: words::tags(task, now()).pop().unwrap_or(Tag::new("", "")),
    };
    let page = BuyPage {
        frame,
        title: title(&buy),
        id: buy.id.to_string(),
        status: words::status(buy.status),
        lead: format!(
            "{} for {}, {}. {}",
            words::money(buy.total_budget, &buy.currency),
            words::places(&buy),
            words::flight(buy.start, buy.end),
            words::sentence(&buy.detail)
        ),
        buyer: visitor.buyer(&buy.principal),
        cards: cards::whole(&buy),
        creatives: creatives.collect(),
        objects: objects.collect(),
        tasks: tasks.iter().map(line).collect(),
    };
    let mut response = rendered(&page);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(WITH_PREVIEWS));
    Ok(response)
}

/// Returns what a browser can show of a creative. Nothing is loaded before somebody opens it, so a
/// buyer does not learn who looks at the page.
fn preview(creative: &Creative) -> Option<Preview> {
    let url = creative.media_url.clone().filter(|url| url.starts_with("https://"))?;
    let kind = match creative.format {
        Format::Image => "image",
        Format::Video => "video",
        Format::Audio => "audio",
        Format::Custom => return None,
    };
    Some(Preview { kind, url })
}
