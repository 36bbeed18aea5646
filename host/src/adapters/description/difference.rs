//! Finds the first difference between two answers that should be the same.

use std::fmt::Debug;

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;

use super::DescriptionError;

/// Characters of a value that are shown.
const SHOWN: usize = 160;

/// Returns from the function at the first of these fields that differs.
macro_rules! same {
    ($one:ident, $other:ident: $($field:ident => $name:literal),* $(,)?) => {
        $(if $one.$field != $other.$field {
            let (one, other) = lines(&$one.$field, &$other.$field);
            return Err(DescriptionError::Changing { field: $name, one, other });
        })*
    };
}

/// Compares two descriptions field by field.
///
/// # Errors
/// [`DescriptionError::Changing`] with the first field that differs.
pub(super) fn between_descriptions(one: &wit::Description, other: &wit::Description) -> Result<(), DescriptionError> {
    same! { one, other:
        platform => "platform",
        title => "title",
        adapter_version => "adapter-version",
        formats => "formats",
        targeting => "targeting",
        dayparting => "dayparting",
        frequency_cap => "frequency-cap",
        pacing => "pacing",
        price_models => "price-models",
        updates => "updates",
        settings_schema => "settings-schema",
        product_settings_schema => "product-settings-schema",
        read_requests => "read-requests",
        write_requests => "write-requests",
        lookup_lag_ms => "lookup-lag-ms",
        batch_size => "batch-size",
        cancel => "cancel",
        delivery_counting => "delivery-counting",
        extensions => "extensions",
    }
    Ok(())
}

/// Compares two answers of `plan`. A refusal must be the same, too.
///
/// # Errors
/// [`DescriptionError::Plan`] if they differ.
pub(super) fn between_plans(
    one: &Result<wit::ChangePlan, wit::Failure>,
    other: &Result<wit::ChangePlan, wit::Failure>,
) -> Result<(), DescriptionError> {
    if one == other {
        return Ok(());
    }
    let refused = |failure: &wit::Failure| shown(&format!("a refusal: {}", failure.message));
    let (one, other) = match (one, other) {
        (Ok(_), Err(failure)) => ("a plan".to_owned(), refused(failure)),
        (Err(failure), Ok(_)) => (refused(failure), "a plan".to_owned()),
        (one, other) => lines(one, other),
    };
    Err(DescriptionError::Plan { one, other })
}

/// Returns the first lines that differ in the two values' debug output. That output is on one line
/// for a text and a number, and has a line for each field of a record.
fn lines<T: Debug>(one: &T, other: &T) -> (String, String) {
    let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
    let (mut ones, mut others) = (one.lines(), other.lines());
    loop {
        match (ones.next(), others.next()) {
            (None, None) => return (shown(&one), shown(&other)),
            (one, other) if one == other => {}
            (one, other) => return (shown(one.unwrap_or("nothing")), shown(other.unwrap_or("nothing"))),
        }
    }
}

/// Returns the beginning of a text in a form that can be shown.
pub(super) fn shown(text: &str) -> String {
    let text = text.trim().trim_end_matches(',');
    let mut shown: String = text.chars().take(SHOWN).map(|char| if char.is_control() { ' ' } else { char }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str) -> wit::ChangePlan {
        let change = wit::PlannedChange {
            action: wit::PlanAction::Create,
            remote_type: "Order".to_owned(),
            name: name.to_owned(),
            remote_id: None,
            package_id: None,
            fields: Vec::new(),
            extensions: Vec::new(),
        };
        wit::ChangePlan { changes: vec![change], notes: Vec::new(), extensions: Vec::new() }
    }

    fn refusal(message: &str) -> wit::Failure {
        wit::Failure {
            kind: wit::FailureKind::Invalid,
            code: "no".to_owned(),
            message: message.to_owned(),
            items: Vec::new(),
            retry_after_ms: None,
            platform: None,
            extensions: Vec::new(),
        }
    }

    #[test]
    fn the_first_difference_of_two_plans_is_shown() {
        between_plans(&Ok(plan("a")), &Ok(plan("a"))).unwrap();
        between_plans(&Err(refusal("a")), &Err(refusal("a"))).unwrap();
        for (one, other, words) in [
            (Ok(plan("at 07:11")), Ok(plan("at 10:22")), "gave `name: \"at 07:11\"` and `name: \"at 10:22\"`"),
            (Err(refusal("x")), Err(refusal("y")), "gave `message: \"x\"` and `message: \"y\"`"),
            (Ok(plan("a")), Err(refusal("it is past")), "gave `a plan` and `a refusal: it is past`"),
        ] {
            let error = between_plans(&one, &other).unwrap_err().to_string();
            assert!(error.starts_with("plan is not deterministic"), "{error}");
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_long_value_is_cut_and_a_control_character_is_not_printed() {
        assert_eq!(shown("  a\u{1b}b,"), "a b");
        assert_eq!(shown(&"ä".repeat(500)).chars().count(), SHOWN + 1);
    }
}
