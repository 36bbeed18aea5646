//! `list_products`, `list_media_buys`, `get_operation`, and whether the host is ready.

use std::sync::Arc;

use crate::{
    app::{App, caller::Caller, error::AppError},
    config::Product,
    domain::{
        audit::AuditLine,
        capability::Capabilities,
        creative::Format,
        field::Field,
        id::{MediaBuyId, OperationId, PlatformName},
        media_buy::MediaBuy,
        operation::Operation,
        status::BuyStatus,
        step::Step,
    },
    operations::now,
    store::{BuyFilter, census::Census},
};

/// How many items a page has when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 50;

/// How many items a page has at most.
pub const MAX_LIMIT: u32 = 200;

/// The size of a page.
///
/// # Errors
/// A size that can't be.
pub(super) fn page_size(limit: Option<u32>) -> Result<u32, AppError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(AppError::invalid(Field::Limit, format!("limit must be 1 to {MAX_LIMIT}")))
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins, if there is more.
    pub next_cursor: Option<String>,
}

/// Which products to list.
#[derive(Debug, Clone, Default)]
pub struct ListProducts {
    /// Only on this platform.
    pub platform: Option<String>,
    /// Only those that take this format.
    pub format: Option<Format>,
    /// At most so many; default 50, at most 200.
    pub limit: Option<u32>,
    /// From where the page before ended.
    pub cursor: Option<String>,
}

/// Sellable packages.
#[derive(Debug, Clone)]
pub struct ProductList {
    /// The page.
    pub page: Page<ProductView>,
    /// How many there are on all pages.
    pub total: usize,
}

/// A sellable package.
#[derive(Debug, Clone)]
pub struct ProductView {
    /// As the operator configured it.
    pub product: Product,
    /// What its platform can do.
    pub capabilities: Arc<Capabilities>,
}

/// Which buys to list.
#[derive(Debug, Clone, Default)]
pub struct ListBuys {
    /// Only in this status.
    pub status: Option<BuyStatus>,
    /// Only on this platform.
    pub platform: Option<String>,
    /// Only with this purchase order number.
    pub po_number: Option<String>,
    /// At most so many; default 50, at most 200.
    pub limit: Option<u32>,
    /// From where the page before ended.
    pub cursor: Option<String>,
}

/// An operation with its journal.
#[derive(Debug, Clone)]
pub struct OperationView {
    /// The operation.
    pub operation: Operation,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Whether who asked belongs to the publisher.
    pub staff: bool,
}

impl App {
    /// A page of the packages that the caller can buy, in the order of the configuration; for the publisher's people, of all.
    ///
    /// # Errors
    /// An unknown platform, an impossible page.
    pub async fn list_products(&self, caller: &Caller, asked: ListProducts) -> Result<ProductList, AppError> {
        let limit = page_size(asked.limit)? as usize;
        let ListProducts { platform, format, cursor, .. } = asked;
        if let Some(platform) = &platform {
            self.known_platform(platform)?;
        }
        let mut views = Vec::new();
        for product in &self.config.products {
            let sold_to = caller.scope().is_none_or(|id| self.config.advertiser(id, &product.platform).is_some());
            let wanted = platform.as_deref().is_none_or(|wanted| product.platform.as_str() == wanted)
                && format.is_none_or(|wanted| product.formats.contains(&wanted));
            if !sold_to || !wanted {
                continue;
            }
            if let Some(capabilities) = self.adapters.capabilities(&product.platform) {
                views.push(ProductView { product: product.clone(), capabilities });
            }
        }
        let total = views.len();
        if let Some(after) = cursor {
            let last = views.iter().position(|view| view.product.id.as_str() == after);
            let last = last
                .ok_or_else(|| AppError::invalid(Field::Cursor, "cursor must be the next_cursor of the page before"))?;
            views.drain(..=last);
        }
        let more = views.len() > limit;
        views.truncate(limit);
        let next_cursor = if more { views.last().map(|last| last.product.id.to_string()) } else { None };
        Ok(ProductList { page: Page { items: views, next_cursor }, total })
    }

    fn known_platform(&self, platform: &str) -> Result<PlatformName, AppError> {
        let known = self.adapters.platforms();
        let names: Vec<&str> = known.iter().map(PlatformName::as_str).collect();
        if names.contains(&platform) {
            return Ok(PlatformName::from(platform));
        }
        Err(AppError::invalid(Field::Platform, format!("there is no platform {platform:?}"))
            .suggest(format!("platforms: {}", names.join(", "))))
    }

    /// A page of the buys that the caller may see, newest first.
    ///
    /// # Errors
    /// An impossible filter.
    pub async fn list_media_buys(&self, caller: &Caller, asked: ListBuys) -> Result<Page<MediaBuy>, AppError> {
        let limit = page_size(asked.limit)?;
        let platform = asked.platform.as_deref().map(|name| self.known_platform(name)).transpose()?;
        let after = match asked.cursor.map(MediaBuyId::from) {
            // One that nobody gave would answer with an end that is none.
            Some(after) if self.visible_buy(caller, &after).await.is_err() => {
                return Err(AppError::invalid(Field::Cursor, "cursor must be the next_cursor of the page before"));
            }
            after => after,
        };
        let filter = BuyFilter {
            principal: caller.scope().cloned(),
            status: asked.status,
            platform,
            po_number: asked.po_number,
            after,
            limit: limit + 1,
        };
        let mut items = self.store.buys(&filter).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = if more { items.last().map(|last| last.id.to_string()) } else { None };
        Ok(Page { items, next_cursor })
    }

    /// A page of the audit log, oldest first. The cursor is the number of the last line of the page before.
    ///
    /// # Errors
    /// An impossible page.
    pub async fn list_audit(&self, after: Option<&str>, limit: Option<u32>) -> Result<Page<AuditLine>, AppError> {
        let limit = page_size(limit)?;
        let after = after.map_or(Ok(0), str::parse::<i64>).ok().filter(|after| *after >= 0);
        let after = after
            .ok_or_else(|| AppError::invalid(Field::Cursor, "cursor must be the next_cursor of the page before"))?;
        let mut items = self.store.audit(after, limit + 1).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = if more { items.last().map(|last| last.number.to_string()) } else { None };
        Ok(Page { items, next_cursor })
    }

    /// An operation with its journal.
    ///
    /// # Errors
    /// `NOT_FOUND`, for what is not there and for what is somebody else's.
    pub async fn get_operation(&self, caller: &Caller, id: &OperationId) -> Result<OperationView, AppError> {
        let found = self.store.operation(id).await?.filter(|operation| caller.sees(&operation.value.principal));
        let operation = found.ok_or_else(|| AppError::not_found("operation"))?.value;
        let steps = self.store.steps(id).await?;
        Ok(OperationView { operation, steps, staff: caller.is_staff() })
    }

    /// How much there is of what has not ended, in the whole database.
    ///
    /// # Errors
    /// The store's.
    pub async fn census(&self) -> Result<Census, AppError> {
        Ok(self.store.census(now()).await?)
    }

    /// Whether the host can serve: its database answers, and every platform has an adapter that works.
    ///
    /// # Errors
    /// Everything that is amiss.
    pub async fn ready(&self) -> Result<(), Vec<String>> {
        let mut amiss = Vec::new();
        if let Err(error) = self.store.ping().await {
            tracing::error!(%error, "the store does not answer");
            amiss.push("the database does not answer".to_owned());
        }
        for platform in self.adapters.platforms() {
            if self.adapters.active_release(&platform).is_none() {
                amiss.push(format!("platform {platform} has no adapter"));
            }
        }
        if amiss.is_empty() { Ok(()) } else { Err(amiss) }
    }
}
