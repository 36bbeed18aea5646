//! Calls that are recorded, and calls that are made again from a recording.

use std::sync::Arc;

use serde_json::Value;

use super::Calling;
use crate::{
    adapters::{
        Adapters,
        by_hand::{self, Function},
        compatibility,
        egress::replay::Replay,
        failures,
        recording::{
            CallRecorder, FORM, RecordedFailure, RecordedPlatform, RecordedResult, Recording, RecordingError, Told,
        },
        registry::Platform,
        release::Release,
        sandbox::ClockShift,
    },
    clock,
    domain::failure::Failure,
};

impl Calling<'_> {
    /// Has a recorder listen to the call, if there is one.
    pub(in crate::adapters) fn recorded_by(mut self, recorder: Option<&Arc<CallRecorder>>) -> Self {
        self.listening.recorder = recorder.cloned();
        self
    }

    /// Tells the recorder, if there is one, what the function is given: a JSON object with its
    /// parameters by name.
    pub(in crate::adapters) fn given(self, function: Function, arguments: impl FnOnce() -> Value) -> Self {
        if let Some(recorder) = &self.listening.recorder
            && let Value::Object(arguments) = arguments()
        {
            recorder.given(function, arguments);
        }
        self
    }

    /// Answers the call's requests from a recording, and sets the guest's clock to its time.
    pub(in crate::adapters) fn replayed(mut self, replay: &Arc<Replay>, clock: ClockShift) -> Self {
        (self.listening.replay, self.clock) = (Some(Arc::clone(replay)), clock);
        self
    }
}

impl Adapters {
    /// Returns a recorder for a call on a platform whose failed calls are kept.
    pub(in crate::adapters) fn recorder(&self, platform: &Platform) -> Option<Arc<CallRecorder>> {
        platform.records_failures().then(Arc::default)
    }

    /// Keeps a call that has failed. Nothing that goes wrong here fails anything else.
    pub(in crate::adapters) async fn keep_failed(
        &self,
        platform: &Platform,
        release: &Release,
        recorder: Option<Arc<CallRecorder>>,
        operation: &str,
        failure: Option<&Failure>,
    ) {
        let (Some(recorder), Some(failure)) = (recorder, failure) else { return };
        if failures::is_the_hosts(failure) {
            return;
        }
        let result = RecordedResult { output: None, failure: Some(failure.into()) };
        let Some(recording) = self.recording(platform, release, operation, recorder.take(), result) else { return };
        let (kept, known) = (self.recordings.clone(), platform.egress.authentication.known());
        let kept = tokio::task::spawn_blocking(move || kept.keep(&recording.without_credentials(&known)?)).await;
        let adapter = &platform.name;
        match kept {
            Ok(Ok(())) => tracing::info!(
                %adapter,
                operation,
                "a failed call was kept: `flightdeck adapter record {operation}` prints it for the adapter's author"
            ),
            Ok(Err(error)) => tracing::warn!(%adapter, operation, %error, "a failed call can't be kept"),
            Err(_) => tracing::warn!(%adapter, operation, "a failed call was not kept"),
        }
    }

    /// Returns a call as a recording, with whatever credentials it may have. `None` if the function
    /// was not called.
    pub(in crate::adapters) fn recording(
        &self,
        platform: &Platform,
        release: &Release,
        operation: &str,
        told: Told,
        result: RecordedResult,
    ) -> Option<Recording> {
        let (function, arguments) = told.given?;
        let config = platform.config();
        let origins = match config.origins.is_empty() {
            true => vec![config.endpoint.origin().to_string()],
            false => config.origins.iter().map(ToString::to_string).collect(),
        };
        Some(Recording {
            flightdeck_recording: FORM,
            contract: compatibility::built_for(release.linked.component(), &self.library.runtime.engine),
            recorded_at: told.began.unwrap_or_else(clock::now).to_string(),
            operation: operation.to_owned(),
            release: release.digest.clone(),
            adapter_version: release.capabilities.adapter_version.clone(),
            platform: RecordedPlatform {
                name: platform.name.to_string(),
                endpoint: config.endpoint.to_string(),
                origins,
                read_requests: config.read_requests.iter().map(ToString::to_string).collect(),
                write_requests: config.write_requests.iter().map(ToString::to_string).collect(),
                limits: config.limits.clone(),
            },
            function,
            arguments: by_hand::in_words(release, &self.library.runtime.engine, function, arguments),
            steps: told.steps,
            exchanges: told.exchanges,
            cached: told.cached,
            result,
            printed: told.printed,
        })
    }

    /// Returns a recording of a call that was made by hand, without credentials.
    pub(in crate::adapters) fn recording_by_hand(
        &self,
        platform: &Platform,
        release: &Release,
        operation: &str,
        told: Told,
        result: RecordedResult,
    ) -> Option<Result<Recording, RecordingError>> {
        let recording = self.recording(platform, release, operation, told, result)?;
        Some(recording.without_credentials(&platform.egress.authentication.known()))
    }
}

impl From<&Failure> for RecordedFailure {
    fn from(failure: &Failure) -> Self {
        Self { kind: failure.kind, code: failure.code.clone(), message: failure.to_string() }
    }
}
