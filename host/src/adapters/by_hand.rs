//! Calls one function of an adapter with arguments in JSON, for its author. Names are those of the
//! WIT files; `json` has the form.

use std::sync::Arc;

use flightdeck_bindings::{
    optional::exports::flightdeck::ad_server::{account, follow_up},
    v1::flightdeck::ad_server::adapter_types as wit,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use wasmtime::Engine;

use super::{
    AdapterChange, Adapters, Call, CallSteps, Journal, RemoteBuy, Tap,
    calling::Calling,
    calls::counted,
    contract::{self, Asked, Outgoing},
    egress::{Mode, replay::Replay},
    recording::{CallRecorder, RecordedResult, Recording, RecordingError},
    release::Release,
    sandbox::{ClockShift, Ended},
};
use crate::{
    clock,
    domain::{
        account::SoldProduct,
        failure::{Failure, FailureKind},
        id::PlatformName,
        media_buy::RemoteObject,
        targeting::names,
        time::Timestamp,
    },
};

mod json;

names! {
    /// A function that an adapter exports, by its name in the WIT file.
    Function {
        /// Describes the adapter.
        Describe = "describe",
        /// Plans a change.
        Plan = "plan",
        /// Makes a buy.
        CreateMediaBuy = "create-media-buy",
        /// Uploads creatives.
        AddCreativeAssets = "add-creative-assets",
        /// Changes a buy.
        UpdateMediaBuy = "update-media-buy",
        /// Undoes a create.
        CancelMediaBuy = "cancel-media-buy",
        /// Reads the status of buys.
        CheckStatus = "check-status",
        /// Reads what buys delivered.
        GetDelivery = "get-delivery",
        /// Passes performance on.
        ApplyPerformanceIndex = "apply-performance-index",
        /// Finds what a step made.
        FindMade = "find-made",
        /// Stops a surplus object.
        StopMade = "stop-made",
        /// Inspects the operator's account.
        InspectAccount = "inspect-account",
        /// Plans what is left to do after somebody else changed something.
        PlanFollowUp = "plan-follow-up",
        /// Does it.
        RunFollowUp = "run-follow-up",
    }
}

impl Function {
    /// Whether it changes something on the ad server.
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::CreateMediaBuy
                | Self::AddCreativeAssets
                | Self::UpdateMediaBuy
                | Self::CancelMediaBuy
                | Self::ApplyPerformanceIndex
                | Self::StopMade
                | Self::RunFollowUp
        )
    }

    /// The interface that has it.
    const fn interface(self) -> &'static str {
        match self {
            Self::InspectAccount => "account",
            Self::PlanFollowUp | Self::RunFollowUp => "follow-up",
            _ => "ad-server",
        }
    }

    /// Refuses a function of an optional interface that the release does not export.
    fn of(self, release: &Release) -> Result<(), Failure> {
        let has = match self {
            Self::InspectAccount => release.linked.inspects_account(),
            Self::PlanFollowUp | Self::RunFollowUp => release.linked.follows_up(),
            _ => true,
        };
        if has {
            return Ok(());
        }
        let message = format!("the component does not export `{}`, which has {self}", self.interface());
        Err(Failure::new(FailureKind::Unsupported, "not_exported", message))
    }

    fn mode(self, journal: Journal, call: &Call) -> Mode {
        match self {
            Self::Describe | Self::Plan | Self::PlanFollowUp => Mode::Offline,
            _ if self.writes() => Mode::Write(CallSteps::new(journal, &call.remote)),
            _ => Mode::Read,
        }
    }
}

/// Why a call can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentError {
    /// An argument does not fit its type.
    #[error("{at}: {message}")]
    Wrong {
        /// Where, as in `buy.packages[0].price`.
        at: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// The platform has no such release.
    #[error("{0}")]
    Unavailable(Failure),
}

impl From<Failure> for ArgumentError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure)
    }
}

/// What a call by hand has answered.
#[derive(Debug)]
pub struct Answered {
    /// The answer of the function, or why there is none.
    pub answer: Result<Value, Failure>,
    /// What the adapter has printed.
    pub printed: String,
    /// The call as a file.
    pub recording: Option<Result<Recording, RecordingError>>,
}

/// A call that is made again from a recording.
#[derive(Debug)]
pub(crate) struct Again {
    /// What answers its requests.
    pub(crate) replay: Arc<Replay>,
    /// When it was recorded.
    pub(crate) recorded_at: Timestamp,
}

impl Adapters {
    /// Returns the arguments that the host would pass to a function for a change or a read of this
    /// buy, without `ctx`. A function about an object that a step made has no such arguments.
    pub(crate) async fn arguments(
        &self,
        platform: &PlatformName,
        function: Function,
        change: AdapterChange<'_>,
        advertiser_id: &str,
    ) -> Result<Value, ArgumentError> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, None).await?;
        function.of(release)?;
        let outgoing = Outgoing { platform: &platform.name, capabilities: &release.capabilities };
        let asked = || outgoing.asked(change);
        let mut arguments = Map::new();
        let mut put = |name: &str, value: Value| drop(arguments.insert(name.to_owned(), value));
        match function {
            Function::Describe | Function::FindMade | Function::StopMade => {}
            Function::Plan => match asked() {
                Asked::Change(change) => put("change", plain(&change)),
                Asked::FollowUp(_) => {}
            },
            Function::InspectAccount => {
                let buy = change.buy();
                let sold = buy.packages_on(&platform.name).map(|package| SoldProduct::of(buy, package));
                put("products", plain(&contract::account::products(&sold.collect::<Vec<_>>())));
            }
            Function::CheckStatus | Function::GetDelivery => {
                let asked = RemoteBuy { buy: change.buy(), advertiser_id: advertiser_id.to_owned() };
                put("buys", plain(&vec![contract::remote_buy(&platform.name, &asked)]));
                if function == Function::GetDelivery {
                    // Some ad servers report to yesterday only.
                    let (now, day_ms) = (clock::now(), 86_400_000);
                    let (first, last) = (now.plus_millis(-day_ms).day().to_string(), now.day().to_string());
                    put("range", plain(&wit::DateRange { first, last }));
                }
            }
            _ => match asked() {
                Asked::Change(wit::Change::Create(buy) | wit::Change::Cancel(buy)) => put("buy", plain(&buy)),
                Asked::Change(wit::Change::AddCreatives(batch)) => put("batch", plain(&batch)),
                Asked::Change(wit::Change::Update(update)) => put("update", plain(&update)),
                Asked::Change(wit::Change::PerformanceIndex(update)) => put("update", plain(&update)),
                Asked::FollowUp(work) => put("work", plain(&work)),
            },
        }
        let types = json::Types::of(release.linked.component(), &self.library.runtime.engine, function);
        Ok(Value::Object(types.parameters_to_wit(arguments)))
    }

    /// Calls a function of the release that serves a platform. `arguments` has the function's
    /// parameters by name. Fields that it gives for `ctx` replace those that the host fills in.
    /// With `again`, its requests are answered from a recording.
    ///
    /// # Errors
    /// When an argument does not fit its type. A failure of the call is in the answer.
    pub(crate) async fn call_by_hand(
        &self,
        platform: &PlatformName,
        function: Function,
        call: &Call,
        arguments: &Value,
        (journal, again): (Journal, Option<&Again>),
    ) -> Result<Answered, ArgumentError> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, None).await?;
        let types = json::Types::of(release.linked.component(), &self.library.runtime.engine, function);
        function.of(release)?;
        let recorder: Arc<CallRecorder> = Arc::default();
        let mode = function.mode(recorder.beside(journal), call);
        let _leaves = match &mode {
            Mode::Write(steps) => Some(steps.leave_on_drop()),
            Mode::Offline | Mode::Read => None,
        };
        let purpose = mode.purpose();
        let mut calling = self.calling(platform, release, call.operation.as_str(), mode, call.deadline);
        if let Some(Again { replay, recorded_at }) = again {
            calling = calling.replayed(replay, ClockShift::Behind(recorded_at.until(clock::now())));
        }
        let context = calling.context(Some(call));
        let arguments = types.parameters_from_wit(arguments, plain(&context))?;
        let calling = calling.recorded_by(Some(&recorder)).given(function, || Value::Object(arguments.clone()));
        let mut printed = String::new();
        let answer = counted(platform, release, purpose, async {
            let ended = run(calling, function, arguments).await?;
            printed = ended.printed;
            ended.answer
        })
        .await;
        let answer = answer.map(|answer| types.result_to_wit(answer));
        let result = match &answer {
            Ok(output) => RecordedResult { output: Some(output.clone()), failure: None },
            Err(failure) => RecordedResult { output: None, failure: Some(failure.into()) },
        };
        let operation = call.operation.as_str();
        let recording = self.recording_by_hand(platform, release, operation, recorder.take(), result);
        Ok(Answered { answer, printed, recording })
    }

    /// Shows the requests of all calls on a platform to `tap` from now on. Only the first tap of a
    /// platform is used.
    pub fn tap(&self, platform: &PlatformName, tap: Arc<dyn Tap>) {
        if let Some(platform) = self.platforms.get(platform) {
            // A second tap is not used.
            let _ = platform.egress.tap.set(tap);
        }
    }
}

/// Returns the arguments of a function in the form that people read and write.
pub(super) fn in_words(release: &Release, engine: &Engine, function: Function, arguments: Map<String, Value>) -> Value {
    Value::Object(json::Types::of(release.linked.component(), engine, function).parameters_to_wit(arguments))
}

/// Returns the objects of the context of such arguments.
pub(crate) fn known_objects(arguments: &Value) -> Vec<RemoteObject> {
    let context = arguments.pointer("/ctx/remote").cloned().unwrap_or_default();
    let known: Vec<Value> = serde_json::from_value(context).unwrap_or_default();
    let text = |object: &Value, name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let known = known.iter().filter_map(|object| {
        let kind = match object.get("kind")? {
            Value::String(kind) => match kind.as_str() {
                "order" => wit::RemoteKind::Order,
                "package" => wit::RemoteKind::Package,
                "creative" => wit::RemoteKind::Creative,
                "association" => wit::RemoteKind::Association,
                _ => return None,
            },
            other => wit::RemoteKind::Other(text(other, "other")?),
        };
        let object = wit::RemoteObject { kind, key: text(object, "key")?, id: text(object, "id")? };
        contract::remote_from_guest(object).ok()
    });
    known.collect()
}

/// A value in the form of the generated types.
fn plain<T: Serialize>(value: &T) -> Value {
    // The generated types have no maps and no floats that JSON lacks.
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Takes an argument, which has been checked against its type.
fn take<T: DeserializeOwned>(arguments: &mut Map<String, Value>, name: &str) -> Result<T, Failure> {
    let value = arguments.remove(name).unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|error| {
        Failure::new(FailureKind::Rejected, "argument", format!("the argument `{name}` does not fit: {error}"))
    })
}

async fn run(
    calling: Calling<'_>,
    function: Function,
    mut arguments: Map<String, Value>,
) -> Result<Ended<Value>, Failure> {
    let given = &mut arguments;
    macro_rules! called {
        ($method:ident $(, $name:ident: $ty:ty)*) => {{
            let context: wit::Context = take(given, "ctx")?;
            $(let $name: $ty = take(given, stringify!($name))?;)*
            calling
                .run_and_listen(move |store, adapter| {
                    let guest = adapter.ad_server();
                    Box::pin(async move { Ok(plain(&guest.$method(store, &context $(, &$name)*).await?)) })
                })
                .await
        }};
        (optional $interface:ident.$method:ident, $name:ident: $ty:ty) => {{
            let context: wit::Context = take(given, "ctx")?;
            let $name: $ty = take(given, stringify!($name))?;
            calling
                .run_and_listen(move |store, adapter| {
                    Box::pin(async move {
                        let guest = adapter.$interface(&mut *store)?;
                        Ok(plain(&guest.$method(store, &context, &$name).await?))
                    })
                })
                .await
        }};
    }
    Ok(match function {
        Function::Describe => {
            calling
                .run_and_listen(|store, adapter| {
                    let guest = adapter.ad_server();
                    Box::pin(async move { Ok(plain(&guest.call_describe(store).await?)) })
                })
                .await
        }
        Function::Plan => called!(call_plan, change: wit::Change),
        Function::CreateMediaBuy => called!(call_create_media_buy, buy: wit::MediaBuy),
        Function::AddCreativeAssets => called!(call_add_creative_assets, batch: wit::CreativeBatch),
        Function::UpdateMediaBuy => called!(call_update_media_buy, update: wit::MediaBuyUpdate),
        Function::CancelMediaBuy => called!(call_cancel_media_buy, buy: wit::MediaBuy),
        Function::CheckStatus => called!(call_check_status, buys: Vec<wit::RemoteBuy>),
        Function::GetDelivery => called!(call_get_delivery, buys: Vec<wit::RemoteBuy>, range: wit::DateRange),
        Function::ApplyPerformanceIndex => called!(call_apply_performance_index, update: wit::PerformanceUpdate),
        Function::FindMade => called!(call_find_made, step: wit::MadeStep),
        Function::StopMade => called!(call_stop_made, object: wit::MadeObject),
        Function::InspectAccount => {
            called!(optional account.call_inspect_account, products: Vec<account::Product>)
        }
        Function::PlanFollowUp => called!(optional follow_up.call_plan_follow_up, work: follow_up::Work),
        Function::RunFollowUp => called!(optional follow_up.call_run_follow_up, work: follow_up::Work),
    })
}
