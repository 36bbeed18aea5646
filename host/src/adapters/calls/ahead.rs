//! Plans with another clock, for the conformance kit.

use std::time::Duration;

use crate::{
    adapters::{AdapterChange, Adapters, Call, sandbox::ClockShift},
    domain::{failure::Failure, id::PlatformName, plan::PlatformPlan},
};

impl Adapters {
    /// Plans a change with the guest's clock ahead of the host's, to see whether the plan depends on
    /// the time.
    ///
    /// # Errors
    /// As [`Adapters::plan`].
    pub(crate) async fn plan_ahead(
        &self,
        platform: &PlatformName,
        call: &Call,
        change: AdapterChange<'_>,
        clock_ahead: Duration,
    ) -> Result<PlatformPlan, Failure> {
        let platform = self.platform(platform)?;
        let release = self.release(platform, None).await?;
        self.plan_with(platform, &release, call, change, ClockShift::Ahead(clock_ahead)).await
    }
}
