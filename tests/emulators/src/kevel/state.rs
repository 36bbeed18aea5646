//! The emulator's data: one shelf for each type, all under one lock.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{
    delivery::Delivery,
    fields,
    names::{Names, fold},
    refusal::Refusal,
    reports::Report,
    schema::{Object, Table, write_moment},
    seed,
};
use crate::{
    control::references::{Carrier, in_name},
    platform::Duplicate,
};

/// One object with its relations to others.
#[derive(Debug)]
pub(super) struct Record {
    /// The id of the object.
    pub id: i64,
    /// The id of the object that it belongs to: a campaign's advertiser, a flight's campaign, an
    /// ad's flight.
    pub parent: i64,
    /// The id of the other object that it refers to: an ad's creative; 0 for other types.
    pub link: i64,
    /// The fields of the object.
    pub object: Object,
    born: Instant,
}

impl Record {
    /// Whether it is marked as deleted.
    #[must_use]
    pub(super) fn deleted(&self) -> bool {
        self.object.flag("IsDeleted")
    }

    /// Whether it is active itself, regardless of other objects.
    #[must_use]
    pub(super) fn runs(&self) -> bool {
        self.object.flag("IsActive") && !self.object.flag("IsArchived") && !self.deleted()
    }
}

/// All objects of one type, by id, by parent and by parts of their names.
#[derive(Debug)]
pub(super) struct Shelf {
    /// The type's name under `/__control/objects/`.
    pub kind: &'static str,
    /// The name of one object in messages.
    pub noun: &'static str,
    table: &'static Table,
    /// The field with an object's name; empty for types without names.
    label: &'static str,
    first: i64,
    records: Vec<Option<Record>>,
    by_parent: HashMap<i64, Vec<i64>>,
    by_link: HashMap<i64, Vec<i64>>,
    names: Names,
}

impl Shelf {
    fn new(kind: &'static str, noun: &'static str, table: &'static Table, label: &'static str, first: i64) -> Self {
        Self {
            kind,
            noun,
            table,
            label,
            first,
            records: Vec::new(),
            by_parent: HashMap::new(),
            by_link: HashMap::new(),
            names: Names::default(),
        }
    }

    /// Adds a new object and returns its id.
    pub(super) fn insert(&mut self, parent: i64, link: i64, mut object: Object) -> i64 {
        let id = self.first + i64::try_from(self.records.len()).unwrap_or(i64::MAX / 2);
        object.set(self.table.id, id);
        if let Some(name) = object.text(self.label) {
            self.names.note(id, name);
        }
        self.by_parent.entry(parent).or_default().push(id);
        if link != 0 {
            self.by_link.entry(link).or_default().push(id);
        }
        self.records.push(Some(Record { id, parent, link, object, born: Instant::now() }));
        id
    }

    fn index(&self, id: i64) -> Option<usize> {
        id.checked_sub(self.first).and_then(|index| usize::try_from(index).ok())
    }

    /// Returns the object with this id, deleted or not.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is none.
    pub(super) fn get(&self, id: i64) -> Result<&Record, Refusal> {
        self.index(id)
            .and_then(|index| self.records.get(index))
            .and_then(Option::as_ref)
            .ok_or_else(|| Refusal::no_such(self.noun, id))
    }

    /// Returns the object with this id, for a reference from another object.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when there is none, or it is deleted.
    pub(super) fn referred(&self, field: &str, id: i64) -> Result<&Record, Refusal> {
        self.get(id)
            .ok()
            .filter(|record| !record.deleted())
            .ok_or_else(|| Refusal::invalid(format!("{field}: {} {id} does not exist", self.noun)))
    }

    /// Replaces the fields of an object.
    pub(super) fn replace(&mut self, id: i64, mut object: Object) {
        object.set(self.table.id, id);
        let Some(index) = self.index(id) else { return };
        if let Some(name) = object.text(self.label) {
            self.names.note(id, name);
        }
        if let Some(Some(record)) = self.records.get_mut(index) {
            record.object = object;
        }
    }

    /// Changes one field of an object.
    pub(super) fn mark(&mut self, id: i64, field: &'static str, value: impl Into<Value>) {
        if let Some(index) = self.index(id)
            && let Some(Some(record)) = self.records.get_mut(index)
        {
            record.object.set(field, value);
        }
    }

    /// Removes an object.
    pub(super) fn remove(&mut self, id: i64) {
        if let Some(index) = self.index(id)
            && let Some(place) = self.records.get_mut(index)
            && let Some(record) = place.take()
            && let Some(siblings) = self.by_parent.get_mut(&record.parent)
        {
            siblings.retain(|sibling| *sibling != id);
        }
    }

    /// Changes the other object that an object refers to.
    pub(super) fn relink(&mut self, id: i64, link: i64) {
        let Some(index) = self.index(id) else { return };
        if let Some(Some(record)) = self.records.get_mut(index) {
            if let Some(ids) = self.by_link.get_mut(&record.link) {
                ids.retain(|other| *other != id);
            }
            record.link = link;
            self.by_link.entry(link).or_default().push(id);
        }
    }

    /// Iterates over all objects, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().flatten()
    }

    /// Iterates over the objects that belong to another one, oldest first.
    pub(super) fn children(&self, parent: i64) -> impl Iterator<Item = &Record> {
        self.by_parent.get(&parent).into_iter().flatten().filter_map(|id| self.get(*id).ok())
    }

    /// Iterates over the objects that refer to another one.
    pub(super) fn linked(&self, link: i64) -> impl Iterator<Item = &Record> {
        self.by_link.get(&link).into_iter().flatten().filter_map(|id| self.get(*id).ok())
    }

    /// Returns the objects whose name contains a text, ignoring case, oldest first.
    #[must_use]
    pub(super) fn named_like(&self, text: &str) -> Vec<&Record> {
        let sought = fold(text);
        let fits = |record: &&Record| record.object.text(self.label).is_some_and(|name| fold(name).contains(&sought));
        match self.names.candidates(text) {
            Some(ids) => ids.into_iter().filter_map(|id| self.get(id).ok()).filter(fits).collect(),
            None => self.all().filter(fits).collect(),
        }
    }

    /// Returns an object as in a response.
    #[must_use]
    pub(super) fn render(&self, record: &Record) -> Map<String, Value> {
        record.object.render(self.table)
    }

    /// Returns how many objects are not deleted.
    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.all().filter(|record| !record.deleted()).count()
    }

    fn duplicates(&self) -> Vec<Duplicate> {
        // Two creatives may share a title; the same title with the same metadata is a duplicate.
        let mut seen: HashMap<(i64, i64, &str, &str), Vec<i64>> = HashMap::new();
        for record in self.all().filter(|record| !record.deleted()) {
            let name = record.object.text(self.label).unwrap_or("");
            if record.link != 0 || !name.is_empty() {
                seen.entry((record.parent, record.link, name, record.object.text("Metadata").unwrap_or("")))
                    .or_default()
                    .push(record.id);
            }
        }
        let mut found: Vec<Duplicate> = seen
            .into_iter()
            .filter(|(_, ids)| ids.len() > 1)
            .map(|((parent, link, name, _), ids)| Duplicate {
                kind: self.kind,
                parent,
                name: if name.is_empty() { format!("creative {link}") } else { name.to_owned() },
                ids,
            })
            .collect();
        found.sort_by(|one, other| one.ids.cmp(&other.ids));
        found
    }
}

/// All data of the emulator.
#[derive(Debug)]
pub(super) struct State {
    /// Advertisers.
    pub advertisers: Shelf,
    /// Campaigns, by advertiser.
    pub campaigns: Shelf,
    /// Flights, by campaign.
    pub flights: Shelf,
    /// Creatives, by advertiser.
    pub creatives: Shelf,
    /// Ads, by flight, each with its creative.
    pub ads: Shelf,
    /// Places, by flight.
    pub geo: Shelf,
    /// Sites and zones, by flight.
    pub site_zones: Shelf,
    /// Hours of the week, by flight.
    pub day_parts: Shelf,
    /// The past and future delivery of each flight.
    pub deliveries: HashMap<i64, Delivery>,
    /// Requested reports, by id.
    pub reports: HashMap<String, Report>,
}

impl State {
    /// Returns the seeded state. Ids of each type count from a base of their own, far from the
    /// others, so that an id used in the wrong place is most likely unknown there.
    #[must_use]
    pub(super) fn seeded() -> Self {
        let mut state = Self {
            advertisers: Shelf::new("advertisers", "advertiser", &fields::ADVERTISER, "Title", 1001),
            campaigns: Shelf::new("campaigns", "campaign", &fields::CAMPAIGN, "Name", 110_001),
            flights: Shelf::new("flights", "flight", &fields::FLIGHT, "Name", 310_001),
            creatives: Shelf::new("creatives", "creative", &fields::CREATIVE, "Title", 510_001),
            ads: Shelf::new("ads", "ad", &fields::AD, "", 710_001),
            geo: Shelf::new("geotargeting", "location", &fields::GEO, "", 910_001),
            site_zones: Shelf::new("sitezonetargeting", "site target", &fields::SITE_ZONE, "", 60_001),
            day_parts: Shelf::new("dayparting", "day part", &fields::DAY_PART, "", 80_001),
            deliveries: HashMap::new(),
            reports: HashMap::new(),
        };
        for title in seed::ADVERTISERS {
            let mut object = Object::default();
            object.set("Title", *title);
            object.set("IsActive", true);
            object.set("Version", 1);
            state.advertisers.insert(0, 0, object);
        }
        state
    }

    /// Returns the shelves, in display order.
    #[must_use]
    pub(super) fn shelves(&self) -> [&Shelf; 8] {
        [
            &self.advertisers,
            &self.campaigns,
            &self.flights,
            &self.creatives,
            &self.ads,
            &self.geo,
            &self.site_zones,
            &self.day_parts,
        ]
    }

    /// Returns objects of one type with the same parent and name (ads: flight and creative).
    #[must_use]
    pub(super) fn duplicates(&self) -> Vec<Duplicate> {
        self.shelves().into_iter().flat_map(Shelf::duplicates).collect()
    }

    /// Returns every object that carries a reference: in its name, or in its custom fields or
    /// metadata, where ads have no other place for it.
    #[must_use]
    pub(super) fn carriers(&self) -> Vec<Carrier> {
        let mut carriers = Vec::new();
        for shelf in [&self.campaigns, &self.flights, &self.creatives, &self.ads] {
            for record in shelf.all().filter(|record| !record.deleted()) {
                let named = in_name(record.object.text(shelf.label).unwrap_or(""));
                let fields = ["CustomFieldsJson", "ExternalMetadata"].map(|name| in_fields(record.object.text(name)));
                if let Some(reference) = named.map(str::to_owned).or_else(|| fields.into_iter().flatten().next()) {
                    carriers.push(Carrier { reference, kind: shelf.kind, id: record.id, active: record.runs() });
                }
            }
        }
        carriers
    }

    /// Returns an object as in a response: an ad with its creative, a flight with its targeting.
    #[must_use]
    pub(super) fn render(&self, kind: &str, record: &Record) -> Value {
        let Some(shelf) = self.shelves().into_iter().find(|shelf| shelf.kind == kind) else {
            return Value::Null;
        };
        let mut map = shelf.render(record);
        match kind {
            "ads" => {
                let creative = self.creatives.get(record.link).ok();
                let creative = creative.map(|creative| self.render("creatives", creative));
                map.insert("Creative".to_owned(), creative.unwrap_or(Value::Null));
            }
            "flights" => {
                for (name, shelf) in [("GeoTargeting", &self.geo), ("SiteZoneTargeting", &self.site_zones)] {
                    let items = shelf.children(record.id).map(|item| shelf.render(item).into());
                    map.insert(name.to_owned(), Value::Array(items.collect()));
                }
                let ads = self.ads.children(record.id).filter(|ad| !ad.deleted());
                let ads = ads.map(|ad| self.render("ads", ad)).collect();
                map.insert("CreativeMaps".to_owned(), Value::Array(ads));
            }
            "campaigns" => {
                map.insert("Flights".to_owned(), Value::Null);
            }
            _ => {}
        }
        Value::Object(map)
    }
}

/// Returns a `reference` anywhere in a text that contains JSON.
fn in_fields(text: Option<&str>) -> Option<String> {
    fn search(value: &Value) -> Option<String> {
        let map = value.as_object()?;
        let own = map.get("reference").and_then(Value::as_str).map(str::to_owned);
        own.or_else(|| map.values().find_map(search))
    }
    search(&serde_json::from_str(text?).ok()?)
}

/// Whether a record is old enough to appear in lists and searches.
#[must_use]
pub(super) fn visible(record: &Record, lag: Duration) -> bool {
    !record.deleted() && (lag.is_zero() || record.born.elapsed() >= lag)
}

/// Sets the timestamps of a new object.
pub(super) fn stamp_new(object: &mut Object, now: OffsetDateTime) {
    object.set("Created", write_moment(now));
    object.set("LastModified", write_moment(now));
    object.set("Version", 1);
}

/// Sets the timestamps of the new version of an object.
pub(super) fn stamp_next(object: &mut Object, before: &Object, now: OffsetDateTime) {
    if let Some(created) = before.get("Created") {
        object.set("Created", created.clone());
    }
    object.set("LastModified", write_moment(now));
    object.set("Version", before.int("Version").unwrap_or(0) + 1);
}
