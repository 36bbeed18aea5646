//! `create_media_buy`: a new media buy from products.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    app::{
        App, Moment, NewMediaBuy, NewPackage, WriteAnswer, WriteOptions,
        acceptance::Draft,
        caller::Caller,
        error::{AppError, ErrorCode},
        pointers,
    },
    config::Product,
    domain::{
        budget,
        id::{MediaBuyId, PackageId, PlatformName, PrincipalId},
        media_buy::{self, MediaBuy, Pacing, Package},
        money::Micros,
        operation::{Change, OperationKind},
        problem::Problem,
        status::BuyStatus,
        time::Timestamp,
        update,
    },
    operations::now,
};

/// How long a flight lasts whose end was left out.
const DEFAULT_FLIGHT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What a new package brings with it: its price and what is known of its budget.
struct Draftee<'a> {
    asked: &'a NewPackage,
    product: &'a Product,
    cpm: Micros,
    budget: Option<Micros>,
}

impl App {
    /// Creates a media buy.
    ///
    /// # Errors
    /// Everything that makes it impossible; then nothing was stored.
    pub async fn create_media_buy(
        &self,
        caller: &Caller,
        new: NewMediaBuy,
        options: WriteOptions,
    ) -> Result<WriteAnswer, AppError> {
        let principal = caller.buyer()?.clone();
        if let Some(answer) = self.replay(&principal, &options, OperationKind::Create).await? {
            return Ok(answer);
        }
        let at = now();
        let (buy, notes) = self.draft_buy(&principal, &new, at).map_err(|problems| impossible(problems, &options))?;
        let (kind, change) = (OperationKind::Create, Change::Create);
        let draft = Draft { kind, change, current: buy.clone(), desired: buy, asked: at, notes };
        self.accept(caller, draft, options).await
    }

    /// The buy that a request asks for, and what was filled in.
    fn draft_buy(
        &self,
        principal: &PrincipalId,
        new: &NewMediaBuy,
        at: Timestamp,
    ) -> Result<(MediaBuy, Vec<String>), Vec<Problem>> {
        let mut problems = Vec::new();
        let draftees = self.draftees(principal, new, &mut problems);
        let currency = self.currency(new, &draftees, &mut problems);
        let leads = draftees.iter().map(|draftee| draftee.product.review_lead_ms);
        let (start, end, notes) = flight(new, at, leads, &mut problems);
        if new.packages.is_empty() {
            problems.push(Problem::new("/packages", "must name at least one package; see list_products"));
        }
        if let Some(daily) = new.daily_budget.filter(|daily| *daily > new.total_budget) {
            problems.push(Problem::new(
                "/daily_budget",
                format!("{daily} a day is more than the whole budget of {}", new.total_budget),
            ));
        }
        let budgets = if problems.is_empty() { share(new, &draftees, &mut problems) } else { Vec::new() };
        let mut packages = Vec::new();
        for (index, (draftee, budget)) in draftees.iter().zip(budgets).enumerate() {
            if let Some(package) = finish(draftee, budget, index, &mut problems) {
                packages.push(package);
            }
        }
        let platforms: Vec<&PlatformName> = packages.iter().map(|package| &package.platform).collect();
        let total_budget = Micros::sum(packages.iter().map(|package| package.budget)).unwrap_or(new.total_budget);
        let buy = MediaBuy {
            id: MediaBuyId::mint(platforms),
            principal: principal.clone(),
            po_number: new.po_number.clone(),
            currency,
            active: true,
            switched_at: None,
            total_budget,
            approved_budget: Some(total_budget),
            daily_budget: new.daily_budget,
            pacing: new.pacing.unwrap_or(Pacing::Even),
            start,
            end,
            targeting: new.targeting.clone(),
            packages,
            creatives: Vec::new(),
            assets: BTreeMap::new(),
            absent: BTreeMap::new(),
            remote: BTreeMap::new(),
            status: BuyStatus::PendingActivation,
            detail: "being created on the ad server".to_owned(),
            revision: 1,
            booked_at: None,
            created_at: at,
            updated_at: at,
        };
        if problems.is_empty() {
            update::check_daily_budget(&buy, &mut problems);
            buy.targeting.check_custom(&buy.platforms(), "/targeting_overlay", &mut problems);
            let place =
                |package: &Package| buy.packages.iter().position(|other| other.id == package.id).unwrap_or_default();
            problems.extend(buy.contradictions(|package| format!("/packages/{}", place(package))));
        }
        if problems.is_empty() { Ok((buy, notes)) } else { Err(problems) }
    }

    /// What is wrong with the id of a package of a new buy, if the caller can't buy it, for what stands at a pointer.
    pub fn not_for_sale(&self, caller: &Caller, package: &str, at: &str) -> Option<Problem> {
        self.for_sale(caller.buyer().ok()?, package).err().map(|problem| problem.below(at))
    }

    /// The product that a package of a new buy is, if the principal can buy it.
    fn for_sale(&self, principal: &PrincipalId, package: &str) -> Result<&Product, Problem> {
        let mut sellable = self
            .config
            .products
            .iter()
            .filter(|product| self.config.advertiser(principal, &product.platform).is_some());
        sellable.clone().find(|product| product.id.as_str() == package).ok_or_else(|| {
            Problem::new("", "is no package that you can buy; see list_products")
                .value(package)
                .supported(sellable.by_ref().map(|product| product.id.as_str()))
        })
    }

    fn draftees<'a>(
        &'a self,
        principal: &PrincipalId,
        new: &'a NewMediaBuy,
        problems: &mut Vec<Problem>,
    ) -> Vec<Draftee<'a>> {
        let mut draftees: Vec<Draftee<'a>> = Vec::new();
        for (index, asked) in new.packages.iter().enumerate() {
            let at = format!("/packages/{index}");
            let product = match self.for_sale(principal, &asked.package_id) {
                Ok(product) => product,
                Err(problem) => {
                    problems.push(problem.below(&at));
                    continue;
                }
            };
            if draftees.iter().any(|other| other.product.id == product.id) {
                problems.push(Problem::new(at, "is named twice; give each package once").value(&asked.package_id));
                continue;
            }
            let cpm = asked.cpm.unwrap_or(product.cpm);
            if cpm < product.floor_cpm {
                problems.push(Problem::new(
                    format!("{at}/cpm"),
                    format!("must be at least {}, the floor price of {}", product.floor_cpm, product.id),
                ));
            }
            if !asked.creative_ids.is_empty() {
                problems.push(Problem::new(
                    format!("{at}/creative_ids"),
                    "a new media buy has no creatives yet: upload them with add_creative_assets once it is created",
                ));
            }
            let budget = own_budget(asked, cpm, &at, problems);
            draftees.push(Draftee { asked, product, cpm, budget });
        }
        draftees
    }

    /// The currency of the buy: all of its packages are sold in it.
    fn currency(&self, new: &NewMediaBuy, draftees: &[Draftee<'_>], problems: &mut Vec<Problem>) -> String {
        let sold_in = draftees.first().map_or(self.config.publisher.currency.as_str(), |first| &first.product.currency);
        let wanted = new.currency.as_deref().unwrap_or(sold_in);
        for (index, draftee) in draftees.iter().enumerate() {
            if draftee.product.currency != wanted {
                let field = if new.currency.is_some() { "/currency".to_owned() } else { format!("/packages/{index}") };
                problems.push(Problem::new(
                    field,
                    format!("{} is sold in {}, not in {wanted}", draftee.product.id, draftee.product.currency),
                ));
            }
        }
        wanted.to_owned()
    }
}

fn impossible(problems: Vec<Problem>, options: &WriteOptions) -> AppError {
    AppError::problems(ErrorCode::InvalidParameter, &pointers::as_written(problems, &options.request))
}

/// The budget that a package asks for itself, if it does.
fn own_budget(asked: &NewPackage, cpm: Micros, at: &str, problems: &mut Vec<Problem>) -> Option<Micros> {
    match (asked.budget, asked.impressions) {
        (Some(_), Some(_)) => {
            problems.push(Problem::new(
                format!("{at}/impressions"),
                "can't be given together with budget: one follows from the other",
            ));
            None
        }
        (None, Some(impressions)) => match update::goal_budget(impressions, cpm) {
            Ok(budget) => Some(budget),
            Err(message) => {
                problems.push(Problem::new(format!("{at}/impressions"), message));
                None
            }
        },
        (budget, None) => budget,
    }
}

/// The budget of each package: its own, or an equal share of what is left.
fn share(new: &NewMediaBuy, draftees: &[Draftee<'_>], problems: &mut Vec<Problem>) -> Vec<Micros> {
    let Some(fixed) = Micros::sum(draftees.iter().filter_map(|draftee| draftee.budget)) else {
        problems.push(Problem::new("/packages", "the packages' budgets add up to too much"));
        return Vec::new();
    };
    let Some(left) = new.total_budget.checked_sub(fixed) else {
        problems.push(Problem::new(
            "/total_budget",
            format!("{} is less than the packages' own budgets, which add up to {fixed}", new.total_budget),
        ));
        return Vec::new();
    };
    let open = draftees.iter().filter(|draftee| draftee.budget.is_none()).count();
    if open == 0 && !left.is_zero() {
        problems.push(Problem::new(
            "/total_budget",
            format!("{} is more than the packages' own budgets, which add up to {fixed}", new.total_budget),
        ));
    }
    let mut shares = budget::equal_shares(left, open).into_iter();
    draftees.iter().map(|draftee| draftee.budget.or_else(|| shares.next()).unwrap_or(Micros::ZERO)).collect()
}

fn finish(draftee: &Draftee<'_>, budget: Micros, index: usize, problems: &mut Vec<Problem>) -> Option<Package> {
    let at = format!("/packages/{index}");
    let (asked, product) = (draftee.asked, draftee.product);
    let impressions = asked.impressions.or_else(|| budget::impressions_for(budget, draftee.cpm));
    let Some(impressions) = impressions else {
        let field = if asked.budget.is_some() { format!("{at}/budget") } else { "/total_budget".to_owned() };
        let message = format!("leaves {}: {}", product.id, update::no_goal(budget, draftee.cpm));
        problems.push(Problem::new(field, message));
        return None;
    };
    let package = Package {
        id: PackageId::new(product.id.as_str()),
        name: product.name.clone(),
        platform: product.platform.clone(),
        active: true,
        switched_at: None,
        budget,
        impressions,
        cpm: draftee.cpm,
        floor_cpm: product.floor_cpm,
        pacing: asked.pacing,
        daily_budget: asked.daily_budget,
        daily_impressions: asked.daily_impressions,
        targeting: asked.targeting.clone(),
        creatives: Vec::new(),
        formats: product.formats.clone(),
        settings: product.settings.clone(),
        review_lead_ms: product.review_lead_ms,
        performance_index: None,
    };
    update::check_daily_caps(&package, &at, problems);
    package.targeting.check_custom(
        std::slice::from_ref(&package.platform),
        &format!("{at}/targeting_overlay"),
        problems,
    );
    Some(package)
}

/// Start and end of the flight, and what was filled in.
fn flight(
    new: &NewMediaBuy,
    at: Timestamp,
    review_leads_ms: impl Iterator<Item = i64>,
    problems: &mut Vec<Problem>,
) -> (Timestamp, Timestamp, Vec<String>) {
    let mut notes = Vec::new();
    let start = match new.start {
        None => {
            let start = media_buy::default_start(at, review_leads_ms);
            notes.push(format!(
                "no flight_start_date was given: it starts {start}, which leaves time for creatives and their review"
            ));
            start
        }
        Some(Moment::Day(day)) if day == at.day() => at.floor_second().plus_millis(1_000),
        Some(Moment::Day(day)) => day.start(),
        Some(Moment::At(moment)) => moment.floor_second(),
    };
    if start < at.floor_second() {
        problems.push(Problem::new("/flight_start_date", format!("{start} is in the past")));
    }
    let end = match new.end {
        None => {
            let end = start.plus(DEFAULT_FLIGHT).plus_millis(-1_000);
            notes.push(format!("no flight_end_date was given: it ends {end}, after 30 days"));
            end
        }
        Some(end) => end_of(end),
    };
    if end <= start {
        let hint = match new.start {
            None => ", which is the default; give flight_start_date to start earlier",
            Some(_) => "",
        };
        problems.push(Problem::new("/flight_end_date", format!("{end} is not after the start, {start}{hint}")));
    }
    for (field, moment) in [("/flight_start_date", start), ("/flight_end_date", end)] {
        if moment > Timestamp::LATEST {
            problems.push(Problem::new(field, format!("must be before {}", Timestamp::LATEST)));
        }
    }
    (start, end, notes)
}

/// The moment at which a flight ends: a day's last second.
pub(super) fn end_of(end: Moment) -> Timestamp {
    match end {
        Moment::Day(day) => day.end(),
        Moment::At(moment) => moment.floor_second(),
    }
}
