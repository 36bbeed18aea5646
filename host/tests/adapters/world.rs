//! A host with some platforms, each served by the test component with a behaviour of its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use flightdeck::{
    adapters::{AdapterSetupError, Adapters, AdaptersConfig, Call, EngineOptions, Journal, PlatformConfig},
    domain::{
        change::ProposedChange,
        failure::Failure,
        id::{OperationId, PlatformName},
        media_buy::{MediaBuy, Pacing, Package},
        money::Micros,
        operation::LegOutcome,
        plan::PlatformPlan,
        price::Price,
        status::BuyStatus,
        targeting::Targeting,
        time::Timestamp,
    },
};
use flightdeck_test_support::native_code;
use serde_json::json;

use super::journal::MemoryJournal;

pub(crate) struct World {
    pub(crate) adapters: Arc<Adapters>,
    pub(crate) data_dir: tempfile::TempDir,
}

pub(crate) fn guest() -> PathBuf {
    flightdeck_test_support::component("flightdeck-test-guest")
}

/// A platform whose component does one thing wrong.
pub(crate) fn platform(name: &str, behaviour: &str, endpoint: &str) -> PlatformConfig {
    let mut config = PlatformConfig::new(name, guest(), endpoint.parse().unwrap());
    config.settings = json!({ "behaviour": behaviour });
    let authority = endpoint.strip_prefix("http://").unwrap_or("127.0.0.1:1");
    config.allow_private = vec![authority.parse().unwrap()];
    config.read_requests = vec!["POST /report/*".parse().unwrap()];
    config
}

pub(crate) fn config(data_dir: &Path, platforms: Vec<PlatformConfig>) -> AdaptersConfig {
    AdaptersConfig {
        data_dir: data_dir.to_owned(),
        compiler: PathBuf::from(env!("CARGO_BIN_EXE_flightdeck")),
        engine: EngineOptions { slots: 16, memory: Some(16 << 30), ..EngineOptions::default() },
        platforms,
    }
}

pub(crate) async fn start(platforms: Vec<PlatformConfig>) -> Result<World, AdapterSetupError> {
    let data_dir = tempfile::tempdir().unwrap();
    native_code::borrow(data_dir.path());
    let adapters = Adapters::start(config(data_dir.path(), platforms)).await?;
    native_code::lend(data_dir.path());
    Ok(World { adapters, data_dir })
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(0).plus(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap())
}

pub(crate) fn soon() -> Timestamp {
    now().plus(Duration::from_secs(60))
}

pub(crate) fn call() -> Call {
    let operation = OperationId::mint();
    Call { operation, advertiser_id: "7".to_owned(), buyer: None, remote: Vec::new(), deadline: soon(), frozen: None }
}

impl World {
    pub(crate) async fn plan(&self, platform: &str) -> Result<PlatformPlan, Failure> {
        let buy = buy(platform);
        self.adapters.plan(&platform.into(), None, &call(), ProposedChange::create(&buy).into()).await
    }

    pub(crate) async fn create(&self, platform: &str, journal: &Arc<MemoryJournal>) -> Result<LegOutcome, Failure> {
        let name = PlatformName::from(platform);
        let release = self.adapters.active_release(&name).unwrap();
        let journal: Journal = Arc::clone(journal) as Journal;
        self.adapters.execute(&name, &release, &call(), ProposedChange::create(&buy(platform)).into(), journal).await
    }
}

/// A buy of two packages on one platform.
pub(crate) fn buy(platform: &str) -> MediaBuy {
    let budget = |units: i64| Micros::new(units * Micros::UNIT).unwrap();
    let package = |id: &str| Package {
        id: id.into(),
        name: id.to_owned(),
        platform: platform.into(),
        active: true,
        switched_at: None,
        budget: budget(100),
        goal: Some(10_000),
        price: Price::cpm(budget(10)),
        floor: budget(1),
        pacing: None,
        daily_budget: None,
        daily_goal: None,
        targeting: Targeting::default(),
        creatives: Vec::new(),
        formats: Vec::new(),
        settings: json!({}),
        review_lead_ms: 0,
        performance_index: None,
    };
    let created = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    MediaBuy {
        id: format!("{platform}_1").into(),
        principal: "agency".into(),
        po_number: Some("PO-1".to_owned()),
        currency: "USD".to_owned(),
        active: true,
        switched_at: None,
        total_budget: budget(200),
        approved_budget: None,
        approved_end: None,
        daily_budget: Some(budget(20)),
        pacing: Pacing::Even,
        start: Timestamp::parse("2026-12-01T00:00:00Z").unwrap(),
        end: Timestamp::parse("2026-12-31T23:59:59Z").unwrap(),
        targeting: Targeting::default(),
        packages: vec![package("sports"), package("news")],
        creatives: Vec::new(),
        assets: BTreeMap::new(),
        absent: BTreeMap::new(),
        remote: BTreeMap::new(),
        status: BuyStatus::PendingActivation,
        detail: String::new(),
        revision: 1,
        booked_at: None,
        created_at: created,
        updated_at: created,
    }
}
