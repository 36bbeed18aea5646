//! Products: what is for sale, where, and at which price.

use askama::Template;
use axum::{extract::Query, response::Response};
use serde::Deserialize;

use super::{
    frame::{Frame, Halt, rendered},
    visitor::Visitor,
    words,
};
use crate::app::lists::{ListProducts, ProductView};

#[derive(Template)]
#[template(path = "desk/products.html")]
struct ProductsPage {
    frame: Frame,
    heading: String,
    lines: Vec<Line>,
    after: Option<String>,
}

struct Line {
    id: String,
    name: String,
    description: String,
    platform: String,
    formats: String,
    price: String,
    floor: String,
    lead: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    after: Option<String>,
}

/// `GET /admin/products`.
pub(super) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Halt> {
    visitor.caller.reviewer()?;
    let filter = ListProducts { cursor: asked.after, ..ListProducts::default() };
    let list = visitor.app.list_products(&visitor.caller, filter).await?;
    let page = ProductsPage {
        frame: Frame::of(&visitor, "products").await?,
        heading: words::count(list.total as u64, "product for sale", "products for sale"),
        lines: list.page.items.iter().map(line).collect(),
        after: list.page.next_cursor.map(|after| {
            let after: String = url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
            format!("/admin/products?after={after}")
        }),
    };
    Ok(rendered(&page))
}

fn line(view: &ProductView) -> Line {
    let product = &view.product;
    let formats: Vec<&str> = product.formats.iter().map(|format| format.as_str()).collect();
    let sold = product.price.model.sold();
    let lead = u64::try_from(product.review_lead_ms).unwrap_or_default();
    Line {
        id: product.id.to_string(),
        name: words::visible(&product.name),
        description: product.description.as_deref().map(words::visible).unwrap_or_default(),
        platform: product.platform.to_string(),
        formats: formats.join(", "),
        price: format!("{} {}", words::price(product.price.rate, &product.currency), sold),
        floor: words::price(product.floor, &product.currency),
        lead: words::length(std::time::Duration::from_millis(lead)),
    }
}
