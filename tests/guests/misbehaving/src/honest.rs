//! An adapter that keeps the contract, for a shop that a test plays. `honest` keeps all of it; `honest:<mutation>` breaks one
//! rule, for the tests of the conformance kit:
//!
//! - `write-outside-step`, `package-not-remembered`, `no-reference`, `no-lookup`: what a create can do wrong;
//! - `clock-in-plan`, `panic-in-plan`, `plan-takes-all`: the same of a plan, and only for some buys;
//! - `busy-is-refused`: a busy shop is taken for a refusal;
//! - `status-left-out`, `gone-is-a-failure`: the same of a read;
//! - `idle-writes`: an update without differences writes;
//! - `order-not-looked-for`: a cancel knows only what is remembered.
//!
//! The shop has objects: `POST /<kind>` with a reference makes one and answers its id, `GET /made?reference=…` lists those with a
//! reference, `GET /orders?buy=…` lists a buy's orders, `GET /object/<id>` answers `active`, `paused` or `stopped`, and `POST /set/<id>/<state>` sets that.

use crate::{
    behaviour,
    bindings::flightdeck::ad_server::{adapter_types::*, steps},
    failure, http, writes,
};

/// Whether this call breaks a rule in the given way.
fn breaks(ctx: &Context, mutation: &str) -> bool {
    behaviour(ctx).strip_prefix("honest:") == Some(mutation)
}

/// Whether the adapter is to be honest, but for one thing perhaps.
pub(crate) fn is_asked(ctx: &Context) -> bool {
    let behaviour = behaviour(ctx);
    behaviour == "honest" || behaviour.starts_with("honest:")
}

fn send(ctx: &Context, answer: Result<http::Answer, wasip2::http::types::ErrorCode>) -> Result<String, Failure> {
    let answer = answer.map_err(|error| writes::unavailable(&error))?;
    let kind = match answer.status {
        200 => return Ok(String::from_utf8_lossy(&answer.body).into_owned()),
        404 => FailureKind::NotFound,
        401 => FailureKind::Permission,
        429 | 500.. if !breaks(ctx, "busy-is-refused") => FailureKind::Unavailable,
        _ => FailureKind::Rejected,
    };
    Err(failure(kind, "shop", format!("The shop answered {}.", answer.status)))
}

fn get(ctx: &Context, path: &str) -> Result<String, Failure> {
    send(ctx, http::get(&format!("{}{path}", ctx.endpoint)))
}

fn post(ctx: &Context, path: &str, body: &str) -> Result<String, Failure> {
    send(ctx, http::post(&format!("{}{path}", ctx.endpoint), body.as_bytes()))
}

/// Makes an object of a kind in a step, once. An answer without an id proves nothing.
fn make(ctx: &Context, buy: &str, name: &str, kind: &str) -> Result<String, Failure> {
    let reference = match steps::begin(name) {
        steps::State::Done(outcome) => return Ok(String::from_utf8_lossy(&outcome).into_owned()),
        steps::State::Fresh(reference) => reference,
        steps::State::InDoubt(reference) if breaks(ctx, "no-lookup") => reference,
        steps::State::InDoubt(reference) => {
            if let Some((id, _)) = made(ctx, &reference)?.first() {
                steps::finish(name, id.as_bytes());
                return Ok(id.clone());
            }
            steps::absent(name);
            reference
        }
    };
    let carried = if breaks(ctx, "no-reference") { "" } else { reference.as_str() };
    let id = post(ctx, &format!("/{kind}?buy={buy}"), carried)?;
    if id.is_empty() {
        return Err(failure(FailureKind::Unavailable, "shop", "The shop named no id.".to_owned()));
    }
    steps::finish(name, id.as_bytes());
    Ok(id)
}

/// Sets the state of an object in a step. That can be repeated.
fn set(ctx: &Context, id: &str, state: &str) -> Result<(), Failure> {
    let name = format!("set {state} {id}");
    if !matches!(steps::begin(&name), steps::State::Done(_)) {
        post(ctx, &format!("/set/{id}/{state}"), "")?;
        steps::finish(&name, b"");
    }
    Ok(())
}

fn remember(kind: RemoteKind, key: &str, id: String) {
    steps::remember(&RemoteObject { kind, key: key.to_owned(), id });
}

/// The objects with a reference, and whether each may deliver.
fn made(ctx: &Context, reference: &str) -> Result<Vec<(String, bool)>, Failure> {
    list(ctx, &format!("/made?reference={reference}"))
}

fn list(ctx: &Context, path: &str) -> Result<Vec<(String, bool)>, Failure> {
    let listed = get(ctx, path)?;
    // A page of something else, as of a proxy, is no list.
    let Some(lines) = listed.strip_prefix("made\n") else {
        return Err(failure(FailureKind::Unavailable, "shop", "The shop returned no list.".to_owned()));
    };
    let read = |line: &str| line.split_once(' ').map(|(id, state)| (id.to_owned(), state != "stopped"));
    Ok(lines.lines().filter_map(read).collect())
}

fn item(field: String, value: String) -> FailureItem {
    let message = "is not offered by the shop".to_owned();
    FailureItem { field, value, message, supported: Vec::new(), extensions: Vec::new() }
}

pub(crate) fn plan(ctx: &Context, change: &Change) -> Result<Vec<PlannedChange>, Failure> {
    let buy = match change {
        Change::Create(buy) => buy,
        Change::Update(update) => {
            return Ok(switched(&update.current, &update.desired).map(|(id, _)| planned("Line", Some(id))).collect());
        }
        _ => return Ok(Vec::new()),
    };
    let mut items = Vec::new();
    for package in &buy.packages {
        let at = |field: &str| format!("/packages/{}/{field}", package.package_id);
        if !matches!(package.pacing, Pacing::Even) {
            items.push(item(at("pacing"), "other".to_owned()));
        }
        if package.targeting.frequency_cap.is_some() {
            items.push(item(at("targeting_overlay/frequency_cap"), String::new()));
        }
        for rule in &package.targeting.rules {
            if !matches!((&rule.dimension, rule.operator), (Dimension::GeoCountry, Operator::AnyOf)) {
                let operator = if rule.operator == Operator::AnyOf { "any_of" } else { "none_of" };
                let name = format!("{:?}", rule.dimension).rsplit("::").next().unwrap_or_default().to_owned();
                items.push(item(at(&format!("targeting_overlay/{}_{operator}", snake(&name))), rule.values.join(",")));
            }
        }
        assert!(!(breaks(ctx, "panic-in-plan") && package.name.contains('"')), "a name with a quotation mark");
    }
    if !items.is_empty() && !breaks(ctx, "plan-takes-all") {
        let refused = failure(FailureKind::Unsupported, "unsupported", "The shop does not offer this.".to_owned());
        return Err(Failure { items, ..refused });
    }
    let lines = buy.packages.iter().map(|package| {
        let mut line = planned("Line", Some(&package.package_id));
        if !breaks(ctx, "price-not-in-plan") {
            line.fields.push(shown("rate", package.price.rate.to_string()));
        }
        line.fields.extend([
            shown("impressions", package.impressions.to_string()),
            shown("end", package.end.clone()),
            shown("active", package.active.to_string()),
            shown(
                "countries",
                package.targeting.rules.iter().flat_map(|rule| rule.values.clone()).collect::<Vec<_>>().join(","),
            ),
        ]);
        line
    });
    Ok(std::iter::once(planned("Order", None)).chain(lines).collect())
}

/// Notes of a plan. With a clock in them, but only where there are hours: the host's own sample has none.
pub(crate) fn notes(ctx: &Context, change: &Change) -> Vec<String> {
    let Change::Create(buy) = change else { return Vec::new() };
    let hours = buy.packages.iter().any(|package| package.targeting.dayparting.is_some());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let noted = hours && breaks(ctx, "clock-in-plan");
    noted.then(|| format!("The hours are those of day {}.", now.as_secs() / 86_400)).into_iter().collect()
}

fn snake(name: &str) -> String {
    let mut shown = String::new();
    for char in name.chars() {
        if char.is_uppercase() && !shown.is_empty() {
            shown.push('_');
        }
        shown.extend(char.to_lowercase());
    }
    shown
}

fn shown(field: &str, value: String) -> FieldChange {
    FieldChange { field: field.to_owned(), before: None, after: Some(value) }
}

fn planned(remote_type: &str, package_id: Option<&String>) -> PlannedChange {
    PlannedChange {
        action: PlanAction::Create,
        remote_type: remote_type.to_owned(),
        name: package_id.cloned().unwrap_or_default(),
        remote_id: None,
        package_id: package_id.cloned(),
        fields: Vec::new(),
        extensions: Vec::new(),
    }
}

pub(crate) fn create(ctx: &Context, buy: &MediaBuy) -> Result<Outcome, Failure> {
    if breaks(ctx, "write-outside-step") {
        post(ctx, "/orders", "")?;
    }
    let order = make(ctx, &buy.media_buy_id, "order", "orders")?;
    remember(RemoteKind::Order, "", order);
    for (index, package) in buy.packages.iter().enumerate() {
        let line = make(ctx, &buy.media_buy_id, &format!("line {}", package.package_id), "lines")?;
        if index == 0 || !breaks(ctx, "package-not-remembered") {
            remember(RemoteKind::Package, &package.package_id, line);
        }
    }
    Ok(writes::noted(Vec::new()))
}

pub(crate) fn add_creatives(ctx: &Context, batch: &CreativeBatch) -> Result<Vec<AssetStatus>, Failure> {
    let upload = |asset: &Creative| {
        let name = format!("creative {}", asset.creative_id);
        let id = make(ctx, &batch.media_buy.media_buy_id, &name, "creatives")?;
        remember(RemoteKind::Creative, &asset.creative_id, id.clone());
        Ok(AssetStatus {
            creative_id: asset.creative_id.clone(),
            state: AssetState::Approved,
            remote_id: Some(id),
            feedback: None,
            extensions: Vec::new(),
        })
    };
    batch.assets.iter().map(upload).collect()
}

fn id_of<'a>(remote: &'a [RemoteObject], package: &str) -> Option<&'a str> {
    let mine = |object: &&RemoteObject| matches!(object.kind, RemoteKind::Package) && object.key == package;
    remote.iter().find(mine).map(|object| object.id.as_str())
}

/// The packages that begin or cease to deliver, and whether they do.
fn switched<'a>(current: &'a MediaBuy, desired: &'a MediaBuy) -> impl Iterator<Item = (&'a String, bool)> {
    let active = |buy: &MediaBuy, id: &str| {
        buy.active && buy.packages.iter().any(|package| package.package_id == id && package.active)
    };
    desired.packages.iter().filter_map(move |package| {
        let (before, after) = (active(current, &package.package_id), active(desired, &package.package_id));
        (before != after).then_some((&package.package_id, after))
    })
}

pub(crate) fn update(ctx: &Context, update: &MediaBuyUpdate) -> Result<(), Failure> {
    if breaks(ctx, "idle-writes")
        && let Some(first) = ctx.remote.first()
    {
        set(ctx, &first.id, "active")?;
    }
    for (package, active) in switched(&update.current, &update.desired) {
        if let Some(id) = id_of(&ctx.remote, package) {
            set(ctx, id, if active { "active" } else { "paused" })?;
        }
    }
    Ok(())
}

pub(crate) fn cancel(ctx: &Context, buy: &MediaBuy) -> Result<(), Failure> {
    let mut ids: Vec<String> = ctx.remote.iter().map(|object| object.id.clone()).collect();
    // The answer to the order's request may have been lost.
    let is_known = ctx.remote.iter().any(|object| matches!(object.kind, RemoteKind::Order));
    if !is_known && !breaks(ctx, "order-not-looked-for") {
        ids.extend(list(ctx, &format!("/orders?buy={}", buy.media_buy_id))?.into_iter().map(|(id, _)| id));
    }
    for id in ids {
        match set(ctx, &id, "stopped") {
            // What is gone is stopped.
            Err(gone) if gone.kind == FailureKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

pub(crate) fn statuses(ctx: &Context, buys: &[RemoteBuy]) -> Result<Vec<StatusAnswer>, Failure> {
    let mut answers = Vec::new();
    for buy in buys {
        let mut packages = Vec::new();
        for object in buy.remote.iter().filter(|object| matches!(object.kind, RemoteKind::Package)) {
            let state = match get(ctx, &format!("/object/{}", object.id)) {
                Ok(state) => match state.as_str() {
                    "active" => DeliveryState::Scheduled,
                    "paused" => DeliveryState::Paused,
                    "stopped" => DeliveryState::Canceled,
                    other => DeliveryState::Other(other.to_owned()),
                },
                Err(gone) if gone.kind == FailureKind::NotFound && !breaks(ctx, "gone-is-a-failure") => {
                    DeliveryState::Missing
                }
                Err(other) => return Err(other),
            };
            packages.push(PackageStatus {
                package_id: object.key.clone(),
                state,
                impressions_delivered: None,
                extensions: Vec::new(),
            });
        }
        // The buy delivers if any of its packages does.
        let any = packages.iter().find(|package| matches!(package.state, DeliveryState::Scheduled));
        let state = any.or(packages.first()).map_or(DeliveryState::Missing, |package| package.state.clone());
        answers.push(StatusAnswer {
            media_buy_id: buy.media_buy_id.clone(),
            status: Ok(BuyStatus {
                media_buy_id: buy.media_buy_id.clone(),
                state,
                detail: String::new(),
                packages,
                assets: Vec::new(),
                extensions: Vec::new(),
            }),
        });
    }
    if breaks(ctx, "status-left-out") && answers.len() > 1 {
        answers.pop();
    }
    Ok(answers)
}

pub(crate) fn deliveries(buys: &[RemoteBuy]) -> Vec<DeliveryAnswer> {
    let nothing = |buy: &RemoteBuy| DeliveryAnswer {
        media_buy_id: buy.media_buy_id.clone(),
        delivery: Ok(BuyDelivery {
            media_buy_id: buy.media_buy_id.clone(),
            rows: Vec::new(),
            totals: Vec::new(),
            as_of: None,
            extensions: Vec::new(),
        }),
    };
    buys.iter().map(nothing).collect()
}

pub(crate) fn find(ctx: &Context, step: &MadeStep) -> Result<Vec<MadeObject>, Failure> {
    let (remote_type, kind, key) = match step.name.split_once(' ') {
        Some(("line", package)) => ("Line", RemoteKind::Package, package),
        Some(("creative", id)) => ("Creative", RemoteKind::Creative, id),
        None => ("Order", RemoteKind::Order, ""),
        Some(_) => return Ok(Vec::new()),
    };
    let object = |(id, active): (String, bool)| MadeObject {
        object: RemoteObject { kind: kind.clone(), key: key.to_owned(), id },
        remote_type: remote_type.to_owned(),
        name: String::new(),
        active,
        made_at: None,
        extensions: Vec::new(),
    };
    Ok(made(ctx, &step.reference)?.into_iter().map(object).collect())
}
