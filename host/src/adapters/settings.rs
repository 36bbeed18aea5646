//! Settings against the JSON Schema that an adapter gives for them.

use serde_json::Value;

use crate::domain::problem::Problem;

/// Mistakes that are told at once.
const PROBLEMS: usize = 50;

/// Everything that is wrong with `value`, by JSON pointer.
pub(crate) fn check(schema: &Value, value: &Value) -> Vec<Problem> {
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![Problem::new("", format!("the adapter's schema can't be used: {error}"))],
    };
    let errors = validator.iter_errors(value).take(PROBLEMS);
    // Values are left out: settings may hold what should not stand in a log.
    errors.map(|error| Problem::new(error.instance_path().to_string(), error.masked().to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_with_its_pointer_and_without_its_value() {
        let schema = serde_json::json!({
            "type": "object",
            "properties": {"network": {"type": "integer"}, "sites": {"type": "array", "items": {"type": "string"}}},
            "required": ["network"],
            "additionalProperties": false,
        });
        assert!(check(&schema, &serde_json::json!({"network": 7, "sites": ["a"]})).is_empty());
        let wrong = check(&schema, &serde_json::json!({"network": "hunter2", "sites": ["a", 5]}));
        let fields: Vec<&str> = wrong.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["/network", "/sites/1"]);
        assert!(wrong.iter().all(|problem| !problem.message.contains("hunter2")));
        assert!(check(&schema, &serde_json::json!({}))[0].message.contains("network"));
    }
}
