//! Controls for tests: one set per running emulator, the same for every platform.

pub mod clock;
pub mod faults;
pub mod held;
pub mod log;
pub mod references;
pub(crate) mod routes;
pub mod settings;

use clock::Clock;
use faults::Faults;
use held::Held;
use log::RequestLog;
use settings::SettingsCell;

/// The controls of one emulator. Tests in the same process use them directly, others over HTTP.
#[derive(Debug, Default)]
pub struct Controls {
    /// The emulator's idea of now.
    pub clock: Clock,
    /// Rules that make requests fail.
    pub faults: Faults,
    /// Requests that wait to be released.
    pub held: Held,
    /// The requests, in order of arrival.
    pub log: RequestLog,
    /// Limits and delays.
    pub settings: SettingsCell,
}

impl Controls {
    /// Resets everything: real time, no faults, nothing held, empty log, default settings.
    pub fn reset(&self) {
        self.clock.reset();
        self.faults.clear();
        self.held.forget();
        self.log.clear();
        self.settings.reset();
    }
}
