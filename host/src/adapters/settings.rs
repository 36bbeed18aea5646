//! Settings against the JSON Schema that an adapter gives for them.

use jsonschema::PatternOptions;
use serde_json::Value;

use crate::domain::problem::Problem;

/// Mistakes that are told at once.
const PROBLEMS: usize = 50;

/// What one compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

/// Everything that is wrong with `value`, by JSON pointer.
pub(crate) fn check(schema: &Value, value: &Value) -> Vec<Problem> {
    // The schema is the adapter's word: an expression in it must cost no more than a small automaton.
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES);
    let validator = match jsonschema::options().with_pattern_options(patterns).build(schema) {
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

    #[test]
    fn a_pattern_that_would_take_the_hosts_memory_is_refused() {
        let schema = serde_json::json!({ "type": "string", "pattern": "((a{1000}){1000}){10}" });
        let wrong = check(&schema, &serde_json::json!("a"));
        assert!(wrong[0].message.contains("schema can't be used"), "{wrong:?}");
    }
}
