//! Associations of line items and creatives.

use super::{common::SIZE, enums::LINE_ITEM_CREATIVE_ASSOCIATION_STATUS};
use crate::gam::schema::{
    Kind::{Double, Int32, Int64, Message, Text, Time},
    Shape, fixed, opt, out,
};

pub(in crate::gam) static CREATIVE_STATS: Shape = Shape {
    name: "CreativeStats",
    fields: &[
        opt("impressionsDelivered", Int64),
        opt("clicksDelivered", Int64),
        opt("viewableImpressionsDelivered", Int64),
    ],
};

pub(in crate::gam) static CREATIVE_SET_STATS_ENTRY: Shape =
    Shape { name: "CreativeSetStatsEntry", fields: &[opt("key", Int64), opt("value", Message(&CREATIVE_STATS))] };

pub(in crate::gam) static LINE_ITEM_CREATIVE_ASSOCIATION_STATS: Shape = Shape {
    name: "LineItemCreativeAssociationStats",
    fields: &[
        out("impressionsDelivered", Int64),
        out("clicksDelivered", Int64),
        out("viewableImpressionsDelivered", Int64),
        out("creativeSetStats", Message(&CREATIVE_SET_STATS_ENTRY)).many(),
    ],
};

pub(in crate::gam) static LINE_ITEM_CREATIVE_ASSOCIATION: Shape = Shape {
    name: "LineItemCreativeAssociation",
    fields: &[
        out("name", Text),
        fixed("lineItem", Text),
        opt("creative", Text),
        opt("creativeSet", Text),
        out("status", LINE_ITEM_CREATIVE_ASSOCIATION_STATUS),
        opt("startTime", Time),
        opt("endTime", Time),
        opt("sizes", Message(&SIZE)).many(),
        opt("destinationUrl", Text),
        opt("manualCreativeRotationWeight", Double),
        opt("sequentialCreativeRotationIndex", Int32),
        opt("targetingDisplayName", Text),
        out("updateTime", Time),
        out("stats", Message(&LINE_ITEM_CREATIVE_ASSOCIATION_STATS)),
    ],
};
