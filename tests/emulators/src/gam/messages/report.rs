//! Report definitions.

use super::enums::{
    DAY_OF_WEEK, DELIVERY_CONDITION, DIMENSION, FREQUENCY, METRIC, METRIC_VALUE_TYPE, OPERATION, RELATIVE_DATE_RANGE,
    REPORT_TYPE, REPORT_VISIBILITY, TIME_PERIOD_COLUMN, TIME_ZONE_SOURCE,
};
use crate::gam::schema::{
    Kind::{Bool, Bytes, Double, Int32, Int64, Message, Text, Time},
    Shape, opt, out, req,
};

pub(in crate::gam) static FIELD: Shape =
    Shape { name: "Field", fields: &[opt("dimension", DIMENSION), opt("metric", METRIC)] };

pub(in crate::gam) static INT_LIST: Shape = Shape { name: "IntList", fields: &[opt("values", Int64).many()] };

pub(in crate::gam) static STRING_LIST: Shape = Shape { name: "StringList", fields: &[opt("values", Text).many()] };

pub(in crate::gam) static DOUBLE_LIST: Shape = Shape { name: "DoubleList", fields: &[opt("values", Double).many()] };

pub(in crate::gam) static REPORT_VALUE: Shape = Shape {
    name: "ReportValue",
    fields: &[
        opt("intValue", Int64),
        opt("doubleValue", Double),
        opt("stringValue", Text),
        opt("boolValue", Bool),
        opt("intListValue", Message(&INT_LIST)),
        opt("stringListValue", Message(&STRING_LIST)),
        opt("doubleListValue", Message(&DOUBLE_LIST)),
        opt("bytesValue", Bytes),
    ],
};

pub(in crate::gam) static SLICE: Shape =
    Shape { name: "Slice", fields: &[opt("dimension", DIMENSION), opt("value", Message(&REPORT_VALUE))] };

pub(in crate::gam) static FIELD_FILTER: Shape = Shape {
    name: "FieldFilter",
    fields: &[
        opt("field", Message(&FIELD)),
        opt("operation", OPERATION),
        opt("values", Message(&REPORT_VALUE)).many(),
        opt("slice", Message(&SLICE)),
        opt("timePeriodIndex", Int32),
        opt("metricValueType", METRIC_VALUE_TYPE),
    ],
};

pub(in crate::gam) static FILTER_LIST: Shape =
    Shape { name: "FilterList", fields: &[opt("filters", Message(&FILTER)).many()] };

pub(in crate::gam) static FILTER: Shape = Shape {
    name: "Filter",
    fields: &[
        opt("fieldFilter", Message(&FIELD_FILTER)),
        opt("notFilter", Message(&FILTER)),
        opt("andFilter", Message(&FILTER_LIST)),
        opt("orFilter", Message(&FILTER_LIST)),
    ],
};

pub(in crate::gam) static DATE: Shape =
    Shape { name: "Date", fields: &[opt("year", Int32), opt("month", Int32), opt("day", Int32)] };

pub(in crate::gam) static FIXED_DATE_RANGE: Shape =
    Shape { name: "FixedDateRange", fields: &[opt("startDate", Message(&DATE)), opt("endDate", Message(&DATE))] };

pub(in crate::gam) static DATE_RANGE: Shape = Shape {
    name: "DateRange",
    fields: &[opt("fixed", Message(&FIXED_DATE_RANGE)), opt("relative", RELATIVE_DATE_RANGE)],
};

pub(in crate::gam) static FLAG: Shape =
    Shape { name: "Flag", fields: &[opt("filters", Message(&FILTER)).many(), opt("name", Text)] };

pub(in crate::gam) static SORT: Shape = Shape {
    name: "Sort",
    fields: &[
        opt("field", Message(&FIELD)),
        opt("descending", Bool),
        opt("slice", Message(&SLICE)),
        opt("timePeriodIndex", Int32),
        opt("metricValueType", METRIC_VALUE_TYPE),
    ],
};

pub(in crate::gam) static REPORT_DEFINITION: Shape = Shape {
    name: "ReportDefinition",
    fields: &[
        req("dimensions", DIMENSION).many(),
        req("metrics", METRIC).many(),
        opt("filters", Message(&FILTER)).many(),
        opt("timeZoneSource", TIME_ZONE_SOURCE),
        opt("timeZone", Text),
        opt("currencyCode", Text),
        req("dateRange", Message(&DATE_RANGE)),
        opt("comparisonDateRange", Message(&DATE_RANGE)),
        opt("cmsMetadataDimensionKeyIds", Int64).many(),
        opt("customDimensionKeyIds", Int64).many(),
        opt("ekvDimensionKeyIds", Int64).many(),
        opt("lineItemCustomFieldIds", Int64).many(),
        opt("orderCustomFieldIds", Int64).many(),
        opt("creativeCustomFieldIds", Int64).many(),
        req("reportType", REPORT_TYPE),
        opt("timePeriodColumn", TIME_PERIOD_COLUMN),
        opt("flags", Message(&FLAG)).many(),
        opt("sorts", Message(&SORT)).many(),
        opt("expandedCompatibility", Bool),
    ],
};

pub(in crate::gam) static WEEKLY_SCHEDULE: Shape =
    Shape { name: "WeeklySchedule", fields: &[opt("weeklyScheduledDays", DAY_OF_WEEK).many()] };

pub(in crate::gam) static MONTHLY_SCHEDULE: Shape =
    Shape { name: "MonthlySchedule", fields: &[opt("monthlyScheduledDays", Int32).many()] };

pub(in crate::gam) static TIME_OF_DAY: Shape = Shape {
    name: "TimeOfDay",
    fields: &[opt("hours", Int32), opt("minutes", Int32), opt("seconds", Int32), opt("nanos", Int32)],
};

pub(in crate::gam) static SCHEDULE: Shape = Shape {
    name: "Schedule",
    fields: &[
        opt("weeklySchedule", Message(&WEEKLY_SCHEDULE)),
        opt("monthlySchedule", Message(&MONTHLY_SCHEDULE)),
        opt("startDate", Message(&DATE)),
        opt("endDate", Message(&DATE)),
        opt("frequency", FREQUENCY),
        opt("startTime", Message(&TIME_OF_DAY)),
    ],
};

pub(in crate::gam) static SCHEDULE_OPTIONS: Shape = Shape {
    name: "ScheduleOptions",
    fields: &[
        opt("schedule", Message(&SCHEDULE)),
        opt("deliveryCondition", DELIVERY_CONDITION),
        opt("flags", Message(&FLAG)).many(),
    ],
};

pub(in crate::gam) static REPORT: Shape = Shape {
    name: "Report",
    fields: &[
        out("name", Text),
        out("reportId", Int64),
        opt("visibility", REPORT_VISIBILITY),
        req("reportDefinition", Message(&REPORT_DEFINITION)),
        opt("draftReportDefinition", Message(&REPORT_DEFINITION)),
        opt("displayName", Text),
        out("updateTime", Time),
        out("createTime", Time),
        out("locale", Text),
        opt("scheduleOptions", Message(&SCHEDULE_OPTIONS)),
    ],
};
