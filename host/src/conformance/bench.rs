//! The bench: the component in the real sandbox, with the proxy between it and the ad server.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    CheckError, Options,
    journal::KitJournal,
    proxy::Proxy,
    sample::{self, Sample},
};
use crate::{
    adapters::{
        AdapterChange, AdapterSetupError, Adapters, AdaptersConfig, AnsweredByHand, ArgumentError, Call, EngineOptions,
        Function, PlatformConfig, RemoteBuy, Usage,
    },
    clock,
    config::AdapterCheck,
    domain::{
        capability::Capabilities,
        delivery::RemoteBuyStatus,
        failure::Failure,
        id::{OperationId, PlatformName},
        lookup::MadeObject,
        media_buy::{MediaBuy, RemoteObject},
        operation::LegOutcome,
        plan::PlatformPlan,
        step::Step,
        time::Timestamp,
    },
};

/// A directory for compiled code. One of the kit's own is removed with everything in it.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) path: PathBuf,
    own: bool,
}

impl Scratch {
    pub(super) fn new(given: Option<PathBuf>) -> Self {
        let name = || format!("flightdeck-check-{}", uuid::Uuid::now_v7().simple());
        Self { own: given.is_none(), path: given.unwrap_or_else(|| std::env::temp_dir().join(name())) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.own {
            // What is left behind is compiled code; the system clears it away some day.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Everything that the calls of one component have in common.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) config: AdapterCheck,
    pub(super) capabilities: Arc<Capabilities>,
    pub(super) name: PlatformName,
    /// How long a lookup may miss what was written.
    pub(super) lookup_wait: Duration,
    /// Whether the sample has targeting by place and by hours.
    rich: AtomicBool,
    compiler: PathBuf,
    scratch: Scratch,
    used: Mutex<Usage>,
}

impl Bench {
    pub(super) fn new(config: AdapterCheck, capabilities: Capabilities, options: &Options) -> Self {
        let lookup_wait = config.lookup_wait.unwrap_or(Duration::from_millis(u64::from(capabilities.lookup_lag_ms)));
        Self {
            name: config.platform.name.clone(),
            config,
            capabilities: Arc::new(capabilities),
            lookup_wait,
            rich: AtomicBool::new(true),
            compiler: options.compiler.clone(),
            scratch: Scratch::new(options.data_dir.clone()),
            used: Mutex::default(),
        }
    }

    /// Returns the most that any call has used so far.
    pub(super) fn used(&self) -> Usage {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_used(&self, adapters: &Adapters) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.max(adapters.peak_usage());
    }

    /// Starts a host whose endpoint is the proxy.
    pub(super) async fn host(&self, proxy: &Proxy) -> Result<Arc<Adapters>, AdapterSetupError> {
        let platform = PlatformConfig {
            endpoint: proxy.url.clone(),
            origins: self.config.platform.origins.iter().chain([proxy.url.origin()]).cloned().collect(),
            ..self.config.platform.clone()
        };
        let config = AdaptersConfig {
            data_dir: self.scratch.path.clone(),
            compiler: self.compiler.clone(),
            engine: EngineOptions { slots: 8, pooling: false, threads: Some(1), ..EngineOptions::default() },
            platforms: vec![platform],
        };
        Box::pin(Adapters::start(config)).await
    }

    /// Makes a sample buy with an id of its own.
    pub(super) fn sample(&self) -> Sample {
        sample::sample(self, self.rich.load(Ordering::Relaxed))
    }

    /// Leaves targeting by place and by hours out of every sample from now on.
    pub(super) fn make_plain(&self) {
        self.rich.store(false, Ordering::Relaxed);
    }
}

/// A host with its proxy. Several of them work side by side.
#[derive(Debug)]
pub(super) struct Lane<'b> {
    pub(super) bench: &'b Bench,
    pub(super) proxy: Proxy,
    adapters: Arc<Adapters>,
    release: String,
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.bench.note_used(&self.adapters);
    }
}

impl<'b> Lane<'b> {
    /// Starts a host and its proxy.
    ///
    /// # Errors
    /// When the machine refuses, or the component can't serve.
    pub(super) async fn open(bench: &'b Bench) -> Result<Self, CheckError> {
        let proxy = Proxy::before(&bench.config.platform.endpoint).await.map_err(CheckError::Proxy)?;
        let adapters = bench.host(&proxy).await?;
        let release = adapters.active_release(&bench.name).unwrap_or_default();
        Ok(Self { bench, proxy, adapters, release })
    }

    /// Starts the host again, as after a crash: pauses, tokens and breakers are forgotten.
    ///
    /// # Errors
    /// As [`Lane::open`].
    pub(super) async fn restart(&mut self) -> Result<(), CheckError> {
        self.bench.note_used(&self.adapters);
        self.adapters = self.bench.host(&self.proxy).await?;
        Ok(())
    }

    fn call(&self, operation: &OperationId, remote: Vec<RemoteObject>, within: Option<Duration>) -> Call {
        let within = within.unwrap_or(self.bench.config.platform.limits.wall());
        Call {
            operation: operation.clone(),
            advertiser_id: self.bench.config.advertiser_id.clone(),
            buyer: Some("Conformance kit".to_owned()),
            remote,
            deadline: clock::now().plus(within),
            frozen: None,
        }
    }

    fn known(&self, buy: &MediaBuy) -> Vec<RemoteObject> {
        buy.remote_on(&self.bench.name).to_vec()
    }

    pub(super) fn deadline(&self) -> Timestamp {
        clock::now().plus(self.bench.config.platform.limits.wall())
    }

    /// Plans a change, with the guest's clock ahead.
    pub(super) async fn plan(&self, change: AdapterChange<'_>, ahead: Duration) -> Result<PlatformPlan, Failure> {
        let call = self.call(&OperationId::from("op_check"), self.known(change.buy()), None);
        Box::pin(self.adapters.plan_ahead(&self.bench.name, &call, change, ahead)).await
    }

    /// Carries a change out once. What the journal remembers already is known to the call.
    pub(super) async fn execute(
        &self,
        change: AdapterChange<'_>,
        journal: &Arc<KitJournal>,
        within: Option<Duration>,
    ) -> Result<LegOutcome, Failure> {
        let call = self.call(journal.operation(), journal.objects(), within);
        // Boxed, as are other large futures here: together they would not fit on the stack of a thread.
        Box::pin(self.adapters.execute(&self.bench.name, &self.release, &call, change, journal.clone())).await
    }

    /// Calls one function with arguments in JSON.
    pub(super) async fn call_by_hand(
        &self,
        function: Function,
        arguments: &serde_json::Value,
        journal: &Arc<KitJournal>,
    ) -> Result<AnsweredByHand, ArgumentError> {
        let call = self.call(journal.operation(), journal.objects(), None);
        Box::pin(self.adapters.call_by_hand(&self.bench.name, function, &call, arguments, (journal.clone(), None)))
            .await
    }

    /// Finds what a step has made.
    pub(super) async fn find_made(&self, buy: &MediaBuy, step: &Step) -> Result<Vec<MadeObject>, Failure> {
        let call = self.call(&step.operation, self.known(buy), None);
        Box::pin(self.adapters.find_made(&self.bench.name, &self.release, &call, step)).await
    }

    /// Reads the statuses of buys in one call. Returns them, and what is wrong with the answers.
    pub(super) async fn statuses(
        &self,
        buys: &[&MediaBuy],
    ) -> Result<(Vec<Result<RemoteBuyStatus, Failure>>, Option<String>), Failure> {
        let asked = self.asked(buys);
        let read = Box::pin(self.adapters.check_status_of_batch(&self.bench.name, &asked, self.deadline())).await;
        read.map(|(answers, wrong)| (answers.into_iter().map(|(_, answer)| answer).collect(), wrong))
    }

    /// Reads the status of one buy.
    pub(super) async fn status(&self, buy: &MediaBuy) -> Result<RemoteBuyStatus, String> {
        match self.statuses(&[buy]).await {
            Err(failure) => Err(shown(&failure)),
            Ok((_, Some(wrong))) => Err(wrong),
            Ok((mut answers, None)) => match answers.pop() {
                Some(answer) => answer.map_err(|failure| shown(&failure)),
                None => Err("there is no answer".to_owned()),
            },
        }
    }

    pub(super) fn asked<'m>(&self, buys: &[&'m MediaBuy]) -> Vec<RemoteBuy<'m>> {
        let advertiser = || self.bench.config.advertiser_id.clone();
        buys.iter().map(|buy| RemoteBuy { buy, advertiser_id: advertiser() }).collect()
    }

    pub(super) fn adapters(&self) -> &Adapters {
        &self.adapters
    }
}

/// Shows a failure with its kind and code.
pub(super) fn shown(failure: &Failure) -> String {
    let items: Vec<String> =
        failure.items.iter().take(3).map(|item| format!("{}: {}", item.field, item.message)).collect();
    let items = if items.is_empty() { String::new() } else { format!(" [{}]", items.join("; ")) };
    format!("{} ({}): {failure}{items}", failure.kind, failure.code)
}
