//! One call in preparation: its platform, its release, what the guest is told, and who listens.

use std::sync::Arc;

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;

use super::{
    Adapters, Call,
    call_cache::CacheOfRelease,
    contract,
    egress::{DeclaredRequests, Mode},
    recording::Listening,
    registry::Platform,
    release::Release,
    sandbox::{CallSetup, ClockShift, Ended, Function},
};
use crate::{
    clock,
    domain::{capability::Counting, failure::Failure, operation::FrozenPlatform, purpose::Purpose, time::Timestamp},
};

/// One call: its platform, its release, and its name in logs.
pub(super) struct Calling<'a> {
    pub(super) adapters: &'a Adapters,
    pub(super) platform: &'a Platform,
    pub(super) release: &'a Release,
    pub(super) operation: &'a str,
    pub(super) purpose: Purpose,
    pub(super) mode: Mode,
    pub(super) deadline: Timestamp,
    pub(super) frozen: Option<&'a FrozenPlatform>,
    pub(super) clock: ClockShift,
    pub(super) listening: Listening,
}

impl<'a> Calling<'a> {
    pub(super) async fn run<T: Send + 'static>(self, function: impl Function<T>) -> Result<T, Failure> {
        self.run_and_listen(function).await.answer
    }

    /// As [`Calling::run`], and returns what the guest has printed as well.
    pub(super) async fn run_and_listen<T: Send + 'static>(self, function: impl Function<T>) -> Ended<T> {
        let cache = (!matches!(self.mode, Mode::Offline))
            .then(|| CacheOfRelease { cache: Arc::clone(&self.platform.cache), release: self.release.digest.clone() });
        let setup = CallSetup {
            runtime: &self.adapters.library.runtime,
            linked: &self.release.linked,
            platform: &self.platform.egress,
            purpose: self.purpose,
            adapter: self.platform.name.as_str(),
            operation: self.operation,
            declared: self.declared(),
            mode: self.mode,
            cache,
            limits: &self.platform.limits,
            deadline: Some(self.deadline),
            clock: self.clock,
            listening: self.listening,
        };
        setup.run_and_listen(function).await
    }

    /// Returns how the platform counts delivery, as the call's release describes it.
    pub(super) fn counting(&self) -> Counting {
        self.release.capabilities.counting
    }

    /// Makes the call use the settings frozen when its operation began.
    pub(super) fn frozen(mut self, frozen: Option<&'a FrozenPlatform>) -> Self {
        self.frozen = frozen;
        self
    }

    /// Returns the rules that the call's requests are checked against.
    fn declared(&self) -> DeclaredRequests {
        let egress = &self.platform.egress;
        let frozen = self.frozen.and_then(|frozen| self.platform.began_at(frozen));
        let endpoint = frozen.unwrap_or_else(|| egress.endpoint().clone());
        DeclaredRequests::new(self.release.declared.clone(), egress.granted.clone(), endpoint.url().clone())
    }

    /// Returns the context for a call about one buy.
    pub(super) fn context(&self, call: Option<&Call>) -> wit::Context {
        let Some(call) = call else { return self.context_of_read("") };
        let mut context = self.context_of_read(&call.advertiser_id);
        context.remote = contract::remote_objects(&call.remote);
        context.extensions = call.buyer.iter().map(|name| ("buyer-name".to_owned(), name.clone())).collect();
        if let Some(frozen) = &call.frozen {
            context.settings = frozen.settings.to_string();
            if let Some(began) = self.platform.began_at(frozen) {
                context.endpoint = began.as_str().to_owned();
            }
        }
        context
    }

    /// Returns the context for a call about many buys of one buyer. The objects known to exist are
    /// passed with each buy.
    pub(super) fn context_of_read(&self, advertiser_id: &str) -> wit::Context {
        let platform = self.platform;
        let given = contract::Given {
            platform: &platform.name,
            settings: &platform.settings_text,
            endpoint: platform.endpoint.as_str(),
            operation: self.operation,
            advertiser_id,
            deadline: self.deadline,
        };
        given.context()
    }
}

impl Adapters {
    /// Prepares a call.
    pub(super) fn calling<'a>(
        &'a self,
        platform: &'a Platform,
        release: &'a Release,
        operation: &'a str,
        mode: Mode,
        deadline: Timestamp,
    ) -> Calling<'a> {
        let purpose = mode.purpose();
        // The adapter sees the earlier of the caller's deadline and its own time limit.
        let deadline = deadline.min(clock::now().plus(platform.limits.wall()));
        Calling {
            adapters: self,
            platform,
            release,
            operation,
            purpose,
            mode,
            deadline,
            frozen: None,
            clock: ClockShift::NONE,
            listening: Listening::default(),
        }
    }
}
