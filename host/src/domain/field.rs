//! Identifies a field of a request in the domain's own terms.
//!
//! A [`FieldPath`] names a subject (the buy, a package, a creative) and a part of it. It is
//! independent of any protocol: each protocol at the edge converts a path to its own pointer and
//! its own name. Paths also have one fixed text form, which records and the adapter contract use;
//! see [`text`](self::text).

use super::{
    id::{CreativeId, PackageId},
    targeting::{Dimension, Operator, names},
};

mod text;

pub use text::{last_name, pointer_token};

names! {
    /// A field of a media buy, of one of its parts, or of a query.
    ///
    /// The texts are used in records and in the adapter contract. They must not change.
    Field {
        /// Whether the subject may deliver.
        Active = "active",
        /// The total budget of a buy.
        TotalBudget = "total_budget",
        /// The daily cap of spend.
        DailyBudget = "daily_budget",
        /// The start of the flight.
        FlightStart = "flight_start_date",
        /// The end of the flight.
        FlightEnd = "flight_end_date",
        /// The currency of all amounts.
        Currency = "currency",
        /// The buyer's purchase order number.
        PoNumber = "po_number",
        /// The pacing.
        Pacing = "pacing",
        /// The list of packages.
        Packages = "packages",
        /// The id of a package.
        PackageId = "package_id",
        /// The CPM.
        Price = "cpm",
        /// The price of a click.
        Cpc = "cpc",
        /// The price of a completed view.
        Cpcv = "cpcv",
        /// The price of a package for its whole flight.
        FlatPrice = "flat_price",
        /// The budget of a package.
        Budget = "budget",
        /// The impression goal of a package.
        Impressions = "impressions",
        /// The click goal of a package.
        Clicks = "clicks",
        /// The goal of a package in completed views.
        VideoCompletions = "video_completions",
        /// The daily cap of impressions.
        DailyImpressions = "daily_impressions",
        /// The daily cap of clicks.
        DailyClicks = "daily_clicks",
        /// The daily cap of completed views.
        DailyVideoCompletions = "daily_video_completions",
        /// The creatives that run in a package.
        Creatives = "creative_ids",
        /// The list of new creatives.
        NewCreatives = "assets",
        /// The id of a creative.
        CreativeId = "creative_id",
        /// The format of a creative.
        Format = "format",
        /// The URL of a creative's asset.
        MediaUrl = "media_url",
        /// The click-through URL.
        ClickUrl = "click_url",
        /// The duration of a creative.
        Duration = "duration",
        /// The width of a creative.
        Width = "width",
        /// The height of a creative.
        Height = "height",
        /// The platform's template for a creative.
        TemplateId = "template_id",
        /// The values of the template's fields.
        TemplateValues = "template_values",
        /// A display name.
        Name = "name",
        /// The packages in which a creative runs.
        Assignments = "package_assignments",
        /// The name of a platform.
        Platform = "platform",
        /// The last day of a report.
        ReportEnd = "end_date",
        /// The page size of a list.
        Limit = "limit",
        /// The cursor of a page.
        Cursor = "cursor",
        /// A reviewer's decision.
        Resolution = "resolution",
        /// Why a reviewer rejected.
        ReasonCode = "reason_code",
        /// A reviewer's comment.
        ResolutionDetail = "resolution_detail",
        /// The URL of a webhook endpoint.
        Url = "url",
        /// The kinds of events that an endpoint subscribes to.
        Events = "events",
        /// The id of an event.
        EventId = "event_id",
    }
}

/// The subject of a path: the buy, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The media buy, or the request as a whole.
    Buy,
    /// A package.
    Package(PackageRef),
    /// A creative.
    Creative(CreativeRef),
    /// The performance report of a package, by its index in the request.
    Performance(usize),
}

/// Identifies a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageRef {
    /// By its index in the request.
    Listed(usize),
    /// By its id, if the request does not list it.
    Named(PackageId),
    /// By its id, as sent to an ad server: merged with the values that it inherits from the buy.
    Merged(PackageId),
}

/// Identifies a creative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreativeRef {
    /// By its index in the request.
    Listed(usize),
    /// By its id.
    Named(CreativeId),
}

/// The part of a subject that a path is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The subject itself.
    Whole,
    /// A field of the subject.
    Field(Field),
    /// An entry of a list.
    Entry(Field, usize),
    /// Its targeting, or a part of the targeting.
    Targeting(TargetingPart),
    /// A part that the domain does not know: the rest of a pointer, with its leading slash.
    /// Adapters may name such parts, and so do protocols at the edge.
    Text(String),
}

/// A part of targeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetingPart {
    /// The whole targeting.
    Whole,
    /// The rule of a dimension and an operator.
    Rule(Dimension, Operator),
    /// The dayparting.
    Hours,
    /// The presets of hours.
    Presets,
    /// One range of hours, by its index.
    Schedule(usize),
    /// The frequency cap.
    Cap,
    /// The scope of the frequency cap.
    CapScope,
    /// The length of the frequency cap, in minutes.
    CapMinutes,
    /// The custom targeting of a platform, by the platform's name.
    Custom(String),
    /// A part that the domain does not know: the rest of a pointer, with its leading slash.
    Text(String),
}

/// A field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    /// The subject that has the field.
    pub subject: Subject,
    /// The part of the subject.
    pub part: Part,
}

impl Subject {
    /// A package, by its index in the request.
    pub const fn listed(index: usize) -> Self {
        Self::Package(PackageRef::Listed(index))
    }

    /// A package as sent to an ad server, by its id.
    pub fn merged(id: &PackageId) -> Self {
        Self::Package(PackageRef::Merged(id.clone()))
    }

    /// The path of the subject itself.
    pub fn whole(self) -> FieldPath {
        self.at(Part::Whole)
    }

    /// The path of one of the subject's fields.
    pub fn field(&self, field: Field) -> FieldPath {
        self.clone().at(Part::Field(field))
    }

    /// The path of an entry of one of the subject's lists.
    pub fn entry(&self, field: Field, index: usize) -> FieldPath {
        self.clone().at(Part::Entry(field, index))
    }

    /// The path of a part of the subject's targeting.
    pub fn targeting(&self, part: TargetingPart) -> FieldPath {
        self.clone().at(Part::Targeting(part))
    }

    /// The path of a part of the subject.
    pub const fn at(self, part: Part) -> FieldPath {
        FieldPath { subject: self, part }
    }
}

impl FieldPath {
    /// A path that consists of a pointer of a protocol or of an adapter.
    pub fn text(pointer: impl Into<String>) -> Self {
        Subject::Buy.at(Part::Text(pointer.into()))
    }

    /// Whether the path is about targeting, as far as its text shows.
    pub fn concerns_targeting(&self) -> bool {
        match &self.part {
            Part::Targeting(_) => true,
            Part::Text(text) => text.contains("targeting"),
            Part::Whole | Part::Field(_) | Part::Entry(..) => false,
        }
    }

    /// Whether the path is a part of targeting, and not the whole targeting.
    pub fn is_within_targeting(&self) -> bool {
        matches!(&self.part, Part::Targeting(part) if *part != TargetingPart::Whole)
    }

    /// Whether the path is about a creative.
    pub const fn concerns_creative(&self) -> bool {
        matches!(self.subject, Subject::Creative(_)) || matches!(self.part, Part::Field(Field::NewCreatives))
    }
}

impl From<Field> for FieldPath {
    /// The path of a field of the buy, or of the request itself.
    fn from(field: Field) -> Self {
        Subject::Buy.field(field)
    }
}
