//! Parts that several resources share.

use super::enums::{SIZE_TYPE, TIME_UNIT};
use crate::gam::schema::{
    Kind::{Bool, Double, Int32, Int64, Message, Text},
    Shape, opt, req,
};

pub(in crate::gam) static APPLIED_LABEL: Shape =
    Shape { name: "AppliedLabel", fields: &[req("label", Text), opt("negated", Bool)] };

pub(in crate::gam) static VALUE: Shape = Shape {
    name: "Value",
    fields: &[
        opt("dropdownValue", Int64),
        opt("stringValue", Text),
        opt("numberValue", Double),
        opt("toggleValue", Bool),
    ],
};

pub(in crate::gam) static CUSTOM_FIELD_VALUE: Shape =
    Shape { name: "CustomFieldValue", fields: &[req("customField", Text), req("value", Message(&VALUE))] };

pub(in crate::gam) static FREQUENCY_CAP: Shape = Shape {
    name: "FrequencyCap",
    fields: &[opt("maxImpressions", Int64), opt("timeAmount", Int64), opt("timeUnit", TIME_UNIT)],
};

pub(in crate::gam) static MONEY: Shape =
    Shape { name: "Money", fields: &[opt("currencyCode", Text), opt("units", Int64), opt("nanos", Int32)] };

pub(in crate::gam) static SIZE: Shape =
    Shape { name: "Size", fields: &[req("width", Int32), req("height", Int32), req("sizeType", SIZE_TYPE)] };

pub(in crate::gam) static CREATIVE_PLACEHOLDER_COMPANION: Shape =
    Shape { name: "CreativePlaceholderCompanion", fields: &[req("size", Message(&SIZE))] };

pub(in crate::gam) static CREATIVE_PLACEHOLDER: Shape = Shape {
    name: "CreativePlaceholder",
    fields: &[
        req("size", Message(&SIZE)),
        opt("companions", Message(&CREATIVE_PLACEHOLDER_COMPANION)).many(),
        opt("expectedCreativeCount", Int32),
        opt("appliedLabels", Message(&APPLIED_LABEL)).many(),
        opt("ampOnly", Bool),
        opt("creativeTargetingDisplayName", Text),
    ],
};
