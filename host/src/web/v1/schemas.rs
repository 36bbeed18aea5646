//! The JSON Schemas of domain values that this protocol shows as they are stored. A protocol with
//! other names has types of its own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::domain::{
    creative::{AssetState, Format},
    event::EventKind,
    id::{CreativeId, EventId, MediaBuyId, OperationId, PackageId, PlatformName, PrincipalId, TaskId, WebhookId},
    media_buy::Pacing,
    money::Micros,
    operation::{LegState, OperationKind, OperationState},
    plan::PlanAction,
    status::BuyStatus,
    step::StepState,
    targeting::{CapScope, Dimension, Operator, Weekday},
    task::{Priority, ReasonCode, Resolution, TaskKind, TaskStatus},
    time::{Day, Timestamp},
    webhook::DeliveryStatus,
};

macro_rules! schemas {
    ($($name:ident: $schema:tt,)+) => {
        $(impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })+
    };
}

macro_rules! closed_lists {
    ($($name:ident,)+) => {
        $(impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let names: Vec<&str> = Self::ALL.iter().map(|case| case.as_str()).collect();
                json_schema!({"type": "string", "enum": names})
            }
        })+
    };
}

schemas! {
    Micros: {"type": "number", "minimum": 0},
    Timestamp: {"type": "string", "format": "date-time"},
    Day: {"type": "string", "format": "date"},
    MediaBuyId: {"type": "string"},
    PackageId: {"type": "string"},
    CreativeId: {"type": "string"},
    OperationId: {"type": "string"},
    TaskId: {"type": "string"},
    EventId: {"type": "string"},
    WebhookId: {"type": "string"},
    PrincipalId: {"type": "string"},
    PlatformName: {"type": "string"},
}

closed_lists! {
    Format, AssetState, Pacing, BuyStatus, OperationState, OperationKind, LegState, StepState, PlanAction, Weekday, CapScope,
    Dimension, Operator, Priority, ReasonCode, Resolution, TaskKind, TaskStatus, EventKind, DeliveryStatus,
}
