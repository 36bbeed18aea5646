//! A host with all three ad servers, and what tests ask of each in the same words.

use std::time::Duration;

use flightdeck_emulators::{
    Running,
    control::{Controls, log::Entry},
    gam::{self, Gam},
    platform::Platform,
    triton::{self, Triton},
};
use flightdeck_test_support::component;
use serde_json::{Value, json};

use crate::house::House;

/// The host and its ad servers. On Kevel are `front_page` and `back_page` (among others), on Google Ad Manager `homepage` and
/// `sports_pages`, on Triton `drive_time` and `midday_audio`; each at 10 a thousand.
pub(crate) struct Servers {
    pub(crate) house: House,
    pub(crate) gam: Running<Gam>,
    pub(crate) triton: Running<Triton>,
}

/// One of the ad servers.
#[derive(Clone, Copy)]
pub(crate) struct Server<'a> {
    /// As the configuration calls it.
    pub(crate) name: &'static str,
    /// Two packages that are sold on it.
    pub(crate) packages: [&'static str; 2],
    /// What it calls a media buy, and a package.
    pub(crate) kinds: [&'static str; 2],
    /// A request that makes an item of it.
    pub(crate) item_path: &'static str,
    /// Patterns of every request about an order, or about an item and what is in it.
    pub(crate) paths: [&'static str; 2],
    pub(crate) controls: &'a Controls,
    pub(crate) platform: &'a dyn Platform,
}

impl Servers {
    /// All of them; the host is not started yet.
    pub(crate) async fn empty() -> Self {
        Self::with("", |gam, triton| Endpoints {
            gam: format!("\"{gam}\""),
            triton: format!("\"{triton}\""),
            login: format!("\"{triton}/login\""),
        })
        .await
    }

    /// All of them, reached as `endpoints` says of their addresses, in a house whose configuration has `more` at its end.
    pub(crate) async fn with(more: &str, endpoints: impl FnOnce(&str, &str) -> Endpoints) -> Self {
        let gam = Gam::start(gam::Options::default()).await.expect("the Ad Manager starts");
        let triton = Triton::start(triton::Options::default()).await.expect("Triton starts");
        let platforms = [("gam", "4001"), ("triton", "501")];
        let house =
            House::with(&platforms, |_| format!("{}{more}", configuration(&endpoints(&gam.url, &triton.url)))).await;
        let key = serde_json::to_string(&gam.platform().key_file()).expect("a key");
        std::fs::write(house.dir().join("gam-key.json"), key).expect("the key is written");
        Self { house, gam, triton }
    }

    /// All of them, the host serving.
    pub(crate) async fn new() -> Self {
        let mut servers = Self::empty().await;
        servers.house.start(&[]).await;
        servers
    }

    /// The ad servers.
    pub(crate) fn all(&self) -> [Server<'_>; 3] {
        [
            Server {
                name: "kevel",
                packages: ["front_page", "back_page"],
                kinds: ["campaigns", "flights"],
                item_path: "/v1/flight",
                paths: ["/v1/campaign*", "/v1/flight*"],
                controls: self.house.kevel.controls(),
                platform: self.house.kevel.platform(),
            },
            Server {
                name: "gam",
                packages: ["homepage", "sports_pages"],
                kinds: ["orders", "lineItems"],
                item_path: "/v1/networks/*/lineItems",
                paths: ["/v1/networks/*/orders*", "/v1/networks/*/lineItems*"],
                controls: self.gam.controls(),
                platform: self.gam.platform(),
            },
            Server {
                name: "triton",
                packages: ["drive_time", "midday_audio"],
                kinds: ["campaigns", "flights"],
                item_path: "/v1/flights",
                paths: ["/v1/campaigns*", "/v1/flights*"],
                controls: self.triton.controls(),
                platform: self.triton.platform(),
            },
        ]
    }

    /// One of the ad servers.
    pub(crate) fn server(&self, name: &str) -> Server<'_> {
        self.all().into_iter().find(|server| server.name == name).expect("the ad server")
    }

    /// Lets time pass on all of them.
    pub(crate) fn pass(&self, time: Duration) {
        for server in self.all() {
            server.controls.clock.advance(time);
        }
    }
}

impl Server<'_> {
    /// All objects of a kind, as it keeps them.
    pub(crate) fn all(&self, kind: &str) -> Vec<Value> {
        self.platform.objects(kind).expect("the kind")
    }

    /// How many orders and items there are, archived ones included; each made once.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let twice = self.platform.duplicates();
        assert!(twice.is_empty(), "made twice: {twice:#?}\n{}", self.changes());
        (self.all(self.kinds[0]).len(), self.all(self.kinds[1]).len())
    }

    /// Every request that could change something, a line each: for whoever must find out what went wrong.
    fn changes(&self) -> String {
        let requests = self.controls.log.summary().requests.into_iter();
        let line = |request: Entry| {
            let Entry { at, method, path, outcome, acted, status, ms, fault, .. } = request;
            format!("{at} {method} {path}: {outcome:?} {status:?} after {ms} ms, acted: {acted}, fault: {fault:?}\n")
        };
        requests.filter(|request| request.method != "GET").map(line).collect()
    }

    /// Orders that may still deliver.
    pub(crate) fn running(&self) -> Vec<Value> {
        self.all(self.kinds[0]).into_iter().filter(|order| self.runs(order)).collect()
    }

    /// Whether an order may still deliver.
    fn runs(&self, order: &Value) -> bool {
        match self.name {
            "kevel" => order["IsActive"] == true && order["IsArchived"] != true,
            // An order itself is never paused there: its line items are.
            "gam" => {
                let mine = |item: &Value| item["order"] == order["name"] && item["archived"] != true;
                let items = self.all("lineItems").into_iter().filter(mine);
                let paused: Vec<bool> = items.map(|item| item["status"] == "PAUSED").collect();
                order["archived"] != true && (paused.is_empty() || paused.contains(&false))
            }
            _ => order["active"] == true && order["archived"] != true,
        }
    }

    /// The goals of its items, in impressions.
    pub(crate) fn goals(&self) -> Vec<i64> {
        self.all(self.kinds[1]).iter().map(|item| self.goal(item)).collect()
    }

    /// The goal of an item, in impressions.
    pub(crate) fn goal(&self, item: &Value) -> i64 {
        let goal = match self.name {
            "kevel" => item["Impressions"].as_i64(),
            "gam" => item["goal"]["units"].as_str().and_then(|units| units.parse().ok()),
            _ => item["goal"]["value"].as_i64(),
        };
        goal.expect("a goal")
    }

    /// The id of an object, or of the one that it names.
    pub(crate) fn id(&self, object: &Value) -> String {
        let id = ["Id", "id", "name"].iter().map(|name| &object[*name]).find(|id| !id.is_null()).unwrap_or(object);
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        id.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The order that an item is in.
    pub(crate) fn order_of(&self, item: &Value) -> String {
        self.id(&item[match self.name {
            "kevel" => "CampaignId",
            "gam" => "order",
            _ => "campaignId",
        }])
    }

    /// What ties creatives to items, by the ids under which its adapter remembers them; those that are switched off are not there.
    pub(crate) fn associations(&self) -> Vec<String> {
        match self.name {
            "kevel" => {
                let ads = self.all("ads").into_iter();
                ads.filter(|ad| ad["IsActive"] == true && ad["IsDeleted"] != true).map(|ad| self.id(&ad)).collect()
            }
            "gam" => {
                let ties = self.all("associations").into_iter().filter(|tie| tie["status"] == "ACTIVE");
                ties.map(|tie| format!("{}/{}", self.id(&tie["lineItem"]), self.id(&tie["creative"]))).collect()
            }
            _ => {
                let flights = self.all("flights");
                let of = |flight: &Value| {
                    let (id, playing) = (
                        self.id(flight),
                        flight["creative"]["adGroups"][0]["adUnitIds"].as_array().cloned().unwrap_or_default(),
                    );
                    playing.into_iter().map(move |creative| format!("{id}/{creative}"))
                };
                flights.iter().flat_map(of).collect()
            }
        }
    }

    /// A creative that it takes, for both of its packages.
    pub(crate) fn creative(&self, id: &str) -> Value {
        let mut creative = json!({
            "creative_id": id, "name": format!("Creative {id}"), "click_url": "https://example.com/",
            "package_assignments": self.packages,
        });
        let of = match self.name {
            "triton" => json!({ "format": "audio", "media_url": "https://cdn.example.com/spot.mp3", "duration": 30 }),
            _ => json!({
                "format": "image", "media_url": "https://cdn.example.com/b.jpg", "width": 300, "height": 250,
            }),
        };
        if let (Some(creative), Value::Object(of)) = (creative.as_object_mut(), of) {
            creative.extend(of);
        }
        creative
    }
}

/// Where the ad servers are, as TOML writes it.
pub(crate) struct Endpoints {
    pub(crate) gam: String,
    pub(crate) triton: String,
    /// Where one logs in at Triton.
    pub(crate) login: String,
}

fn configuration(Endpoints { gam, triton, login }: &Endpoints) -> String {
    let platform = |name: &str, endpoint: &str, auth: &str, settings: &str| {
        let adapter = component(&format!("flightdeck-adapter-{name}"));
        let reads = match name {
            "gam" => "\"POST /v1/networks/*/reports\", \"POST /v1/networks/*/reports/*\"",
            _ => "\"POST /v1/reports\"",
        };
        format!(
            "[[platforms]]\nname = \"{name}\"\nadapter = \"{}\"\nendpoint = {endpoint}\n\
             allow_private = [\"127.0.0.0/8\"]\nauth = {{ {auth} }}\nsettings = {{ {settings} }}\nread_requests = [{reads}]\n\
             in_doubt_wait = \"200ms\"\nprocessing_bound = \"300ms\"\n\n",
            adapter.display()
        )
    };
    let product = |id: &str, platform: &str, format: &str, settings: &str| {
        format!(
            "[[products]]\nid = \"{id}\"\nname = \"{id}\"\nplatform = \"{platform}\"\nformats = [\"{format}\"]\ncpm = 10\n\
             settings = {{ {settings} }}\n\n"
        )
    };
    let google = "scheme = \"google_service_account\", key = { file = \"gam-key.json\" }, \
                  scope = \"https://www.googleapis.com/auth/admanager\"";
    let login = format!(
        "scheme = \"login_token\", url = {login}, username = \"flightdeck\", \
         password = {{ value = \"demo-password\" }}, token = \"/token\""
    );
    [
        platform("gam", gam, google, "network_code = \"21700001\", trafficker_id = \"5001\""),
        platform(
            "triton",
            triton,
            &login,
            "currency = \"USD\", team_id = 31, content_types = [\"live\"], positions = [\"mid\"]",
        ),
        product("front_page", "kevel", "image", "priority_id = 3002"),
        product("back_page", "kevel", "image", "priority_id = 3002"),
        product("homepage", "gam", "image", "ad_units = [{ id = \"6001\" }], sizes = [\"300x250\"]"),
        product("sports_pages", "gam", "image", "ad_units = [{ id = \"6004\" }], sizes = [\"300x250\"]"),
        product("drive_time", "triton", "audio", "station_ids = [7001, 7003], time_zone = \"America/New_York\""),
        product(
            "midday_audio",
            "triton",
            "audio",
            "station_ids = [7001], dayparts = [\"midday\"], time_zone = \"America/New_York\"",
        ),
    ]
    .concat()
}
