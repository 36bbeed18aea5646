//! Rates and percentiles.

use std::time::Duration;

/// The result of one measurement.
pub(crate) struct Figures {
    latencies: Vec<Duration>,
    wall: Duration,
}

impl Figures {
    /// Computes the figures from the latency of each call and the total time.
    pub(crate) fn new(mut latencies: Vec<Duration>, wall: Duration) -> Self {
        latencies.sort_unstable();
        Self { latencies, wall }
    }

    /// Returns the calls per second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.wall.as_secs_f64()
    }

    /// Returns the median latency.
    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    fn at(&self, percent: usize) -> Duration {
        let index = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(index).copied().unwrap_or_default()
    }

    /// Formats one line: rate, median, 99th percentile.
    pub(crate) fn line(&self) -> String {
        let millis = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        format!(
            "{:>9.0} /s   p50 {:>9.3} ms   p99 {:>9.3} ms   ({} calls)",
            self.rate(),
            millis(self.at(50)),
            millis(self.at(99)),
            self.latencies.len()
        )
    }
}
