//! Checks that several platforms share.

use crate::{
    failure::Problems,
    types::{CapScope, Creative, CreativeFormat, Daypart, FrequencyCap, MediaBuy, PackageOrder},
    update,
    words::pointer_segment,
};

impl Problems {
    /// Refuses a buy in a currency other than the one that the settings name for the platform, if
    /// they name one.
    pub fn check_currency(&mut self, counted_in: Option<&String>, buy: &MediaBuy, message: impl Fn(&str) -> String) {
        if let Some(currency) = counted_in.filter(|currency| **currency != buy.currency) {
            self.unsupported("unsupported_currency", "/currency", &buy.currency, message(currency), &[currency]);
        }
    }

    /// Refuses hours that have no day, or that end before they begin. Returns whether the hours are
    /// valid. `pointer` points to the dayparting; `number` is the index of the hours in it.
    pub fn check_hours(&mut self, part: &Daypart, pointer: &str, number: usize) -> bool {
        if !part.days.is_empty() && part.start_hour < part.end_hour && part.end_hour <= 24 {
            return true;
        }
        let value = format!("{}-{}", part.start_hour, part.end_hour);
        let message = "Hours run from a first to a later one of 1 to 24, on at least one day.";
        self.invalid("invalid_dayparting", format!("{pointer}/schedules/{number}"), value, message);
        false
    }

    /// Refuses a frequency cap across packages, on platforms that cap each line item separately.
    /// Returns whether the cap is for the package alone; in a buy with one package, a cap for the
    /// buy is. `pointer` points to the cap.
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

    /// Refuses a creative for a package that the buy doesn't have, or that doesn't accept its
    /// format. Returns the package if the buy has it.
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
