//! Adapter calls per second: `plan` for a buy of two packages through the sandbox, compared to the
//! same function called natively.
//!
//! The measurement through the sandbox includes everything that a call of the host costs:
//! translating the buy, a fresh instance with its limits, the component's own work, and checking
//! and translating its answer.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use flightdeck::{
    adapters::{Adapters, AdaptersConfig, Call, EngineOptions, PlatformConfig},
    domain::{
        change::ProposedChange,
        creative::Format,
        id::{OperationId, PlatformName},
        media_buy::{MediaBuy, Pacing, Package},
        money::Micros,
        price::Price,
        status::BuyStatus,
        targeting::Targeting,
        time::Timestamp,
    },
};
use flightdeck_adapter::{Adapter as _, types as wit};
use flightdeck_adapter_kevel::Kevel;
use serde_json::{Value, json};

use crate::figures::Figures;

/// How long each measurement runs.
const RUN_FOR: Duration = Duration::from_secs(5);

const START: &str = "2027-01-01T00:00:00Z";
const END: &str = "2027-01-31T23:59:59Z";
const SETTINGS: &str = r#"{"priority_id":3002}"#;

/// Measures both, and prints one above the other.
pub(crate) async fn measure(target: &Path, host: &Path, folder: &Path) -> anyhow::Result<()> {
    let native = natively()?;
    println!("plan, native                   {}", native.line());
    let adapters = start(target, host, &folder.join("adapters")).await?;
    let callers = std::thread::available_parallelism()?.get();
    for at_once in [1, callers * 4] {
        let figures = sandboxed(&adapters, at_once).await?;
        let more = figures.median().saturating_sub(native.median());
        println!("plan, sandboxed, {at_once:>2} at once     {}   median {more:?} more than native", figures.line());
    }
    Ok(())
}

fn natively() -> anyhow::Result<Figures> {
    let (context, change) = (native_context(), wit::Change::Create(native_buy()));
    let plan = Kevel::plan(context.clone(), change.clone());
    ensure!(plan.as_ref().is_ok_and(|plan| plan.changes.len() == 3), "the native plan is {plan:?}");
    let (mut latencies, begun) = (Vec::new(), Instant::now());
    while begun.elapsed() < RUN_FOR {
        let one = Instant::now();
        let _plan = std::hint::black_box(Kevel::plan(context.clone(), change.clone()));
        latencies.push(one.elapsed());
    }
    Ok(Figures::new(latencies, begun.elapsed()))
}

async fn start(target: &Path, host: &Path, data_dir: &Path) -> anyhow::Result<Arc<Adapters>> {
    let component = target.join("wasm32-wasip2/guest/flightdeck_adapter_kevel.wasm");
    let mut platform = PlatformConfig::new("kevel", component, "https://api.kevel.co".parse()?);
    let reads = ["POST /v1/campaign/search", "POST /v1/report/queue", "POST /v1/instantcounts/bulk"];
    platform.read_requests = reads.iter().map(|pattern| pattern.parse()).collect::<Result<_, _>>()?;
    Adapters::start(AdaptersConfig {
        data_dir: data_dir.to_owned(),
        compiler: host.to_owned(),
        engine: EngineOptions::default(),
        platforms: vec![platform],
    })
    .await
    .context("the adapter can't be used")
}

async fn sandboxed(adapters: &Arc<Adapters>, at_once: usize) -> anyhow::Result<Figures> {
    let begun = Instant::now();
    let callers = (0..at_once).map(|_| {
        let adapters = Arc::clone(adapters);
        tokio::spawn(async move {
            let (platform, buy) = (PlatformName::from("kevel"), buy("kevel", &json!({ "priority_id": 3002 }))?);
            let mut latencies = Vec::new();
            while begun.elapsed() < RUN_FOR {
                let one = Instant::now();
                let plan = adapters.plan(&platform, None, &call()?, ProposedChange::create(&buy).into()).await;
                let plan = plan.map_err(|failure| anyhow::anyhow!("{failure}"))?;
                latencies.push(one.elapsed());
                ensure!(plan.changes.len() == 3, "the plan is {plan:?}");
            }
            anyhow::Ok(latencies)
        })
    });
    let mut latencies = Vec::new();
    for caller in futures::future::join_all(callers).await {
        latencies.extend(caller??);
    }
    Ok(Figures::new(latencies, begun.elapsed()))
}

pub(crate) fn call() -> anyhow::Result<Call> {
    let deadline = Timestamp::parse("2099-01-01T00:00:00Z")?;
    let operation = OperationId::new("op_bench");
    Ok(Call { operation, advertiser_id: "1001".to_owned(), buyer: None, remote: Vec::new(), deadline, frozen: None })
}

/// Returns the buy for every measurement: two packages of 1,000 each at a CPM of 10, of products with
/// these settings.
pub(crate) fn buy(platform: &str, settings: &Value) -> anyhow::Result<MediaBuy> {
    let units = |units: i64| Micros::new(units * Micros::UNIT).context("an amount");
    let (start, end) = (Timestamp::parse(START)?, Timestamp::parse(END)?);
    let package = |id: &str| {
        anyhow::Ok(Package {
            id: id.into(),
            name: id.to_owned(),
            platform: platform.into(),
            active: true,
            switched_at: None,
            budget: units(1_000)?,
            goal: Some(100_000),
            price: Price::cpm(units(10)?),
            floor: units(10)?,
            pacing: None,
            daily_budget: None,
            daily_goal: None,
            targeting: Targeting::default(),
            creatives: Vec::new(),
            formats: vec![Format::Image],
            settings: settings.clone(),
            review_lead_ms: 0,
            performance_index: None,
        })
    };
    Ok(MediaBuy {
        id: format!("{platform}_bench").into(),
        principal: "agency".into(),
        po_number: None,
        currency: "USD".to_owned(),
        active: true,
        switched_at: None,
        total_budget: units(2_000)?,
        approved_budget: None,
        approved_end: None,
        daily_budget: None,
        pacing: Pacing::Even,
        start,
        end,
        targeting: Targeting::default(),
        packages: vec![package("sports")?, package("news")?],
        creatives: Vec::new(),
        assets: BTreeMap::new(),
        absent: BTreeMap::new(),
        remote: BTreeMap::new(),
        status: BuyStatus::PendingActivation,
        detail: String::new(),
        revision: 1,
        booked_at: None,
        created_at: start,
        updated_at: start,
    })
}

fn native_context() -> wit::Context {
    wit::Context {
        operation_id: "op_bench".to_owned(),
        platform: "kevel".to_owned(),
        settings: "{}".to_owned(),
        endpoint: "https://api.kevel.co".to_owned(),
        advertiser_id: "1001".to_owned(),
        remote: Vec::new(),
        deadline: "2099-01-01T00:00:00Z".to_owned(),
        extensions: Vec::new(),
    }
}

fn native_buy() -> wit::MediaBuy {
    let package = |id: &str| wit::PackageOrder {
        package_id: id.to_owned(),
        name: id.to_owned(),
        active: true,
        budget: 1_000_000_000,
        impressions: 100_000,
        price: wit::Price { model: wit::PriceModel::Cpm, rate: 10_000_000 },
        pacing: wit::Pacing::Even,
        daily_budget: None,
        daily_impressions: None,
        start: START.to_owned(),
        end: END.to_owned(),
        targeting: wit::Targeting {
            rules: Vec::new(),
            dayparting: None,
            frequency_cap: None,
            custom: None,
            extensions: Vec::new(),
        },
        formats: vec![wit::CreativeFormat::Image],
        creative_ids: Vec::new(),
        product_settings: SETTINGS.to_owned(),
        extensions: Vec::new(),
    };
    wit::MediaBuy {
        media_buy_id: "kevel_bench".to_owned(),
        name: "kevel_bench".to_owned(),
        po_number: None,
        currency: "USD".to_owned(),
        active: true,
        total_budget: 2_000_000_000,
        daily_budget: None,
        start: START.to_owned(),
        end: END.to_owned(),
        packages: vec![package("sports"), package("news")],
        extensions: Vec::new(),
    }
}
