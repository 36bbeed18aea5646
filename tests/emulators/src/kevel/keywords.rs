//! The rules in a flight's `Keywords` (dev.kevel.com, "Keyword Logic" and "Keyword Targeting").
//!
//! Each line is a rule. The keywords of a rule are separated by commas, and a request must carry
//! all of them. A request that matches one line is enough, but a line that begins with `!` must not
//! match. Case and spaces around a keyword don't count. So `a\nb` is "a or b", and `a,b` is "a and
//! b": a flight with the second delivers only to requests that carry both.

/// The longest keyword, in characters (guide, keyword targeting).
const LONGEST: usize = 256;

/// Checks the rules of a flight.
///
/// # Errors
/// What is wrong with them, in Kevel's style.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Ok(());
    }
    if text.contains('\r') {
        return Err("has a carriage return, which keywords can't contain".to_owned());
    }
    for line in text.split('\n') {
        let rule = line.trim().strip_prefix('!').unwrap_or(line);
        for keyword in rule.split(',').map(str::trim) {
            // In "a, !b" the mark belongs to one keyword of the line.
            let keyword = keyword.strip_prefix('!').unwrap_or(keyword);
            if keyword.is_empty() {
                return Err("has an empty keyword".to_owned());
            }
            if keyword.chars().count() > LONGEST {
                return Err(format!("has a keyword of more than {LONGEST} characters"));
            }
            if let Some(mark) = keyword.chars().find(|mark| matches!(mark, ':' | '!' | '~')) {
                return Err(format!("has a keyword with {mark:?}, which keywords can't contain"));
            }
        }
    }
    Ok(())
}

/// Whether a flight with these rules delivers to a request that carries some keywords.
#[must_use]
pub fn matches(rules: &str, carried: &[&str]) -> bool {
    let carried: Vec<String> = carried.iter().map(|keyword| keyword.trim().to_lowercase()).collect();
    let has = |keyword: &str| carried.contains(&keyword.trim().to_lowercase());
    let holds = |rule: &str| {
        rule.split(',').map(str::trim).all(|keyword| match keyword.strip_prefix('!') {
            Some(unwanted) => !has(unwanted),
            None => has(keyword),
        })
    };
    let lines = || rules.lines().map(str::trim).filter(|line| !line.is_empty());
    let excluded = lines().filter_map(|line| line.strip_prefix('!')).any(|line| line.split(',').any(has));
    let mut wanted = lines().filter(|line| !line.starts_with('!')).peekable();
    !excluded && (wanted.peek().is_none() || wanted.any(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_alternatives_and_commas_join() {
        assert!(matches("dodge\ntruck", &["Truck"]) && matches("dodge\ntruck", &["dodge"]));
        assert!(!matches("dodge,truck", &["dodge"]) && matches("dodge, truck", &["truck", "dodge"]));
        assert!(!matches("!dodge", &["dodge"]) && matches("!dodge", &["ram"]));
        assert!(matches("dodge, !truck", &["dodge"]) && !matches("dodge, !truck", &["dodge", "truck"]));
        assert!(!matches("fox,bunny\n!sloth", &["fox", "bunny", "sloth"]));
        assert!(matches("", &[]));
    }

    #[test]
    fn marks_that_keywords_cannot_contain_are_refused() {
        for text in ["a:b", "a~b", "a!b", "~a", "a\n\nb", "a,", "a\r\nb"] {
            assert!(check(text).is_err(), "{text:?}");
        }
        assert!(check(&"x".repeat(257)).is_err() && check(&"x".repeat(256)).is_ok());
        for text in ["", "potato cat\ntacocat", "!a", "a,b", "a, !b"] {
            assert_eq!(check(text), Ok(()), "{text:?}");
        }
    }
}
