//! Validates settings against the JSON Schema that an adapter provides for them.

use jsonschema::PatternOptions;
use serde_json::Value;

/// Maximum mistakes reported at once.
const PROBLEMS: usize = 50;

/// Maximum bytes of one compiled pattern.
const PATTERN_BYTES: usize = 1 << 20;

/// One mistake in settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsMistake {
    /// A JSON pointer into the settings. Empty means the settings as a whole.
    pub at: String,
    /// What is wrong. Contains no values, because settings may hold secrets that don't belong in a
    /// log.
    pub message: String,
}

impl std::fmt::Display for SettingsMistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.at.as_str() {
            "" => f.write_str(&self.message),
            at => write!(f, "{at}: {}", self.message),
        }
    }
}

/// Returns everything that is wrong with `value`.
pub(crate) fn check(schema: &Value, value: &Value) -> Vec<SettingsMistake> {
    // The schema comes from the adapter, so an expression in it must cost no more than a small
    // automaton.
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES);
    let validator = match jsonschema::options().with_pattern_options(patterns).build(schema) {
        Ok(validator) => validator,
        Err(error) => {
            let message = format!("the adapter's schema can't be used: {error}");
            return vec![SettingsMistake { at: String::new(), message }];
        }
    };
    let errors = validator.iter_errors(value).take(PROBLEMS);
    let mistake = |error: jsonschema::ValidationError<'_>| SettingsMistake {
        at: error.instance_path().to_string(),
        message: error.masked().to_string(),
    };
    errors.map(mistake).collect()
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
        let fields: Vec<&str> = wrong.iter().map(|mistake| mistake.at.as_str()).collect();
        assert_eq!(fields, ["/network", "/sites/1"]);
        assert!(wrong.iter().all(|mistake| !mistake.message.contains("hunter2")));
        assert!(check(&schema, &serde_json::json!({}))[0].message.contains("network"));
    }

    #[test]
    fn a_pattern_that_would_take_the_hosts_memory_is_refused() {
        let schema = serde_json::json!({ "type": "string", "pattern": "((a{1000}){1000}){10}" });
        let wrong = check(&schema, &serde_json::json!("a"));
        assert!(wrong[0].message.contains("schema can't be used"), "{wrong:?}");
    }
}
