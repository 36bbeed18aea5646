//! Orders.

use super::{
    common::{APPLIED_LABEL, CUSTOM_FIELD_VALUE},
    enums::ORDER_STATUS,
};
use crate::gam::schema::{
    Kind::{Bool, Int32, Int64, Message, Text, Time},
    Shape, opt, out, req,
};

pub(in crate::gam) static ORDER: Shape = Shape {
    name: "Order",
    fields: &[
        out("name", Text),
        out("orderId", Int64),
        req("displayName", Text),
        opt("programmatic", Bool),
        req("trafficker", Text),
        opt("advertiserContacts", Text).many(),
        req("advertiser", Text),
        opt("agencyContacts", Text).many(),
        opt("agency", Text),
        opt("appliedTeams", Text).many(),
        out("effectiveTeams", Text).many(),
        out("creator", Text),
        out("currencyCode", Text),
        out("startTime", Time),
        out("endTime", Time),
        out("unlimitedEndTime", Bool),
        opt("externalOrderId", Int32),
        out("archived", Bool),
        out("lastModifiedByApp", Text),
        out("updateTime", Time),
        opt("notes", Text),
        opt("poNumber", Text),
        out("status", ORDER_STATUS),
        opt("salesperson", Text),
        opt("secondarySalespeople", Text).many(),
        opt("secondaryTraffickers", Text).many(),
        opt("appliedLabels", Message(&APPLIED_LABEL)).many(),
        out("effectiveAppliedLabels", Message(&APPLIED_LABEL)).many(),
        opt("customFieldValues", Message(&CUSTOM_FIELD_VALUE)).many(),
        out("impressionsDelivered", Int64),
        out("totalClicksDelivered", Int64),
        out("totalViewableImpressionsDelivered", Int64),
    ],
};
