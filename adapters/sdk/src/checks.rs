//! What several platforms refuse in the same way.

use crate::{
    failure::Problems,
    types::{CapScope, Creative, CreativeFormat, Daypart, FrequencyCap, MediaBuy, PackageOrder},
    update,
    words::pointer_segment,
};

impl Problems {
    /// A buy in another currency than the one in which the platform counts, if the settings name one.
    pub fn check_currency(&mut self, counted_in: Option<&String>, buy: &MediaBuy, message: impl Fn(&str) -> String) {
        if let Some(currency) = counted_in.filter(|currency| **currency != buy.currency) {
            self.unsupported("unsupported_currency", "/currency", &buy.currency, message(currency), &[currency]);
        }
    }

    /// Hours that are none: without a day, or that end before they begin. Answers whether they are some. `pointer` is that
    /// of the dayparting, `number` the hours' place in it.
    pub fn check_hours(&mut self, part: &Daypart, pointer: &str, number: usize) -> bool {
        if !part.days.is_empty() && part.start_hour < part.end_hour && part.end_hour <= 24 {
            return true;
        }
        let value = format!("{}-{}", part.start_hour, part.end_hour);
        let message = "Hours run from a first to a later one of 1 to 24, on at least one day.";
        self.invalid("invalid_dayparting", format!("{pointer}/schedules/{number}"), value, message);
        false
    }

    /// A frequency cap over more than its package, where the platform caps each line item by itself. Answers whether it is
    /// of the package alone: a package alone is all of its buy. `pointer` is that of the cap.
    pub fn check_cap_of_package(&mut self, buy: &MediaBuy, cap: &FrequencyCap, pointer: &str, message: &str) -> bool {
        let scope = match &cap.scope {
            CapScope::Package => return true,
            CapScope::MediaBuy if buy.packages.len() == 1 => return true,
            CapScope::MediaBuy => "media_buy",
            CapScope::Other(scope) => scope.as_str(),
        };
        self.unsupported("unsupported_frequency_cap", format!("{pointer}/scope"), scope, message, &["package"]);
        false
    }

    /// A creative of a package that the buy does not have, or that does not take its format. Answers the package.
    pub fn check_package<'b>(&mut self, buy: &'b MediaBuy, creative: &Creative, id: &str) -> Option<&'b PackageOrder> {
        let pointer = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
        let Some(package) = update::package(buy, id) else {
            let message = "The media buy has no such package.";
            self.invalid("unknown_package", pointer("package_assignments"), id, message);
            return None;
        };
        if !package.formats.is_empty() && !package.formats.contains(&creative.format) {
            let known: Vec<&str> = package.formats.iter().map(CreativeFormat::word).collect();
            let message = format!("The package {id} does not take this format.");
            self.unsupported("unsupported_format", pointer("format"), creative.format.word(), message, &known);
        }
        Some(package)
    }
}
