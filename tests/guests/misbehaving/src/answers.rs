//! What the adapter says of itself and of buys, and rubbish in the same shapes.

use std::{
    hash::{BuildHasher as _, RandomState},
    hint::black_box,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    behaviour,
    bindings::flightdeck::ad_server::{adapter_types::*, cache, steps},
    failure, http,
};

const SETTINGS_SCHEMA: &str = r#"{
  "type": "object",
  "properties": { "behaviour": { "type": "string" }, "url": { "type": "string" }, "say": { "type": "string" } },
  "additionalProperties": false
}"#;

/// What `describe` does wrong, between the colon and the end. It has no arguments, so tests
/// overwrite this text in the component.
static DESCRIBES: [u8; 32] = *b"describe:well                   ";

fn described() -> String {
    let text = DESCRIBES.map(black_box);
    String::from_utf8_lossy(&text).trim_end().replace("describe:", "")
}

pub(crate) fn describe() -> Description {
    let how = described();
    let mut said = good_description();
    match how.as_str() {
        "clock" => said.title = format!("Test on day {}", seconds() / 86_400),
        "random" => said.settings_schema = format!(r#"{{ "title": "{}" }}"#, random()),
        "version" => said.adapter_version = "one".to_owned(),
        "batch" => said.batch_size = 0,
        "formats" => said.formats.clear(),
        "prices" => said.price_models.clear(),
        "twice" => said.formats.push(CreativeFormat::Image),
        // Not wrong, but not what most platforms do.
        "totals" => said.delivery_counting = DeliveryCounting::Cumulative,
        "no-cancel" => {
            said.cancel = CancelSupport::Unsupported;
            said.updates.clear();
        }
        "panic" => panic!("the settings have \u{1b}[31mno schema"),
        _ => {}
    }
    said
}

/// A number that is another one in each instance, in the way in which the order of a hash map is.
fn random() -> u64 {
    RandomState::new().hash_one("x")
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn good_description() -> Description {
    let monday_morning = Daypart { days: vec![Weekday::Monday], start_hour: 6, end_hour: 10 };
    Description {
        platform: "test".to_owned(),
        title: "Test".to_owned(),
        adapter_version: "1.0.0".to_owned(),
        formats: vec![CreativeFormat::Image],
        targeting: vec![DimensionSupport {
            dimension: Dimension::GeoCountry,
            operators: vec![Operator::AnyOf],
            values: Vec::new(),
            note: String::new(),
            extensions: Vec::new(),
        }],
        dayparting: Some(DaypartingSupport {
            presets: vec![DaypartPreset { name: "morning".to_owned(), schedules: vec![monday_morning] }],
            custom_schedules: true,
            max_ranges: None,
            note: String::new(),
            extensions: Vec::new(),
        }),
        frequency_cap: None,
        pacing: vec![Pacing::Even],
        price_models: vec![PriceModel::Cpm],
        updates: vec![
            UpdateKind::Active,
            UpdateKind::TotalBudget,
            UpdateKind::Budget,
            UpdateKind::DailyBudget,
            UpdateKind::DailyImpressions,
        ],
        settings_schema: SETTINGS_SCHEMA.to_owned(),
        product_settings_schema: r#"{ "type": "object" }"#.to_owned(),
        read_requests: vec!["POST /report/*".to_owned()],
        write_requests: vec!["GET /orders/*/delete".to_owned()],
        lookup_lag_ms: 50,
        batch_size: 2,
        cancel: CancelSupport::Stops,
        delivery_counting: DeliveryCounting::Daily,
        extensions: Vec::new(),
    }
}

pub(crate) fn plan(ctx: &Context, change: &Change) -> Result<ChangePlan, Failure> {
    let mut notes = Vec::new();
    match behaviour(ctx).as_str() {
        "rubbish" => notes.push("x".repeat(100_000)),
        "oversize" => notes.push("x".repeat(20 << 20)),
        "fetch-in-plan" => {
            let _ = http::get(&format!("{}/x", ctx.endpoint));
        }
        "day-in-plan" => notes.push(format!("planned on day {}", seconds() / 86_400)),
        // Only for buys of this budget, so that the plan of a sample is the same.
        "random-in-some-plans" => match change {
            Change::Create(buy) if buy.total_budget == 123_000_000 => notes.push(format!("plan {}", random())),
            _ => {}
        },
        "random-in-plan" => notes.push(format!("plan {}", random())),
        "random-refusal" => return Err(failure(FailureKind::Invalid, "no", format!("no, says {}", random()))),
        "same-refusal" => return Err(failure(FailureKind::Invalid, "no", "no, always".to_owned())),
        "step-in-plan" => {
            steps::begin("x");
        }
        "cache-in-plan" => {
            cache::get("x");
        }
        _ => {}
    }
    let changes = match change {
        Change::Create(buy) if behaviour(ctx) == "plan-half" => vec![planned("Order", &buy.name, None, Vec::new())],
        Change::Create(buy) if behaviour(ctx) == "plan-strange" => {
            vec![planned("Line", &buy.name, Some("no-such-package".to_owned()), Vec::new())]
        }
        Change::Create(buy) => {
            let order = planned("Order", &buy.name, None, Vec::new());
            std::iter::once(order).chain(buy.packages.iter().map(planned_line)).collect()
        }
        _ => Vec::new(),
    };
    Ok(ChangePlan { changes, notes, extensions: Vec::new() })
}

fn planned_line(package: &PackageOrder) -> PlannedChange {
    let field = |field: &str, after: String| FieldChange { field: field.to_owned(), before: None, after: Some(after) };
    let hours = package.targeting.dayparting.as_ref().map(|dayparting| dayparting.schedules.len());
    let fields = vec![
        field("budget", package.budget.to_string()),
        field("custom", format!("{:?}", package.targeting.custom)),
        field("hours", format!("{hours:?}")),
    ];
    planned("Line", &package.name, Some(package.package_id.clone()), fields)
}

fn planned(remote_type: &str, name: &str, package_id: Option<String>, fields: Vec<FieldChange>) -> PlannedChange {
    PlannedChange {
        action: PlanAction::Create,
        remote_type: remote_type.to_owned(),
        name: name.to_owned(),
        remote_id: None,
        package_id,
        fields,
        extensions: Vec::new(),
    }
}

/// Every buy delivers; with rubbish, the first is left out and a stranger is told of.
pub(crate) fn statuses(ctx: &Context, buys: &[RemoteBuy]) -> Vec<StatusAnswer> {
    let one = |id: &str| StatusAnswer {
        media_buy_id: id.to_owned(),
        status: Ok(BuyStatus {
            media_buy_id: id.to_owned(),
            state: DeliveryState::Delivering,
            detail: detail(ctx, buys),
            packages: Vec::new(),
            assets: Vec::new(),
            extensions: Vec::new(),
        }),
    };
    let mut answers: Vec<_> = buys.iter().map(|buy| one(&buy.media_buy_id)).collect();
    if behaviour(ctx) == "rubbish" {
        answers.push(one("stranger"));
        answers.remove(0);
    }
    answers
}

/// How many were asked about at once, or whose they were and for whom the call was made.
fn detail(ctx: &Context, buys: &[RemoteBuy]) -> String {
    if behaviour(ctx) != "tell-context" {
        return format!("{} at once", buys.len());
    }
    let mut advertisers: Vec<&str> = buys.iter().map(|buy| buy.advertiser_id.as_str()).collect();
    advertisers.dedup();
    format!("advertiser {} of {}", ctx.advertiser_id, advertisers.join(" and "))
}

/// A thousand impressions each; with rubbish, fewer than none. A platform that counts totals says what `/delivered` answers.
pub(crate) fn deliveries(ctx: &Context, buys: &[RemoteBuy], range: &DateRange) -> Vec<DeliveryAnswer> {
    let impressions = if behaviour(ctx) == "rubbish" { -5 } else { 1000 };
    if described() == "totals" {
        return buys.iter().map(|buy| totals(ctx, buy)).collect();
    }
    let delivered = |buy: &RemoteBuy| DeliveryAnswer {
        media_buy_id: buy.media_buy_id.clone(),
        delivery: Ok(BuyDelivery {
            media_buy_id: buy.media_buy_id.clone(),
            rows: vec![DeliveryRow {
                package_id: "sports".to_owned(),
                day: range.first.clone(),
                impressions,
                spend: 5,
                clicks: None,
                video_completions: None,
                extensions: Vec::new(),
            }],
            totals: Vec::new(),
            as_of: None,
            extensions: Vec::new(),
        }),
    };
    buys.iter().map(delivered).collect()
}

fn totals(ctx: &Context, buy: &RemoteBuy) -> DeliveryAnswer {
    let answer = http::get(&format!("{}/delivered", ctx.endpoint)).map(|answer| answer.body).unwrap_or_default();
    let impressions: i64 = String::from_utf8_lossy(&answer).trim().parse().unwrap_or(0);
    let total = |object: &RemoteObject| DeliveryTotal {
        package_id: object.key.clone(),
        impressions,
        spend: impressions * 1_000,
        clicks: None,
        video_completions: None,
        extensions: Vec::new(),
    };
    let of_packages = buy.remote.iter().filter(|object| matches!(object.kind, RemoteKind::Package));
    DeliveryAnswer {
        media_buy_id: buy.media_buy_id.clone(),
        delivery: Ok(BuyDelivery {
            media_buy_id: buy.media_buy_id.clone(),
            rows: Vec::new(),
            totals: of_packages.map(total).collect(),
            as_of: None,
            extensions: Vec::new(),
        }),
    }
}
