//! The emulator's own answers, checked by the schema they are to have.
//!
//! A debug build, which tests are, checks every answer before it is sent: an emulator that answers
//! what the platform can't would teach its callers wrong.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    Field, Is, Kind, Object, Scalar, Shape, method,
    published::{is_unspecified, values},
    read_time, shape, span,
};

/// Where the schema says that a field is required, and Google's documentation says of which
/// objects it isn't: message and field.
const NOT_EVERYWHERE: [(&str, &str); 1] = [
    // The root of the ad units has no parent.
    ("AdUnit", "parentAdUnit"),
];

/// The prefix of the types of messages that say themselves which they are.
const TYPES: &str = "type.googleapis.com/google.ads.admanager.v1.";

/// Returns what is wrong with the answer to a call, a line each.
pub(in crate::gam) fn faults(verb: &str, path: &str, answer: &Value) -> Vec<String> {
    let Some(method) = method(verb, path) else {
        return vec![format!("{verb} {path} is no method of the API")];
    };
    let mut faults = Vec::new();
    shape(&method.response).judge(&method.response, answer, &mut faults);
    faults
}

impl Shape {
    fn judge(&self, place: &str, value: &Value, faults: &mut Vec<String>) {
        let Value::Object(object) = value else {
            faults.push(format!("{place} is no object: {value}"));
            return;
        };
        for (name, value) in object {
            let place = format!("{place}.{name}");
            match self.field(name).filter(|field| field.name == *name) {
                None => faults.push(format!("{place} is no field of {}", self.name)),
                Some(field) if field.is(Is::Input) => faults.push(format!("{place} is only in requests")),
                Some(field) => field.judge(&place, value, faults),
            }
        }
        let mut set: Vec<&str> = Vec::new();
        for field in &self.fields {
            let there = object.contains_key(&field.name);
            if let Some(group) = field.oneof.as_deref().filter(|_| there) {
                if set.contains(&group) {
                    faults.push(format!("{place} has two fields of the group {group}"));
                }
                set.push(group);
            }
            let excused = NOT_EVERYWHERE.contains(&(self.name.as_str(), field.name.as_str()));
            if field.is(Is::Required) && !there && !excused {
                faults.push(format!("{place} lacks {}", field.name));
            }
        }
    }
}

impl Field {
    fn judge(&self, place: &str, value: &Value, faults: &mut Vec<String>) {
        if self.is_left_out(value) {
            faults.push(format!("{place} is left out when it is {value}"));
        }
        if let Err(refusal) = self.limit(place, value) {
            faults.push(format!("{place}: {refusal}"));
        }
        match value {
            Value::Object(map) if self.map.is_some() => {
                map.iter().for_each(|(key, value)| self.kind.judge(&format!("{place}[{key}]"), value, faults));
            }
            Value::Array(items) if self.list => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(at, item)| self.kind.judge(&format!("{place}[{at}]"), item, faults));
            }
            _ if self.list || self.map.is_some() => faults.push(format!("{place} is no list: {value}")),
            one => self.kind.judge(place, one, faults),
        }
    }
}

impl Kind {
    fn judge(&self, place: &str, value: &Value, faults: &mut Vec<String>) {
        let right = match (self, value) {
            (Self::Message(message), value) => return shape(message).judge(place, value, faults),
            (Self::Scalar(Scalar::Any), Value::Object(object)) => return any(place, object, faults),
            (Self::Scalar(scalar), value) => scalar.is_written(value),
            (Self::Enum(name), Value::String(text)) => {
                values(name).get(text).is_some_and(|number| !is_unspecified(text, *number))
            }
            (Self::Enum(_), _) => false,
        };
        if !right {
            faults.push(format!("{place} is no {self:?}: {value}"));
        }
    }
}

fn any(place: &str, object: &Object, faults: &mut Vec<String>) {
    let named = object.get("@type").and_then(Value::as_str).and_then(|name| name.strip_prefix(TYPES));
    let Some(message) = named else {
        faults.push(format!("{place} has no @type of the API"));
        return;
    };
    let mut rest = object.clone();
    rest.remove("@type");
    shape(message).judge(place, &Value::Object(rest), faults);
}

impl Scalar {
    /// Whether a value is written as Google writes it.
    fn is_written(self, value: &Value) -> bool {
        match (self, value) {
            (Self::String | Self::FieldMask, Value::String(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Double, Value::Number(_)) => true,
            (Self::Int64, Value::String(text)) => text.parse::<i64>().is_ok(),
            (Self::Int32, value) => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            (Self::Timestamp, Value::String(text)) => text.ends_with('Z') && read_time(text).is_some(),
            (Self::Duration, Value::String(text)) => span(text),
            (Self::Bytes, Value::String(text)) => STANDARD.decode(text).is_ok(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_that_the_platform_cannot_give_is_found() {
        let path = "/v1/networks/1/lineItems/2/creatives/3";
        let right = json!({
            "name": "networks/1/lineItems/2/creatives/3", "lineItem": "networks/1/lineItems/2", "status": "ACTIVE",
            "updateTime": "2030-01-01T00:00:00Z", "sizes": [{ "width": 1, "height": 1, "sizeType": "PIXEL" }],
            "stats": { "impressionsDelivered": "7", "creativeSetStats": { "5": { "clicksDelivered": "1" } } },
        });
        assert_eq!(faults("GET", path, &right), Vec::<String>::new());
        for (field, value, said) in [
            ("mood", json!("good"), "mood is no field of LineItemCreativeAssociation"),
            ("status", json!("SLEEPING"), "status is no Enum"),
            ("status", json!("LINE_ITEM_CREATIVE_ASSOCIATION_STATUS_UNSPECIFIED"), "status is no Enum"),
            ("status", json!(1), "status is no Enum"),
            ("updateTime", json!("2030-01-01T00:00:00+01:00"), "updateTime is no Scalar(Timestamp)"),
            ("stats", json!({ "impressionsDelivered": 7 }), "impressionsDelivered is no Scalar(Int64)"),
            ("sizes", json!({}), "sizes is no list"),
            ("sizes", json!([{ "width": 1, "height": 1 }]), "sizes[0] lacks sizeType"),
            ("destinationUrl", json!(null), "destinationUrl is no Scalar(String)"),
            ("sizes", json!([]), "sizes is left out when it is []"),
            ("targetingDisplayName", json!(""), "targetingDisplayName is left out"),
        ] {
            let mut wrong = right.clone();
            wrong[field] = value;
            let found = faults("GET", path, &wrong);
            assert!(found.len() == 1 && found[0].contains(said), "{field}: {found:?}");
        }
        let mut wrong = right;
        wrong.as_object_mut().unwrap().remove("lineItem");
        assert_eq!(faults("GET", path, &wrong), ["LineItemCreativeAssociation lacks lineItem"]);
        assert_eq!(faults("GET", "/v1/networks/1/lineItems/2/moods", &json!({})).len(), 1);
    }

    #[test]
    fn an_operation_says_which_messages_it_holds() {
        let path = "/v1/networks/1/operations/reports/runs/2";
        let answer = |response: Value| json!({ "name": "networks/1/operations/reports/runs/2", "done": true, "response": response });
        let named = "type.googleapis.com/google.ads.admanager.v1.RunReportResponse";
        let right = json!({ "@type": named, "reportResult": "networks/1/reports/1/results/2" });
        assert_eq!(faults("GET", path, &answer(right)), Vec::<String>::new());
        assert_eq!(faults("GET", path, &answer(json!({ "@type": named, "rows": [] }))).len(), 1);
        assert_eq!(faults("GET", path, &answer(json!({ "reportResult": "x" }))).len(), 1);
    }
}
