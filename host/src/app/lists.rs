//! `list_products`, `list_media_buys`, `get_operation`, the audit log, the census, and readiness.

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

/// The page size if the caller does not give one.
pub const DEFAULT_LIMIT: u32 = 50;

/// The maximum page size.
pub const MAX_LIMIT: u32 = 200;

/// Returns the page size to use.
///
/// # Errors
/// When the requested size is not allowed.
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
    /// The items of the page.
    pub items: Vec<T>,
    /// The cursor of the next page, if there is more.
    pub next_cursor: Option<String>,
}

/// A filter for listing products.
#[derive(Debug, Clone, Default)]
pub struct ListProducts {
    /// Only products on this platform.
    pub platform: Option<String>,
    /// Only products that accept this format.
    pub format: Option<Format>,
    /// The page size: 50 by default, at most 200.
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// A page of sellable packages.
#[derive(Debug, Clone)]
pub struct ProductList {
    /// The page.
    pub page: Page<ProductView>,
    /// The number of packages on all pages.
    pub total: usize,
}

/// A sellable package.
#[derive(Debug, Clone)]
pub struct ProductView {
    /// The product as the operator configured it.
    pub product: Product,
    /// The capabilities of its platform.
    pub capabilities: Arc<Capabilities>,
}

/// A filter for listing buys.
#[derive(Debug, Clone, Default)]
pub struct ListBuys {
    /// Only buys in this status.
    pub status: Option<BuyStatus>,
    /// Only buys on this platform.
    pub platform: Option<String>,
    /// Only buys with this purchase order number.
    pub po_number: Option<String>,
    /// The page size: 50 by default, at most 200.
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// An operation with its journal.
#[derive(Debug, Clone)]
pub struct OperationView {
    /// The operation.
    pub operation: Operation,
    /// The operation's steps.
    pub steps: Vec<Step>,
    /// Whether the caller belongs to the publisher.
    pub staff: bool,
}

impl App {
    /// Returns a page of the packages that the caller can buy, in the order of the configuration.
    /// The publisher's people see all of them.
    ///
    /// # Errors
    /// An unknown platform or an invalid page.
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

    /// Returns a page of the buys that the caller may see, newest first.
    ///
    /// # Errors
    /// An invalid filter.
    pub async fn list_media_buys(&self, caller: &Caller, asked: ListBuys) -> Result<Page<MediaBuy>, AppError> {
        let limit = page_size(asked.limit)?;
        let platform = asked.platform.as_deref().map(|name| self.known_platform(name)).transpose()?;
        let after = match asked.cursor.map(MediaBuyId::from) {
            // A made-up cursor would give an empty page that looks like the end.
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

    /// Returns a page of the audit log, oldest first. The cursor is the number of the last line of
    /// the previous page.
    ///
    /// # Errors
    /// An invalid page.
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

    /// Returns an operation with its journal.
    ///
    /// # Errors
    /// `NOT_FOUND`, whether the operation does not exist or belongs to somebody else.
    pub async fn get_operation(&self, caller: &Caller, id: &OperationId) -> Result<OperationView, AppError> {
        let found = self.store.operation(id).await?.filter(|operation| caller.sees(&operation.value.principal));
        let operation = found.ok_or_else(|| AppError::not_found("operation"))?.value;
        let steps = self.store.steps(id).await?;
        Ok(OperationView { operation, steps, staff: caller.is_staff() })
    }

    /// Counts the unfinished work in the whole database.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn census(&self) -> Result<Census, AppError> {
        Ok(self.store.census(now()).await?)
    }

    /// Checks that the host can serve: its database answers. Returns the platforms that have no
    /// adapter yet; the host serves the others.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub async fn ready(&self) -> Result<Vec<String>, Vec<String>> {
        let mut amiss = Vec::new();
        if let Err(error) = self.store.ping().await {
            tracing::error!(%error, "the store does not answer");
            amiss.push("the database does not answer".to_owned());
        }
        let lacking = self.adapters.platforms().into_iter();
        let lacking = lacking.filter(|platform| self.adapters.active_release(platform).is_none());
        if amiss.is_empty() { Ok(lacking.map(|platform| platform.to_string()).collect()) } else { Err(amiss) }
    }
}
