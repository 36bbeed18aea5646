//! Campaigns. A campaign has an advertiser and a team; its dates and its value come from its flights,
//! and its currency from its advertiser, so none of them is a field of a request (help pages,
//! campaigns and direct advertisers).

use std::time::Instant;

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    fields::{Fields, Object, merged},
    lists,
    refusal::Refusal,
    routes::{Desk, Done},
    seed,
    state::{Campaign, visible},
};
use crate::platform::json;

const KNOWN: [&str; 7] = ["advertiserId", "teamId", "name", "active", "purchaseOrder", "archived", "externalId"];
/// The maximum length of a name, in characters.
const MAX_NAME: usize = 255;
/// The maximum length of a purchase order number, in characters.
const MAX_ORDER: usize = 64;

/// Returns a page of an advertiser's campaigns, or of the campaigns with some ids.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let (advertiser, ids) = (lists::id(desk, "advertiserId")?, lists::ids(desk, "ids")?);
    if advertiser.is_none() && ids.is_none() {
        return Err(Refusal::required("advertiserId"));
    }
    let wanted = |(id, campaign): &(&i64, &Campaign)| {
        advertiser.is_none_or(|advertiser| campaign.advertiser == advertiser)
            && ids.as_ref().is_none_or(|ids| ids.contains(id))
            && visible(campaign.born, desk.lag)
    };
    let found = desk.state.campaigns.iter().filter(wanted);
    let items: Vec<Value> = found.map(|(id, campaign)| desk.state.show_campaign(*id, campaign, desk.now)).collect();
    lists::answer(desk, &["advertiserId", "ids"], &items)
}

/// Returns one campaign.
pub(super) fn get(desk: &Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let campaign = desk.state.campaign(id)?;
    Ok(json(StatusCode::OK, &desk.state.show_campaign(id, campaign, desk.now)))
}

/// A parsed and checked body.
struct Read {
    advertiser: i64,
    active: bool,
    archived: bool,
}

fn read(object: &Object) -> Result<Read, Refusal> {
    let fields = Fields::of(object, &KNOWN)?;
    let advertiser = fields.required_count("advertiserId")?;
    if seed::advertiser(advertiser).is_none() {
        return Err(Refusal::field("advertiserId", format!("there is no advertiser {advertiser}")));
    }
    let team = fields.required_count("teamId")?;
    if !seed::TEAMS.iter().any(|(id, _)| *id == team) {
        return Err(Refusal::field("teamId", format!("there is no team {team}")));
    }
    fields.required_text("name", MAX_NAME)?;
    fields.text("purchaseOrder", MAX_ORDER)?;
    fields.text("externalId", MAX_NAME)?;
    Ok(Read { advertiser, active: fields.flag("active", true)?, archived: fields.flag("archived", false)? })
}

/// Creates a campaign.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    lists::only_params(desk, &[])?;
    let object = desk.body()?;
    let read = read(&object)?;
    if read.archived {
        return Err(Refusal::field("archived", "a new campaign is not archived"));
    }
    let id = desk.state.next_id();
    let Read { advertiser, active, archived } = read;
    let campaign = Campaign { object, advertiser, active, archived, born: Instant::now() };
    let shown = desk.state.show_campaign(id, &campaign, desk.now);
    desk.state.campaigns.insert(id, campaign);
    Ok(json(StatusCode::CREATED, &shown))
}

/// Changes the fields of a campaign that were sent.
pub(super) fn update(desk: &mut Desk<'_>, id: i64) -> Done {
    lists::only_params(desk, &[])?;
    let campaign = desk.state.campaign(id)?;
    if campaign.archived {
        return Err(Refusal::state("ARCHIVED", format!("campaign {id} is archived and can't be changed")));
    }
    let object = merged(&campaign.object, desk.body()?);
    let read = read(&object)?;
    if read.advertiser != campaign.advertiser {
        return Err(Refusal::field("advertiserId", "can't be changed"));
    }
    let now = desk.now;
    if let Some(campaign) = desk.state.campaigns.get_mut(&id) {
        (campaign.active, campaign.archived) = (read.active, read.archived);
        campaign.object = object;
    }
    desk.state.settle_all(id, now);
    let campaign = desk.state.campaign(id)?;
    Ok(json(StatusCode::OK, &desk.state.show_campaign(id, campaign, now)))
}
