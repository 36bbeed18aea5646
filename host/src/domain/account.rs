//! The operator's account on an ad server, and what was found about the configuration there.

use serde::Serialize;

use super::{id::PackageId, targeting::names};

/// A product that is sold on a platform, as far as its adapter has to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct SoldProduct {
    /// The id that buyers name as a package.
    pub id: PackageId,
    /// The publisher's settings for the adapter, a JSON object.
    pub settings: serde_json::Value,
}

names! {
    /// How much a finding matters.
    Severity {
        /// It is as it should be.
        Fine = "fine",
        /// Somebody should look at it; buys can be made meanwhile.
        Warning = "warning",
        /// Buys that use it will fail, or will not deliver.
        Bad = "bad",
    }
}

/// Something that the configuration names, or that buys depend on, and its state on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A JSON pointer into the configuration: `/settings/network_code`,
    /// `/products/<product id>/ad_unit_ids/0` or `/advertiser_id`. Empty if it is about no one setting.
    pub field: String,
    /// What was looked at, in the platform's words.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, and how to mend it.
    pub message: String,
}

/// An account on an ad server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its id on the platform.
    pub id: String,
    /// Its name on the platform; may be empty.
    pub name: String,
    /// The currency of its prices and spend, ISO 4217, if the platform says.
    pub currency: Option<String>,
    /// The IANA time zone whose days its reports count, if the platform says.
    pub time_zone: Option<String>,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
}
