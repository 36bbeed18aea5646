//! The requests that only read buys, products and operations.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::listed::PRODUCT_FIELDS;
use crate::{
    app::{ListBuys, error::AppError},
    domain::{creative::Format, status::BuyStatus, time::Day},
    web::json::{
        self, refuse,
        text::{Id, Line, MAX_ID, MAX_PO_NUMBER},
        values::{DayText, Limit, shortened},
    },
};

/// One media buy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyQuery {
    /// The media buy.
    pub media_buy_id: Id,
}

/// One media buy and a range of days.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["start_date", "end_date"]}, {"required": ["date_range"]}]))]
pub struct DeliveryQuery {
    /// The media buy.
    pub media_buy_id: Id,
    /// First day in UTC, like `2026-12-01`.
    pub start_date: Option<DayText>,
    /// Last day in UTC, included; at most 366 days from the first.
    pub end_date: Option<DayText>,
    /// Another form of `start_date` and `end_date`, in place of them.
    pub date_range: Option<DateRange>,
}

/// A range of days, both included.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// First day in UTC.
    pub start_date: DayText,
    /// Last day in UTC, included.
    pub end_date: DayText,
}

impl DeliveryQuery {
    /// The first and the last day.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if they are missing or given in both forms.
    pub fn days(&self) -> Result<(Day, Day), AppError> {
        let missing = |name: &str| json::mistake(format!("/{name}"), "is missing: it must be given");
        match (&self.date_range, self.start_date, self.end_date) {
            (Some(range), None, None) => Ok((range.start_date.0, range.end_date.0)),
            (Some(_), _, _) => {
                Err(json::invalid("/date_range", "date_range can't be given together with start_date or end_date"))
            }
            (None, Some(start), Some(end)) => Ok((start.0, end.0)),
            (None, start, end) => {
                let mut problems = Vec::new();
                problems.extend(start.is_none().then(|| missing("start_date")));
                problems.extend(end.is_none().then(|| missing("end_date")));
                refuse(&problems).and(Err(json::invalid("", "start_date and end_date must be given")))
            }
        }
    }
}

/// Which products to list.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductQuery {
    /// Only those on this platform.
    pub platform: Option<Line<MAX_ID>>,
    /// Only those that take this format.
    pub format: Option<Format>,
    /// What to tell, by name with commas between, like `package_id,cpm,platforms`: of products their fields, and `platforms` for what
    /// their platforms can do. Default: everything.
    pub fields: Option<FieldNames>,
    /// How many products at most. Default: 50.
    pub limit: Option<Limit>,
    /// `next_cursor` of the page before.
    pub cursor: Option<Line<MAX_ID>>,
}

/// Names of what `list_products` is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames(Vec<String>);

impl FieldNames {
    /// Whether a name is among them.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }
}

impl<'de> Deserialize<'de> for FieldNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = PRODUCT_FIELDS.join(", ");
        let told = String::deserialize(deserializer)?;
        let names: Vec<String> = told.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().find(|name| !PRODUCT_FIELDS.contains(&name.as_str())) {
            Some(unknown) => Err(de::Error::custom(format!(
                "must be names with commas between, of {known}; {:?} is none",
                shortened(unknown)
            ))),
            None => Ok(Self(names)),
        }
    }
}

impl JsonSchema for FieldNames {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldNames".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = PRODUCT_FIELDS.join("|");
        json_schema!({
            "type": "string", "pattern": format!("^ *(?:{names}) *(?:, *(?:{names}) *)*$"),
            "examples": ["package_id,name,cpm"],
        })
    }
}

/// Which media buys to list.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuysQuery {
    /// Only those in this status.
    pub status: Option<BuyStatus>,
    /// Only those with a package on this platform.
    pub platform: Option<Line<MAX_ID>>,
    /// Only those with this purchase order number.
    pub po_number: Option<Line<MAX_PO_NUMBER>>,
    /// How many at most. Default: 50.
    pub limit: Option<Limit>,
    /// `next_cursor` of the page before.
    pub cursor: Option<Line<MAX_ID>>,
}

impl From<BuysQuery> for ListBuys {
    fn from(query: BuysQuery) -> Self {
        Self {
            status: query.status,
            platform: query.platform.map(|platform| platform.0),
            po_number: query.po_number.map(|number| number.0),
            limit: query.limit.map(|limit| limit.0),
            cursor: query.cursor.map(|cursor| cursor.0),
        }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationQuery {
    /// The operation, as the answer to a change named it.
    pub operation_id: Id,
}

/// Which page of the audit log.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// The `next_cursor` of the page before; left out: from the first line.
    pub cursor: Option<Line<MAX_ID>>,
    /// How many lines: 1 to 200, 50 if left out.
    pub limit: Option<Limit>,
}
