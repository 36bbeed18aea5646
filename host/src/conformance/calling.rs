//! One call of one function, with its steps and exchanges shown: `flightdeck adapter call`.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use serde_json::Value;

use super::{
    CheckError, Options,
    bench::{Bench, Lane},
    journal::KitJournal,
    work::{Task, Work, prepared},
};
use crate::{
    adapters::{
        self, AdapterChange, Answer, ArgumentError, CallSeen, Exchange, Function, Recording, RecordingError, Tap,
    },
    config::AdapterCheck,
    domain::{
        change::{Change, Performance},
        failure::Failure,
        id::OperationId,
        media_buy::{Package, RemoteObject},
        step::StepState,
    },
    network::base_url::BaseUrl,
};

/// The component whose functions are called.
#[derive(Debug, Clone)]
pub struct CallOptions {
    /// The component file.
    pub component: PathBuf,
    /// The address of the ad server.
    pub ad_server: BaseUrl,
    /// The file of settings, credentials and samples. `None`: the defaults.
    pub config: Option<PathBuf>,
    /// The program that compiles components: this program itself, except in tests.
    pub compiler: PathBuf,
    /// The directory of compiled code. `None`: a temporary one.
    pub data_dir: Option<PathBuf>,
}

/// Why a function can't be called.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The component, the configuration or a host of the kit can't be used.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// This host can't use the component.
    #[error("the component can't be used: {0}")]
    Unusable(String),
    /// An argument is wrong.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// The sample can't be made or put on the ad server.
    #[error("{0}; name the arguments with --input")]
    Sample(String),
    /// There is no sample of these arguments.
    #[error("`{0}` is about an object that an earlier step made: name it with --input")]
    NoSample(&'static str),
    /// The call can't be recorded, or its recording can't be replayed.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

/// A step of a call.
#[derive(Debug, Clone, Serialize)]
pub struct CalledStep {
    /// Its name.
    pub name: String,
    /// Its reference.
    pub reference: String,
    /// Whether it is done, or in doubt because it was left open.
    pub done: bool,
    /// The outcome that was passed to `finish`, as text.
    pub outcome: Option<String>,
}

/// An exchange, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct ShownExchange {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The body of the request, at most 64 KiB of it.
    pub request: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The body of the answer, at most 64 KiB of it, or why there was none.
    pub answer: String,
    /// In milliseconds.
    pub took_ms: u64,
}

/// A call and what it did.
#[derive(Debug, Clone, Serialize)]
pub struct Called {
    /// The arguments.
    pub input: Value,
    /// The answer, in the form of the WIT's result.
    pub output: Option<Value>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// What the component has printed.
    pub printed: String,
    /// The steps, in order.
    pub steps: Vec<CalledStep>,
    /// What it has remembered, as `kind key id`, with what was known before.
    pub remembered: Vec<String>,
    /// The requests that it sent, without the host's credentials.
    pub exchanges: Vec<ShownExchange>,
    /// The call as a file.
    #[serde(skip)]
    pub recording: Option<Recording>,
}

/// A component, ready to be called.
#[derive(Debug)]
pub struct Caller {
    bench: Bench,
}

impl Caller {
    /// Looks at the component.
    ///
    /// # Errors
    /// When it can't be used, or the file of settings is invalid.
    pub async fn new(options: CallOptions) -> Result<Self, CallError> {
        let inspected = adapters::inspect(&options.component).await.map_err(CheckError::from)?;
        let described = inspected.usable().map_err(CallError::Unusable)?;
        let name = AdapterCheck::platform_name(&described.platform);
        let config = AdapterCheck::load(options.config.as_deref(), &name, &options.component, &options.ad_server)
            .map_err(CheckError::from)?;
        Ok(Self { bench: Bench::new(config, described, &kit_options(options)) })
    }

    /// Returns the arguments of a function that a sample gives. Nothing is called.
    ///
    /// # Errors
    /// When there is no sample of them.
    pub async fn sample(&self, function: Function) -> Result<Value, CallError> {
        let lane = Box::pin(Lane::open(&self.bench)).await?;
        Ok(Box::pin(sample_input(&lane, function, true)).await?.0)
    }

    /// Calls a function, with arguments by parameter. `None`: those of a sample, which is put on the
    /// ad server first if the function is about a buy that exists.
    ///
    /// # Errors
    /// When it can't be called. A failure of the adapter is in the answer.
    pub async fn call(&self, function: Function, input: Option<Value>) -> Result<Called, CallError> {
        let bench = &self.bench;
        let lane = Box::pin(Lane::open(bench)).await?;
        let (input, known) = match input {
            Some(input) => (input, Vec::new()),
            None => Box::pin(sample_input(&lane, function, false)).await?,
        };
        let shown = bench.config.platform.endpoint.origin().to_string();
        let tap = Collected::new(lane.proxy.url.origin().to_string(), shown);
        lane.adapters().tap(&bench.name, tap.clone());
        let journal = KitJournal::new(OperationId::mint(), bench.name.clone(), known);
        let answered = Box::pin(lane.call_by_hand(function, &input, &journal)).await?;
        let recording = answered.recording.transpose()?;
        // The address of the kit's proxy is this process's own.
        let recording = recording.map(|recording| recording.renamed(&tap.lane, &tap.shown)).transpose()?;
        let (output, failure) = told(answered.answer);
        let begun = journal.begun();
        let mut steps = journal.steps();
        steps.sort_by_key(|step| begun.iter().position(|name| *name == step.name));
        let steps = steps.into_iter().map(|step| CalledStep {
            done: step.state == StepState::Done,
            outcome: step.outcome.map(|outcome| String::from_utf8_lossy(&outcome).into_owned()),
            name: step.name,
            reference: step.reference,
        });
        Ok(Called {
            input,
            output,
            failure,
            printed: answered.printed,
            steps: steps.collect(),
            remembered: journal.objects().iter().map(remembered).collect(),
            exchanges: tap.take(),
            recording,
        })
    }
}

/// Returns an object that a call has remembered, as it is shown.
pub(super) fn remembered(object: &RemoteObject) -> String {
    format!("{} {:?} {}", object.kind, object.key, object.id)
}

/// Returns the answer of a call, or why there is none, as it is shown.
pub(super) fn told(answer: Result<Value, Failure>) -> (Option<Value>, Option<String>) {
    match answer {
        Ok(output) => (Some(output), None),
        Err(failure) => (None, Some(super::bench::shown(&failure))),
    }
}

fn kit_options(options: CallOptions) -> Options {
    Options {
        component: options.component,
        ad_server: options.ad_server,
        config: options.config,
        seed: 1,
        cases: 0,
        jobs: 1,
        only: Vec::new(),
        compiler: options.compiler,
        data_dir: options.data_dir,
    }
}

/// Makes the arguments of a function from a sample, and puts the sample on the ad server if the
/// function is about a buy that exists. Returns as well what is known of it.
async fn sample_input(
    lane: &Lane<'_>,
    function: Function,
    only_input: bool,
) -> Result<(Value, Vec<RemoteObject>), CallError> {
    let bench = lane.bench;
    let work = match function {
        Function::Describe => return Ok((Value::Object(serde_json::Map::new()), Vec::new())),
        Function::FindMade | Function::StopMade => return Err(CallError::NoSample(function.as_str())),
        Function::Plan | Function::CreateMediaBuy | Function::InspectAccount => Work::Create,
        Function::AddCreativeAssets => Work::Creatives,
        Function::UpdateMediaBuy | Function::ApplyPerformanceIndex => Work::Update,
        Function::CancelMediaBuy
        | Function::CheckStatus
        | Function::GetDelivery
        | Function::PlanFollowUp
        | Function::RunFollowUp => Work::Cancel,
    };
    if work == Work::Creatives && bench.sample().creatives.is_empty() {
        return Err(CallError::Sample("check.toml has no [[sample.creatives]]".to_owned()));
    }
    let sample = match only_input {
        true => bench.sample(),
        false => Box::pin(prepared(lane, work)).await.map_err(CallError::Sample)?,
    };
    let task = match function {
        Function::ApplyPerformanceIndex => {
            let told = |package: &Package| Performance {
                package: package.id.clone(),
                index: 800_000,
                confidence: None,
                feedback: None,
            };
            let told = sample.buy.packages.iter().map(told).collect();
            Task::new(bench, &sample, Some(Change::PerformanceIndex(told)))
        }
        _ => Task::of(work, bench, &sample),
    };
    let task = task.map_err(CallError::Sample)?;
    let known = sample.buy.remote_on(&bench.name).to_vec();
    let change = match function {
        Function::PlanFollowUp | Function::RunFollowUp => AdapterChange::FollowUp(&sample.buy, "sample"),
        _ => task.change(),
    };
    let input = lane.adapters().arguments(&bench.name, function, change, &bench.config.advertiser_id).await?;
    Ok((input, known))
}

/// Collects the exchanges. The kit's own address is replaced by the ad server's.
#[derive(Debug)]
pub(super) struct Collected {
    lane: String,
    shown: String,
    exchanges: Mutex<Vec<ShownExchange>>,
}

impl Collected {
    /// Collects the exchanges with an ad server whose origin is `lane` and is shown as `shown`.
    pub(super) fn new(lane: String, shown: String) -> Arc<Self> {
        Arc::new(Self { lane, shown, exchanges: Mutex::default() })
    }

    pub(super) fn take(&self) -> Vec<ShownExchange> {
        std::mem::take(&mut *self.exchanges.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tap for Collected {
    fn called(&self, _: CallSeen) {}

    fn exchanged(&self, exchange: Exchange) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&self.lane, &self.shown);
        let (status, answer) = match &exchange.answer {
            Answer::Answered { status, body, .. } => (Some(*status), text(body)),
            Answer::Failed(_, words) => (None, words.clone()),
        };
        let shown = ShownExchange {
            url: exchange.url.replace(&self.lane, &self.shown),
            request: text(&exchange.request),
            status,
            answer,
            took_ms: super::report::millis(exchange.took),
            method: exchange.method,
        };
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(shown);
    }
}
