//! Which field of a request something is about, in the domain's own words.
//!
//! A [`FieldPath`] names a subject (the buy, a package, a creative) and a part of it. It knows no protocol: each protocol at
//! the edge turns a path into its own pointer and its own name. Paths also have one fixed text, which records and the adapter
//! contract use; see [`text`](self::text).

use super::{
    id::{CreativeId, PackageId},
    targeting::{Dimension, Operator, names},
};

mod text;

pub use text::pointer_token;

names! {
    /// A field of a media buy, of one of its parts, or of a question about it.
    ///
    /// The texts are those of records and of the adapter contract. They must not change.
    Field {
        /// Whether it delivers.
        Active = "active",
        /// The buy's budget.
        TotalBudget = "total_budget",
        /// The most that it spends in a day.
        DailyBudget = "daily_budget",
        /// The start of the flight.
        FlightStart = "flight_start_date",
        /// The end of the flight.
        FlightEnd = "flight_end_date",
        /// The currency of all amounts.
        Currency = "currency",
        /// The buyer's purchase order number.
        PoNumber = "po_number",
        /// How impressions are spread.
        Pacing = "pacing",
        /// The list of packages.
        Packages = "packages",
        /// A package's id.
        PackageId = "package_id",
        /// The price of a thousand impressions.
        Price = "cpm",
        /// A package's budget.
        Budget = "budget",
        /// A package's goal.
        Impressions = "impressions",
        /// The most impressions in a day.
        DailyImpressions = "daily_impressions",
        /// The creatives that run in a package.
        Creatives = "creative_ids",
        /// The list of new creatives.
        NewCreatives = "assets",
        /// A creative's id.
        CreativeId = "creative_id",
        /// A creative's format.
        Format = "format",
        /// Where a creative's asset is.
        MediaUrl = "media_url",
        /// Where a click leads.
        ClickUrl = "click_url",
        /// A creative's length.
        Duration = "duration",
        /// A creative's width.
        Width = "width",
        /// A creative's height.
        Height = "height",
        /// The platform's template of a creative.
        TemplateId = "template_id",
        /// The fields of that template.
        TemplateValues = "template_values",
        /// A name for people.
        Name = "name",
        /// The packages in which a creative is to run.
        Assignments = "package_assignments",
        /// A platform's name.
        Platform = "platform",
        /// The last day of a report.
        ReportEnd = "end_date",
        /// How many entries a page has.
        Limit = "limit",
        /// Where a page begins.
        Cursor = "cursor",
        /// A reviewer's decision.
        Resolution = "resolution",
        /// A reviewer's words.
        ResolutionDetail = "resolution_detail",
        /// Where webhooks are sent.
        Url = "url",
        /// The kinds of events that are sent.
        Events = "events",
        /// An event's id.
        EventId = "event_id",
    }
}

/// What a path is about: the buy, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The media buy, or the request as a whole.
    Buy,
    /// A package.
    Package(PackageRef),
    /// A creative.
    Creative(CreativeRef),
    /// The performance of a package, by its place in the request.
    Performance(usize),
}

/// How a package is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageRef {
    /// By its place in the request.
    Listed(usize),
    /// By its id: the request does not list it.
    Named(PackageId),
    /// By its id, as an ad server is given it: with what it has from the buy.
    Merged(PackageId),
}

/// How a creative is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreativeRef {
    /// By its place in the request.
    Listed(usize),
    /// By its id.
    Named(CreativeId),
}

/// A part of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The subject itself.
    Whole,
    /// A field of it.
    Field(Field),
    /// An entry of a list.
    Entry(Field, usize),
    /// Its targeting, or a part of that.
    Targeting(TargetingPart),
    /// A part by a name that the domain does not know: the rest of a pointer, with its leading slash. Adapters may name such
    /// parts, and so does the edge, whose pointers are its protocol's own.
    Text(String),
}

/// A part of targeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetingPart {
    /// All of it.
    Whole,
    /// The rule of a dimension and an operator.
    Rule(Dimension, Operator),
    /// The hours of the week.
    Hours,
    /// The hours that the platform names.
    Presets,
    /// One range of hours, by its place.
    Schedule(usize),
    /// The frequency cap.
    Cap,
    /// What a frequency cap counts together.
    CapScope,
    /// The time without another impression.
    CapMinutes,
    /// What only one platform understands, by the platform's name.
    Custom(String),
    /// A part by a name that the domain does not know: the rest of a pointer, with its leading slash.
    Text(String),
}

/// A field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    /// Whose field it is.
    pub subject: Subject,
    /// Which one.
    pub part: Part,
}

impl Subject {
    /// A package, by its place in the request.
    pub const fn listed(index: usize) -> Self {
        Self::Package(PackageRef::Listed(index))
    }

    /// A package as an ad server is given it, by its id.
    pub fn merged(id: &PackageId) -> Self {
        Self::Package(PackageRef::Merged(id.clone()))
    }

    /// The path of the subject itself.
    pub fn whole(self) -> FieldPath {
        self.at(Part::Whole)
    }

    /// The path of one of its fields.
    pub fn field(&self, field: Field) -> FieldPath {
        self.clone().at(Part::Field(field))
    }

    /// The path of an entry of one of its lists.
    pub fn entry(&self, field: Field, index: usize) -> FieldPath {
        self.clone().at(Part::Entry(field, index))
    }

    /// The path of a part of its targeting.
    pub fn targeting(&self, part: TargetingPart) -> FieldPath {
        self.clone().at(Part::Targeting(part))
    }

    /// The path of a part of it.
    pub const fn at(self, part: Part) -> FieldPath {
        FieldPath { subject: self, part }
    }
}

impl FieldPath {
    /// A place in words of others: a pointer of a protocol, or of an adapter.
    pub fn text(pointer: impl Into<String>) -> Self {
        Subject::Buy.at(Part::Text(pointer.into()))
    }

    /// Whether it is about targeting, as far as its text tells.
    pub fn concerns_targeting(&self) -> bool {
        match &self.part {
            Part::Targeting(_) => true,
            Part::Text(text) => text.contains("targeting"),
            Part::Whole | Part::Field(_) | Part::Entry(..) => false,
        }
    }

    /// Whether it is a part of targeting, and not all of it.
    pub fn is_within_targeting(&self) -> bool {
        matches!(&self.part, Part::Targeting(part) if *part != TargetingPart::Whole)
    }

    /// Whether it is about a creative.
    pub const fn concerns_creative(&self) -> bool {
        matches!(self.subject, Subject::Creative(_)) || matches!(self.part, Part::Field(Field::NewCreatives))
    }
}

impl From<Field> for FieldPath {
    /// A field of the buy, or of the request itself.
    fn from(field: Field) -> Self {
        Subject::Buy.field(field)
    }
}
