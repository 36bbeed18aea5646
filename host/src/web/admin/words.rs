//! Money, numbers, dates, targeting and changes as people write them.

use std::time::Duration;

use crate::domain::{
    media_buy::{MediaBuy, Package},
    money::Micros,
    price::PriceModel,
    status::BuyStatus,
    targeting::{Operator, Targeting},
    task::{Task, TaskKind, TaskStatus},
    text,
    time::Timestamp,
};

/// A coloured word. The colour repeats what the word says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// `good`, `warn`, `bad`, `new`, or empty.
    pub(super) tone: &'static str,
    pub(super) words: String,
}

impl Tag {
    pub(super) fn new(tone: &'static str, words: impl Into<String>) -> Self {
        Self { tone, words: words.into() }
    }
}

/// Writes an amount to the cent, rounded: `50,000.00 USD`.
pub(super) fn money(amount: Micros, currency: &str) -> String {
    let cents = (amount.get() + 5_000) / 10_000;
    format!("{}.{:02} {currency}", number(cents / 100), cents % 100)
}

/// Writes a price to its last place, because a thousandth of a cent counts here: `0.005 USD`.
pub(super) fn price(amount: Micros, currency: &str) -> String {
    let micros = amount.get();
    let fraction = format!("{:06}", micros % 1_000_000);
    let fraction = fraction.trim_end_matches('0');
    format!("{}.{fraction:0<2} {currency}", number(micros / 1_000_000))
}

/// Writes a number with a comma between thousands.
pub(super) fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Writes a moment: `30 Nov 2026, 09:15 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{}, {} UTC", date(day), time.get(..5).unwrap_or_default())
}

fn date(day: &str) -> String {
    let mut parts = day.split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let month = month.and_then(|month| month.parse::<usize>().ok()).and_then(|month| MONTHS.get(month - 1));
    match (year, month, day) {
        (Some(year), Some(month), Some(day)) => format!("{} {month} {year}", day.trim_start_matches('0')),
        _ => String::new(),
    }
}

/// Writes a flight: `30 Nov 2026 – 29 Dec 2026`. Both days are UTC.
pub(super) fn flight(start: Timestamp, end: Timestamp) -> String {
    format!("{} – {} UTC", date(&start.day().to_string()), date(&end.day().to_string()))
}

/// Writes a length of time with its largest unit: `2 h`.
pub(super) fn length(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0 => "a moment".to_owned(),
        1..=119 => format!("{minutes} min"),
        120..=2_879 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// Writes `1 task` or `2 tasks`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", self::number(i64::try_from(number).unwrap_or(i64::MAX)), if number == 1 { one } else { many })
}

/// Shows characters that can't be seen, or that turn the order of letters round, by their number.
/// Adapters write texts that no rule of ours has checked.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter != '\n' && text::is_unseen(letter) && !text::may_join(letter) {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(letter)));
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Makes a sentence of the words of an API answer: visible, and with a capital letter.
pub(super) fn sentence(words: &str) -> String {
    let words = visible(words);
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

/// Writes the goal and the price of a package: `1,250 clicks at 0.80 USD per click`.
pub(super) fn goal(package: &Package, currency: &str) -> String {
    let rate = price(package.price.rate, currency);
    let goal = package.goal.map(number).unwrap_or_default();
    match package.price.model {
        PriceModel::Cpm => format!("{goal} impressions at {rate} per thousand"),
        PriceModel::Cpc => format!("{goal} clicks at {rate} per click"),
        PriceModel::Cpcv => format!("{goal} completed views at {rate} per view"),
        PriceModel::Flat => format!("{rate} for the whole flight"),
    }
}

/// Writes targeting rules: `geo country: US, CA; not device type: ctv`.
pub(super) fn targeting(targeting: &Targeting) -> String {
    let mut parts: Vec<String> = targeting
        .rules
        .iter()
        .map(|rule| {
            let not = if rule.operator == Operator::NoneOf { "not " } else { "" };
            format!("{not}{}: {}", rule.dimension.as_str().replace('_', " "), rule.values.join(", "))
        })
        .collect();
    if let Some(hours) = &targeting.dayparting {
        let ranges = hours.schedules.iter().map(|part| format!("{}–{} h", part.start_hour, part.end_hour));
        let named = ranges.chain(hours.presets.iter().cloned()).collect::<Vec<_>>().join(", ");
        parts.push(format!("hours: {named} ({})", hours.timezone));
    }
    if let Some(cap) = targeting.frequency_cap {
        parts.push(format!("at most once in {}", length(Duration::from_secs(u64::from(cap.suppress_minutes) * 60))));
    }
    for (platform, custom) in &targeting.custom {
        parts.push(format!("{platform}: {custom}"));
    }
    if parts.is_empty() { "everywhere".to_owned() } else { visible(&parts.join("; ")) }
}

/// Names what a task asks for, in the buyer's words.
pub(super) fn title(task: &Task, po_number: Option<&str>) -> String {
    let asked = task.request.as_object();
    let has = |key: &str| asked.is_some_and(|asked| asked.contains_key(key));
    let what = match task.operation_name.as_str() {
        "create_media_buy" => "New buy".to_owned(),
        "add_creative_assets" => {
            let assets = task.request.get("assets").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
            count(assets as u64, "creative", "creatives")
        }
        "update_media_buy_performance_index" => "Performance".to_owned(),
        "update_media_buy" | "update_package" => {
            let named: Vec<&str> = [
                ("total_budget", "budget"),
                ("daily_budget", "daily budget"),
                ("flight_end_date", "flight"),
                ("targeting_overlay", "targeting"),
                ("pacing", "pacing"),
                ("active", "delivery"),
                ("packages", "packages"),
            ]
            .into_iter()
            .filter(|(key, _)| has(key))
            .map(|(_, words)| words)
            .collect();
            if named.is_empty() { "Change".to_owned() } else { format!("Change of {}", named.join(", ")) }
        }
        other => other.replace('_', " "),
    };
    let what = match task.kind {
        TaskKind::ManualApproval => what,
        TaskKind::PermissionException => format!("Permission is missing: {what}"),
        TaskKind::CreativeApproval => format!("Creative to review: {what}"),
        TaskKind::Reconciliation => format!("Find out what happened: {what}"),
    };
    match po_number {
        Some(po_number) => format!("{what} · {po_number}"),
        None => what,
    }
}

/// The tags of a task: how urgent and how late it is, and who has it.
pub(super) fn tags(task: &Task, now: Timestamp) -> Vec<Tag> {
    use crate::domain::task::Priority;

    let mut tags = Vec::new();
    if task.is_overdue(now) {
        tags.push(Tag::new("bad", format!("late {}", length(task.due_by.until(now)))));
    }
    if task.status.is_open() && matches!(task.priority, Priority::High | Priority::Urgent) {
        tags.push(Tag::new("warn", task.priority.as_str()));
    }
    if task.open_inquiry().is_some() {
        tags.push(Tag::new("new", "waits for the buyer"));
    }
    tags.push(match (task.status, task.decision) {
        (TaskStatus::InProgress, Some(_)) => Tag::new("new", "being carried out"),
        (TaskStatus::Pending, _) => Tag::new("", "waits"),
        (TaskStatus::Assigned | TaskStatus::InProgress, None) => {
            let whom = task.assigned_to.as_deref().unwrap_or("somebody");
            Tag::new("", format!("with {whom}"))
        }
        (TaskStatus::Escalated, _) => Tag::new("warn", "escalated"),
        (TaskStatus::Completed, _) => Tag::new("good", "done"),
        (TaskStatus::Failed, Some(_)) => Tag::new("bad", "rejected or failed"),
        (TaskStatus::Failed, None) => Tag::new("", "closed"),
        (TaskStatus::Assigned, Some(_)) => Tag::new("", "decided"),
    });
    tags
}

/// The tag of a media buy's status.
pub(super) fn status(status: BuyStatus) -> Tag {
    let tone = match status {
        BuyStatus::Active | BuyStatus::Completed => "good",
        BuyStatus::Failed => "bad",
        BuyStatus::PendingManual | BuyStatus::PendingPermission => "warn",
        BuyStatus::PendingActivation | BuyStatus::PendingApproval => "new",
        BuyStatus::Paused => "",
    };
    Tag::new(tone, status.as_str().replace('_', " "))
}

/// Names the places where a buy delivers: `3 packages on kevel, gam`.
pub(super) fn places(buy: &MediaBuy) -> String {
    let platforms: Vec<String> = buy.platforms().iter().map(ToString::to_string).collect();
    format!("{} on {}", count(buy.packages.len() as u64, "package", "packages"), platforms.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_places_and_prices_as_many_as_they_need() {
        for (micros, amount, exact) in [
            (0, "0.00 USD", "0.00 USD"),
            (12_500_000, "12.50 USD", "12.50 USD"),
            (1_234_567_890_000, "1,234,567.89 USD", "1,234,567.89 USD"),
            (999_999, "1.00 USD", "0.999999 USD"),
            (4_999, "0.00 USD", "0.004999 USD"),
            (100_000_000_000, "100,000.00 USD", "100,000.00 USD"),
        ] {
            let micros = Micros::new(micros).unwrap();
            assert_eq!((&*money(micros, "USD"), &*price(micros, "USD")), (amount, exact));
        }
    }

    #[test]
    fn dates_are_written_as_people_do() {
        let start = Timestamp::parse("2026-11-03T09:05:00Z").unwrap();
        assert_eq!(moment(start), "3 Nov 2026, 09:05 UTC");
        assert_eq!(flight(start, Timestamp::parse("2027-01-31T23:59:59Z").unwrap()), "3 Nov 2026 – 31 Jan 2027 UTC");
        assert_eq!(length(Duration::from_secs(59)), "a moment");
        assert_eq!(length(Duration::from_secs(7_199)), "119 min");
        assert_eq!(length(Duration::from_secs(7_200)), "2 h");
        assert_eq!(length(Duration::from_secs(3 * 86_400)), "3 days");
    }

    #[test]
    fn letters_that_turn_the_order_round_are_shown() {
        assert_eq!(visible("a\u{202e}b\nc"), "a⟨U+202E⟩b\nc");
        assert_eq!(visible("Ünïcode 👩‍🚀"), "Ünïcode 👩‍🚀");
    }
}
