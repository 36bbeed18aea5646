//! A recorded call, made again by another component or the same one: `flightdeck adapter replay`. The
//! journal and the ad server answer as they did then, and nothing leaves the machine.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::{
    CheckError,
    bench::Scratch,
    calling::{CallError, Called, CalledStep, Collected, remembered, told},
};
use crate::{
    adapters::{
        self, Adapters, AdaptersConfig, Again, Begun, Call, Content, EngineOptions, JournalError, PlatformConfig,
        RecordedState, RecordedStep, Recording, RecordingError, Replay, StepJournal, known_objects,
    },
    clock,
    domain::{
        id::{OperationId, PlatformName},
        media_buy::RemoteObject,
        step::{self, OpenStep, UnderWay},
        time::Timestamp,
    },
};

/// How long a step that was under way stays so: as long as any replay lasts.
const STAYS_UNDER_WAY: Duration = Duration::from_secs(86_400);

/// A call to make again.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// The component file.
    pub component: PathBuf,
    /// The call.
    pub recording: Recording,
    /// The program that compiles components: this program itself, except in tests.
    pub compiler: PathBuf,
    /// The directory of compiled code. `None`: a temporary one.
    pub data_dir: Option<PathBuf>,
}

/// A recorded call that was made again.
#[derive(Debug, Clone, Serialize)]
pub struct Replayed {
    /// What the call did now.
    #[serde(flatten)]
    pub called: Called,
    /// How it ended when it was recorded.
    pub recorded: String,
    /// The component with which it was recorded: its SHA-256.
    pub recorded_with: String,
    /// Whether that is the component with which it was made again.
    pub same_component: bool,
    /// In what it differs from the recorded one.
    pub differences: Vec<String>,
}

/// Makes a recorded call again.
///
/// # Errors
/// When the component or the recording can't be used. A failure of the adapter is in the answer.
pub async fn replay(options: ReplayOptions) -> Result<Replayed, CallError> {
    let ReplayOptions { component, recording, compiler, data_dir } = options;
    let inspected = adapters::inspect(&component).await.map_err(CheckError::from)?;
    let digest = inspected.digest.clone();
    inspected.usable().map_err(CallError::Unusable)?;
    let scratch = Scratch::new(data_dir);
    let platform = platform(&recording, component)?;
    let (name, origin) = (platform.name.clone(), platform.endpoint.origin().to_string());
    let deadline = clock::now().plus(platform.limits.wall());
    let engine = EngineOptions { slots: 8, pooling: false, threads: Some(1), ..EngineOptions::default() };
    let config = AdaptersConfig { data_dir: scratch.path.clone(), compiler, engine, platforms: vec![platform] };
    let adapters = Box::pin(Adapters::start(config)).await.map_err(CheckError::from)?;
    let tap = Collected::new(origin.clone(), origin);
    adapters.tap(&name, tap.clone());
    let recorded_at = Timestamp::parse(&recording.recorded_at)
        .map_err(|error| bad("the time", &recording.recorded_at, error.to_string()))?;
    let again = Again { replay: Replay::of(recording.exchanges.clone(), recording.cached.clone()), recorded_at };
    let operation = OperationId::from(recording.operation.as_str());
    let journal = Arc::new(RecordedJournal::new(operation.clone(), name.clone(), &recording));
    let call = Call {
        operation,
        advertiser_id: String::new(),
        buyer: None,
        remote: journal.noted().remembered.clone(),
        deadline,
        frozen: None,
    };
    let arguments = &recording.arguments;
    let by_hand = adapters.call_by_hand(&name, recording.function, &call, arguments, (journal.clone(), Some(&again)));
    let answered = Box::pin(by_hand).await?;
    let (output, failure) = told(answered.answer);
    let noted = journal.noted();
    let called = Called {
        input: recording.arguments.clone(),
        output,
        failure,
        printed: answered.printed,
        steps: noted.steps.clone(),
        remembered: noted.remembered.iter().map(remembered).collect(),
        exchanges: tap.take(),
        recording: None,
    };
    Ok(Replayed {
        called,
        recorded: recording.ended(),
        same_component: digest == recording.release,
        recorded_with: recording.release,
        differences: again.replay.differences(),
    })
}

fn bad(what: &'static str, value: &str, reason: String) -> RecordingError {
    RecordingError::Value { what, value: value.to_owned(), reason }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(what: &'static str, text: &str) -> Result<T, RecordingError> {
    text.parse().map_err(|error: T::Err| bad(what, text, error.to_string()))
}

/// The platform as it was configured, without credentials: nothing is sent.
fn platform(recording: &Recording, component: PathBuf) -> Result<PlatformConfig, RecordingError> {
    let recorded = &recording.platform;
    let context = |field: &str| recording.arguments.pointer(&format!("/ctx/{field}")).and_then(Value::as_str);
    let endpoint = parsed("the endpoint", context("endpoint").unwrap_or(&recorded.endpoint))?;
    let settings = context("settings").unwrap_or("{}");
    let settings = serde_json::from_str(settings).map_err(|error| bad("the settings", settings, error.to_string()))?;
    let mut config = PlatformConfig::new(recorded.name.as_str(), component, endpoint);
    for text in &recorded.origins {
        config.origins.push(parsed("the origin", text)?);
    }
    let origin = config.endpoint.origin().clone();
    if !config.origins.contains(&origin) {
        config.origins.push(origin);
    }
    // The recording host was allowed to reach these.
    let addresses = config.origins.iter().map(|origin| format!("{}:{}", origin.host, origin.port));
    config.allow_private =
        addresses.map(|address| parsed("the address", &address)).collect::<Result<_, RecordingError>>()?;
    for text in &recorded.read_requests {
        config.read_requests.push(parsed("the pattern", text)?);
    }
    for text in &recorded.write_requests {
        config.write_requests.push(parsed("the pattern", text)?);
    }
    config.limits = recorded.limits.clone();
    config.settings = settings;
    Ok(config)
}

#[derive(Debug)]
struct Noted {
    steps: Vec<CalledStep>,
    remembered: Vec<RemoteObject>,
}

/// A journal that answers as the recorded one did. A step that was not recorded is fresh.
#[derive(Debug)]
struct RecordedJournal {
    operation: OperationId,
    platform: PlatformName,
    recorded: BTreeMap<String, RecordedStep>,
    noted: Mutex<Noted>,
}

impl RecordedJournal {
    fn new(operation: OperationId, platform: PlatformName, recording: &Recording) -> Self {
        let recorded = recording.steps.iter().map(|step| (step.name.clone(), step.clone())).collect();
        let noted = Noted { steps: Vec::new(), remembered: known_objects(&recording.arguments) };
        Self { operation, platform, recorded, noted: Mutex::new(noted) }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        // Nothing panics while it holds the lock.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, name: &str, reference: &str, outcome: Option<&[u8]>) {
        let step = CalledStep {
            name: name.to_owned(),
            reference: reference.to_owned(),
            done: outcome.is_some(),
            outcome: outcome.map(|outcome| String::from_utf8_lossy(outcome).into_owned()),
        };
        self.noted().steps.push(step);
    }
}

#[async_trait]
impl StepJournal for RecordedJournal {
    async fn begin(&self, name: &str) -> Result<Begun, JournalError> {
        let minted = || step::reference(&self.operation, &self.platform, name);
        let Some(recorded) = self.recorded.get(name) else { return Ok(Begun::Open(OpenStep::fresh(name, minted()))) };
        let reference = recorded.reference.clone().unwrap_or_else(minted);
        let now = clock::now();
        let under_way = recorded.under_way.then(|| UnderWay { since: now, until: now.plus(STAYS_UNDER_WAY) });
        let open = match recorded.state {
            RecordedState::Done => {
                let outcome = recorded.outcome.as_ref().map(Content::bytes).unwrap_or_default();
                self.note(name, &reference, Some(&outcome));
                return Ok(Begun::Done(outcome.to_vec()));
            }
            RecordedState::Refused => {
                return Err(JournalError::Interrupted(recorded.refused.clone().unwrap_or_default()));
            }
            RecordedState::Fresh => OpenStep::fresh(name, reference),
            RecordedState::InDoubt => OpenStep::in_doubt(name, reference),
        };
        let open = open.under_way(under_way);
        Ok(Begun::Open(if recorded.repeated { open.repeated() } else { open }))
    }

    async fn finish(&self, step: OpenStep, outcome: Vec<u8>) -> Result<(), JournalError> {
        self.note(step.name(), step.reference(), Some(&outcome));
        Ok(())
    }

    fn leave(&self, step: OpenStep) {
        self.note(step.name(), step.reference(), None);
    }

    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError> {
        let known = &mut self.noted().remembered;
        known.retain(|known| known.kind != object.kind || known.key != object.key);
        known.push(object);
        Ok(())
    }

    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError> {
        self.noted().remembered.retain(|known| *known != object);
        Ok(())
    }

    fn may_write(&self, _leaves_within: Duration) -> Result<(), JournalError> {
        Ok(())
    }
}
