//! A chart of delivery: what was delivered so far against the goal and against an even pace.

use std::fmt::Write as _;

/// The size of the drawing, in its own units. The page scales it.
pub(super) const WIDTH: f64 = 720.0;
pub(super) const HEIGHT: f64 = 180.0;

/// The lines of a chart, as values of `points`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chart {
    /// What was delivered up to the end of each day.
    pub(super) delivered: String,
    /// The area under it.
    pub(super) area: String,
    /// An even pace from the first day to the goal. `None` without a goal.
    pub(super) pace: Option<String>,
    /// The height of the goal.
    pub(super) goal_at: Option<String>,
}

/// Draws the days of a flight. `days` has what was delivered on each of the first days, in order;
/// `flight` is the number of days of the whole flight.
pub(super) fn draw(days: &[i64], flight: usize, goal: Option<i64>) -> Chart {
    let flight = flight.max(days.len()).max(1);
    let total: i64 = days.iter().sum();
    let most = total.max(goal.unwrap_or_default()).max(1);
    let x = |day: usize| WIDTH * share(i64::try_from(day).unwrap_or(i64::MAX), i64::try_from(flight).unwrap_or(1));
    let y = |value: i64| HEIGHT - (HEIGHT - 10.0) * share(value, most);
    let mut delivered = point(0.0, HEIGHT);
    let mut sum = 0i64;
    for (index, day) in days.iter().enumerate() {
        sum = sum.saturating_add(*day);
        let _ = write!(delivered, " {}", point(x(index + 1), y(sum)));
    }
    let area = format!("{delivered} {}", point(x(days.len()), HEIGHT));
    let goal = goal.filter(|goal| *goal > 0);
    Chart {
        delivered,
        area,
        pace: goal.map(|goal| format!("{} {}", point(0.0, HEIGHT), point(WIDTH, y(goal)))),
        goal_at: goal.map(|goal| format!("{:.1}", y(goal))),
    }
}

/// A part of a whole, for drawing only.
#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser than a double")]
fn share(part: i64, of: i64) -> f64 {
    part as f64 / of as f64
}

fn point(x: f64, y: f64) -> String {
    format!("{x:.1},{y:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_rises_to_the_right_and_the_goal_is_at_the_end_of_the_pace() {
        let chart = draw(&[100, 0, 300], 10, Some(1_000));
        assert_eq!(chart.delivered, "0.0,180.0 72.0,163.0 144.0,163.0 216.0,112.0");
        assert_eq!(chart.area, "0.0,180.0 72.0,163.0 144.0,163.0 216.0,112.0 216.0,180.0");
        assert_eq!(chart.pace.as_deref(), Some("0.0,180.0 720.0,10.0"));
        assert_eq!(chart.goal_at.as_deref(), Some("10.0"));
        let over = draw(&[600, 600], 2, Some(1_000));
        assert_eq!(over.delivered, "0.0,180.0 360.0,95.0 720.0,10.0");
        assert_eq!(over.goal_at.as_deref(), Some("38.3"));
        let flat = draw(&[], 0, None);
        assert_eq!((flat.delivered.as_str(), flat.pace), ("0.0,180.0", None));
    }
}
