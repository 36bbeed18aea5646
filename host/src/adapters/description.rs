//! Examines what a component says of itself, before it may serve a platform. Every way in uses this
//! module: the start of the host, `adapter install`, `adapter activate` and `adapter inspect`.
//!
//! | examined | refused |
//! |---|---|
//! | `describe`, called twice in fresh instances | two different descriptions |
//! | the description | a version that is no semantic version, a `batch-size` of 0 |
//! | `plan` of a [`sample`], called twice in fresh instances | two different answers |
//!
//! What the contract does not allow in any call is refused by [`contract::capabilities`], each time
//! that a component is loaded. The checks here are made only before a release becomes active. A
//! release that an earlier host has accepted must still be able to end what began on it.
//!
//! In the second call of each pair, the guest's clock is more than a year ahead. A description or
//! plan that contains so much as a date is therefore noticed.

use std::{fmt, sync::Arc, time::Duration};

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;
use serde_json::Value;

use super::{
    contract::{self, Outgoing},
    egress::{DeclaredRequests, Mode, PlatformEgress, Requests},
    engine::Runtime,
    failures,
    limits::Limits,
    linked::Linked,
    recording::Listening,
    sandbox::{CallSetup, ClockShift, Ended, Function},
};
use crate::{
    clock,
    domain::{
        capability::Capabilities,
        change::ProposedChange,
        failure::{Failure, FailureKind},
        purpose::Purpose,
    },
};

mod difference;
pub(crate) mod sample;

/// How far ahead the guest's clock is in the second of two calls: 400 days and some, so that every
/// part of a date and a time is another one.
const AHEAD: Duration = Duration::from_secs(400 * 86_400 + 3 * 3_600 + 7 * 60 + 11);

/// How long a plan of the sample may take. It is a small buy, and nothing is waited for.
const SAMPLE_WALL_MS: u64 = 10_000;

/// Characters of what a guest printed that are shown to its author.
const PRINTED: usize = 1_000;

/// Why a component may not serve a platform, as the end of the sentence "acme.wasm …".
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// The call of `describe` failed.
    #[error("could not describe itself: {failure}{printed}")]
    Failed {
        /// The failure of the call.
        failure: Failure,
        /// What the guest printed, such as the message of its panic.
        printed: Printed,
    },
    /// Two calls of `describe` returned different descriptions.
    #[error(
        "describes itself differently each time: `{field}` was `{one}` and then `{other}`. Return the same from every call of \
         `describe`: nothing from a clock, from random numbers, or in the order of a hash map"
    )]
    Changing {
        /// The field's name in the contract.
        field: &'static str,
        /// The first difference in the first description.
        one: String,
        /// The same place in the second description.
        other: String,
    },
    /// The version is not a semantic version.
    #[error(
        "has the `adapter-version` `{0}`, which is no semantic version. Write three numbers, like `1.4.0` or `2.0.0-beta.1`"
    )]
    Version(String),
    /// No buy could ever be read.
    #[error(
        "has a `batch-size` of 0, so that no status could be read. Return how many buys one call of `check-status` takes, 1 at least"
    )]
    NoBatch,
    /// Two plans of the same change were different.
    #[error(
        "plan is not deterministic: for the same sample buy, two calls in fresh instances gave `{one}` and `{other}`. A reviewer \
         approves what the first one shows, so make `plan` from its arguments alone: nothing from a clock, from random numbers, or \
         in the order of a hash map"
    )]
    Plan {
        /// The first difference in the first answer.
        one: String,
        /// The same place in the second answer.
        other: String,
    },
}

/// What a guest has printed, in a form that can be shown: bounded, on one line, without control
/// characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Printed(String);

impl Printed {
    /// Takes the end of the text, where the reason for a crash is.
    pub(super) fn of(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let joined = lines.join(" | ");
        let skipped = joined.chars().count().saturating_sub(PRINTED);
        let mut shown = if skipped > 0 { "…".to_owned() } else { String::new() };
        for char in joined.chars().skip(skipped) {
            match char {
                '"' | '\'' | '\\' => shown.push(char),
                other => shown.extend(other.escape_debug()),
            }
        }
        Self(shown)
    }
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; it printed: {}", self.0) }
    }
}

/// A component to examine, and the platform that it is for.
pub(super) struct Subject<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) linked: &'a Linked,
    pub(super) egress: &'a Arc<PlatformEgress>,
    pub(super) limits: &'a Limits,
    /// The settings of the platform. `None` if no platform is configured: settings are then made
    /// from their schema.
    pub(super) settings: Option<&'a Value>,
}

impl Subject<'_> {
    /// Asks the component to describe itself.
    ///
    /// # Errors
    /// When it fails, or returns what the contract does not allow.
    pub(super) async fn describe(&self) -> Result<(Capabilities, Requests), DescriptionError> {
        let said = self.ask(ClockShift::NONE).await?;
        contract::capabilities(said).map_err(|bad| {
            let failure = failures::fault("bad_result", self.name(), bad);
            DescriptionError::Failed { failure, printed: Printed::default() }
        })
    }

    /// Checks that a component may serve its platform from now on.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub(super) async fn examine(&self, capabilities: &Capabilities) -> Result<(), DescriptionError> {
        let said = self.ask(ClockShift::NONE).await?;
        let again = self.ask(ClockShift::Ahead(AHEAD)).await?;
        difference::between_descriptions(&said, &again)?;
        judge(&said)?;
        self.plan_twice(capabilities).await
    }

    fn name(&self) -> &str {
        self.egress.name.as_str()
    }

    async fn ask(&self, clock: ClockShift) -> Result<wit::Description, DescriptionError> {
        let call = self
            .call("describe", self.limits, clock, |store, adapter| Box::pin(adapter.ad_server().call_describe(store)));
        let Ended { answer, printed } = call.await;
        answer.map_err(|failure| DescriptionError::Failed { failure, printed: Printed::of(&printed) })
    }

    /// Plans the sample twice. A call that fails is not judged: it says nothing about what two
    /// plans would be, and the failure is told whenever a buy is planned.
    async fn plan_twice(&self, capabilities: &Capabilities) -> Result<(), DescriptionError> {
        let platform = &self.egress.name;
        let now = clock::now();
        let buy = sample::buy(platform, capabilities, now);
        let change = Outgoing { platform, capabilities }.change(ProposedChange::create(&buy));
        let generated = self.settings.is_none().then(|| sample::of_schema(&capabilities.settings_schema));
        let settings = self.settings.or(generated.as_ref()).unwrap_or(&Value::Null).to_string();
        let given = contract::Given {
            platform,
            settings: &settings,
            endpoint: self.egress.endpoint().as_str(),
            operation: "op_sample",
            advertiser_id: "1",
            deadline: now.plus(Duration::from_millis(SAMPLE_WALL_MS)),
        };
        let limits = Limits { wall_ms: self.limits.wall_ms.min(SAMPLE_WALL_MS), ..self.limits.clone() };
        let mut answers = Vec::new();
        for clock in [ClockShift::NONE, ClockShift::Ahead(AHEAD)] {
            let (context, change) = (given.context(), change.clone());
            let call = self.call("sample plan", &limits, clock, move |store, adapter| {
                let guest = adapter.ad_server();
                Box::pin(async move { guest.call_plan(store, &context, &change).await })
            });
            match call.await.answer {
                Ok(answer) => answers.push(answer),
                Err(failure) => {
                    if failure.kind != FailureKind::Fault {
                        tracing::warn!(adapter = %platform, %failure, "whether plans are the same each time was not checked");
                    }
                    return Ok(());
                }
            }
        }
        difference::between_plans(&answers[0], &answers[1])
    }

    async fn call<T: Send + 'static>(
        &self,
        operation: &str,
        limits: &Limits,
        clock: ClockShift,
        function: impl Function<T>,
    ) -> Ended<T> {
        let setup = CallSetup {
            runtime: self.runtime,
            linked: self.linked,
            platform: self.egress,
            purpose: Purpose::Plan,
            adapter: self.name(),
            operation,
            mode: Mode::Offline,
            cache: None,
            declared: DeclaredRequests::default(),
            limits,
            deadline: None,
            clock,
            listening: Listening::default(),
        };
        setup.run_and_listen(function).await
    }
}

/// Checks what the domain's capabilities no longer show: they have a usable batch size always.
fn judge(said: &wit::Description) -> Result<(), DescriptionError> {
    if semver::Version::parse(&said.adapter_version).is_err() {
        return Err(DescriptionError::Version(difference::shown(&said.adapter_version)));
    }
    if said.batch_size == 0 { Err(DescriptionError::NoBatch) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_is_shown_at_its_end_and_without_control_characters() {
        let panic = "\nthread 'main' panicked at src/lib.rs:7:\n  no \u{1b}[31m\"schema\"\u{202e}\u{7}\n\n";
        let shown = Printed::of(panic).to_string();
        assert_eq!(
            shown,
            "; it printed: thread 'main' panicked at src/lib.rs:7: | no \\u{1b}[31m\"schema\"\\u{202e}\\u{7}"
        );
        assert_eq!(Printed::of(" \n").to_string(), "");
        let long = Printed::of(&format!("{}the end", "é".repeat(5_000)));
        assert!(long.0.starts_with('…') && long.0.ends_with("the end"), "{long}");
        assert_eq!(long.0.chars().count(), PRINTED + 1);
    }
}
