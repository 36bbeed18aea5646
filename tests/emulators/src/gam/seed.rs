//! The initial data: a network with advertisers, traffickers, inventory and the catalogues that
//! targeting refers to.
//!
//! Ids of countries are Google's own (2000 plus the ISO number); the others are in Google's ranges.

use serde_json::{Value, json};

use super::schema::Object;

/// The code of the network.
pub const NETWORK: &str = "21700001";
/// The network's currency.
pub const CURRENCY: &str = "USD";
/// The first advertiser.
pub const ADVERTISER: &str = "networks/21700001/companies/4001";
/// The first trafficker.
pub const TRAFFICKER: &str = "networks/21700001/users/5001";
/// The root of the ad units.
pub const ROOT_AD_UNIT: &str = "networks/21700001/adUnits/6000";

/// A read-only collection.
#[derive(Debug)]
pub(super) struct Lookup {
    /// The name in paths.
    pub collection: &'static str,
    /// The objects, by id.
    pub objects: Vec<Object>,
}

impl Lookup {
    fn new(collection: &'static str, rows: Vec<(i64, Value)>) -> Self {
        let name = |(id, value): (i64, Value)| {
            let Value::Object(mut object) = value else { return Object::new() };
            object.insert("name".to_owned(), super::state::name(collection, id).into());
            object
        };
        Self { collection, objects: rows.into_iter().map(name).collect() }
    }

    fn named(collection: &'static str, rows: &[(i64, &str)]) -> Self {
        Self::new(collection, rows.iter().map(|(id, name)| (*id, json!({ "displayName": name }))).collect())
    }

    /// Returns the object with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| super::schema::text(object, "name") == Some(name))
    }

    /// Returns the fields that its filters may use.
    pub(super) fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = self.objects.iter().flat_map(|object| object.keys().map(String::as_str)).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

/// Returns the network.
pub(super) fn network(settings: &super::settings::GamSettings) -> Value {
    json!({
        "name": format!("networks/{NETWORK}"), "displayName": "Emulated Publisher", "networkCode": NETWORK,
        "networkId": "1700001", "propertyCode": "ca-pub-0000000000000001", "timeZone": settings.time_zone(),
        "currencyCode": CURRENCY, "effectiveRootAdUnit": ROOT_AD_UNIT, "testNetwork": true,
    })
}

/// Id, name, type, region code, parent.
const PLACES: &[(i64, &str, &str, &str, i64)] = &[
    (2840, "United States", "Country", "US", 0),
    (2124, "Canada", "Country", "CA", 0),
    (2826, "United Kingdom", "Country", "GB", 0),
    (2276, "Germany", "Country", "DE", 0),
    (2250, "France", "Country", "FR", 0),
    (2392, "Japan", "Country", "JP", 0),
    (2036, "Australia", "Country", "AU", 0),
    (2380, "Italy", "Country", "IT", 0),
    (2724, "Spain", "Country", "ES", 0),
    (21137, "California", "State", "US", 2840),
    (21167, "New York", "State", "US", 2840),
    (21176, "Texas", "State", "US", 2840),
    (21147, "Illinois", "State", "US", 2840),
    (21152, "Massachusetts", "State", "US", 2840),
    (20121, "Ontario", "Province", "CA", 2124),
    (20123, "Quebec", "Province", "CA", 2124),
    (20339, "England", "Region", "GB", 2826),
    (20226, "Berlin", "State", "DE", 2276),
    (20227, "Bavaria", "State", "DE", 2276),
    (200_501, "New York, NY", "DMA Region", "US", 2840),
    (200_803, "Los Angeles, CA", "DMA Region", "US", 2840),
    (200_602, "Chicago, IL", "DMA Region", "US", 2840),
    (200_807, "San Francisco-Oakland-San Jose, CA", "DMA Region", "US", 2840),
    (200_506, "Boston MA-Manchester NH", "DMA Region", "US", 2840),
    (1_023_191, "New York", "City", "US", 21167),
    (1_013_962, "Los Angeles", "City", "US", 21137),
    (1_014_221, "San Francisco", "City", "US", 21137),
    (1_016_367, "Chicago", "City", "US", 21147),
    (1_018_127, "Boston", "City", "US", 21152),
    (1_002_451, "Toronto", "City", "CA", 20121),
    (1_006_886, "London", "City", "GB", 20339),
    (1_003_854, "Berlin", "City", "DE", 20226),
    (9_004_331, "10001", "Postal Code", "US", 1_023_191),
    (9_004_332, "10002", "Postal Code", "US", 1_023_191),
    (9_031_936, "90210", "Postal Code", "US", 21137),
    (9_031_903, "94105", "Postal Code", "US", 1_014_221),
    (9_042_361, "10115", "Postal Code", "DE", 1_003_854),
];

fn places() -> Lookup {
    let name = |id: i64| super::state::name("geoTargets", id);
    let row = |(id, display, kind, region, parent): &(i64, &str, &str, &str, i64)| {
        let mut above = *parent;
        let mut names = Vec::new();
        let mut row = json!({ "displayName": display, "type": kind, "regionCode": region, "targetable": true });
        if above != 0 {
            row["canonicalParent"] = name(above).into();
        }
        while let Some((_, display, _, _, next)) = PLACES.iter().find(|place| place.0 == above) {
            names.push(*display);
            above = *next;
        }
        if !names.is_empty() {
            row["parentNames"] = names.into();
        }
        (*id, row)
    };
    Lookup::new("geoTargets", PLACES.iter().map(row).collect())
}

/// An ad unit that is archived.
const ARCHIVED_AD_UNIT: i64 = 6007;

/// Id, parent, name, code.
const AD_UNITS: &[(i64, i64, &str, &str)] = &[
    (6000, 0, "Emulated Publisher", "ca-pub-0000000000000001"),
    (6001, 6000, "Homepage", "homepage"),
    (6002, 6001, "Homepage leaderboard", "leaderboard"),
    (6003, 6000, "News", "news"),
    (6004, 6000, "Sports", "sports"),
    (6005, 6000, "Video", "video"),
    (6006, 6005, "Pre-roll", "preroll"),
    (ARCHIVED_AD_UNIT, 6000, "Old magazine", "magazine"),
];

/// The ad units of video players.
const VIDEO_UNITS: [i64; 2] = [6005, 6006];

fn ad_units() -> Lookup {
    let row = |(id, parent, display, code): &(i64, i64, &str, &str)| {
        let video = VIDEO_UNITS.contains(id);
        let environment = if video { "VIDEO_PLAYER" } else { "BROWSER" };
        let (width, height) = if video { (640, 480) } else { (300, 250) };
        let size = json!({ "width": width, "height": height, "sizeType": "PIXEL" });
        let children = AD_UNITS.iter().any(|unit| unit.1 == *id);
        let status = if *id == ARCHIVED_AD_UNIT { "ARCHIVED" } else { "ACTIVE" };
        let mut row = json!({
            "adUnitId": id.to_string(), "displayName": display, "adUnitCode": code, "status": status,
            "hasChildren": children, "explicitlyTargeted": false,
            "adUnitSizes": [{ "size": size, "environmentType": environment }],
        });
        if *parent != 0 {
            row["parentAdUnit"] = super::state::name("adUnits", *parent).into();
        }
        (*id, row)
    };
    Lookup::new("adUnits", AD_UNITS.iter().map(row).collect())
}

fn companies() -> Lookup {
    let of = |id: i64, display: &str, kind: &str, credit: &str| {
        let row = json!({ "companyId": id.to_string(), "displayName": display, "type": kind, "creditStatus": credit });
        (id, row)
    };
    let row = |id: i64, display: &str, kind: &str| of(id, display, kind, "ACTIVE");
    let rows = vec![
        row(4001, "Acme Corp", "ADVERTISER"),
        row(4002, "Globex", "ADVERTISER"),
        row(4003, "House ads", "HOUSE_ADVERTISER"),
        row(4004, "Initech Media", "AGENCY"),
        of(4005, "Umbrella", "ADVERTISER", "STOP"),
        of(4006, "Hooli", "ADVERTISER", "INACTIVE"),
        of(4007, "Vandelay", "ADVERTISER", "BLOCKED"),
    ];
    Lookup::new("companies", rows)
}

fn users() -> Lookup {
    let row = |id: i64, display: &str, email: &str, machine: bool| {
        let row = json!({
            "userId": id.to_string(), "displayName": display, "email": email, "active": id != LEFT_USER,
            "serviceAccount": machine, "role": super::state::name("roles", 1),
        });
        (id, row)
    };
    let rows = vec![
        row(5001, "Terry Trafficker", "terry@publisher.example", false),
        row(5002, "Sam Seller", "sam@publisher.example", false),
        row(5003, "flightdeck", super::keys::CLIENT_EMAIL, true),
        row(LEFT_USER, "Lee Left", "lee@publisher.example", false),
    ];
    Lookup::new("users", rows)
}

/// A user who is not active any more.
const LEFT_USER: i64 = 5004;

/// Teams, labels and custom fields, one active and one inactive of each. The emulator doesn't look at
/// them when an order or a line item names them.
fn fields_of_orders() -> [Lookup; 3] {
    let status = |active: bool| if active { "ACTIVE" } else { "INACTIVE" };
    let team = |id: i64, display: &str, active: bool| (id, json!({ "displayName": display, "status": status(active) }));
    let label = |id: i64, display: &str, active: bool| {
        (id, json!({ "displayName": display, "active": active, "types": ["COMPETITIVE_EXCLUSION"] }))
    };
    let field = |id: i64, display: &str, entity: &str, active: bool| {
        let row = json!({
            "customFieldId": id.to_string(), "displayName": display, "status": status(active), "entityType": entity,
            "dataType": "STRING", "visibility": "EDITABLE",
        });
        (id, row)
    };
    [
        Lookup::new("teams", vec![team(9001, "Direct sales", true), team(9002, "Former partners", false)]),
        Lookup::new("labels", vec![label(9101, "Cars", true), label(9102, "Tobacco", false)]),
        Lookup::new(
            "customFields",
            vec![
                field(9201, "Cost centre", "ORDER", true),
                field(9202, "Campaign code", "LINE_ITEM", true),
                field(9203, "Old code", "LINE_ITEM", false),
            ],
        ),
    ]
}

/// Values of a key, each with its id.
type Values = &'static [(i64, &'static str)];

/// Id of the key, its name, and its values.
const KEYS: &[(i64, &str, Values)] = &[
    (7001, "section", &[(7101, "sports"), (7102, "news"), (7103, "entertainment")]),
    (7002, "audience", &[(7201, "auto_intenders"), (7202, "parents")]),
    (7003, "iab", &[(7301, "IAB17"), (7302, "IAB12"), (7303, "IAB1")]),
];

fn keys() -> [Lookup; 2] {
    let keys = KEYS.iter().map(|(id, display, _)| {
        let row = json!({
            "customTargetingKeyId": id.to_string(), "adTagName": display, "displayName": display,
            "type": "PREDEFINED", "status": "ACTIVE", "reportableType": "ON",
        });
        (*id, row)
    });
    let values = KEYS.iter().flat_map(|(key, _, values)| {
        values.iter().map(|(id, display)| {
            let row = json!({
                "customTargetingKey": super::state::name("customTargetingKeys", *key), "adTagName": display,
                "displayName": display, "matchType": "EXACT", "status": "ACTIVE",
            });
            (*id, row)
        })
    });
    [Lookup::new("customTargetingKeys", keys.collect()), Lookup::new("customTargetingValues", values.collect())]
}

/// Returns all read-only collections.
pub(super) fn lookups() -> Vec<Lookup> {
    let placement = |id: i64, display: &str, units: &[i64]| {
        let units: Vec<String> = units.iter().map(|unit| super::state::name("adUnits", *unit)).collect();
        let row = json!({
            "placementId": id.to_string(), "displayName": display, "placementCode": id.to_string(),
            "status": "ACTIVE", "targetedAdUnits": units,
        });
        (id, row)
    };
    let template = json!({ "displayName": "Text ad", "status": "ACTIVE", "type": "STANDARD", "snippet": "<b>[%Title%]</b>",
            "variables": [{ "uniqueDisplayName": "Title", "label": "Title", "description": "The text of the ad", "required": true,
                "stringVariable": {} }] });
    let [keys, values] = keys();
    let [teams, labels, custom_fields] = fields_of_orders();
    vec![
        companies(),
        users(),
        teams,
        labels,
        custom_fields,
        ad_units(),
        Lookup::new(
            "placements",
            vec![placement(6501, "Front pages", &[6001, 6003]), placement(6502, "All video", &[6005])],
        ),
        keys,
        values,
        places(),
        Lookup::named(
            "deviceCategories",
            &[
                (30_000, "Desktop"),
                (30_001, "Smartphone"),
                (30_002, "Tablet"),
                (30_003, "Feature Phone"),
                (30_004, "Connected TV"),
                (30_005, "Set Top Box"),
            ],
        ),
        Lookup::named(
            "operatingSystems",
            &[
                (501_012, "Apple iOS"),
                (501_013, "Google Android"),
                (501_019, "Microsoft Windows"),
                (501_021, "Apple macOS"),
                (501_017, "Linux"),
            ],
        ),
        Lookup::named(
            "browsers",
            &[
                (500_072, "Google Chrome (any version)"),
                (500_064, "Safari (any version)"),
                (500_053, "Mozilla Firefox (any version)"),
                (500_105, "Microsoft Edge (any version)"),
            ],
        ),
        Lookup::named(
            "browserLanguages",
            &[
                (504_000, "English"),
                (504_001, "German"),
                (504_002, "French"),
                (504_003, "Spanish"),
                (504_009, "Japanese"),
            ],
        ),
        Lookup::named("audienceSegments", &[(8001, "Frequent readers"), (8002, "Subscribers")]),
        Lookup::named("bandwidthGroups", &[(2, "Cable"), (3, "DSL"), (5, "Mobile")]),
        Lookup::new("creativeTemplates", vec![(10_004_400, template)]),
    ]
}
