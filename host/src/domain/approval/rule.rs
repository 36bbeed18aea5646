//! The publisher's rules: the conditions under which they apply, and what they demand then.

use std::time::Duration;

use super::{ApprovalQuestion, Demand, Needed};
use crate::domain::{
    creative::Format,
    growth::{self, Growth},
    id::{GroupId, PackageId, PlatformName, PrincipalId},
    money::Micros,
    operation::OperationKind,
    task::Priority,
};

/// One day.
const DEFAULT_DUE_IN: Duration = Duration::from_secs(24 * 3_600);

/// A rule. It applies if every condition that it names holds. A condition that it omits always
/// holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// What people call it, unique among the rules.
    pub name: String,
    /// When it applies.
    pub when: Conditions,
    /// How many different reviewers must approve. Zero: the rule asks nobody by itself, and takes
    /// nothing away from the others.
    pub reviewers: u32,
    /// The groups whose people count; empty: every reviewer counts.
    pub groups: Vec<GroupId>,
    /// The priority of the task.
    pub priority: Priority,
    /// The time after which the task escalates automatically.
    pub due_in: Duration,
    /// To whom it escalates then: a group or a person.
    pub escalate_to: Option<String>,
    /// The time after which the task fails, if that is sooner than usual.
    pub expires_in: Option<Duration>,
}

/// The conditions of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// Only these kinds of changes.
    pub operations: Option<Vec<OperationKind>>,
    /// Only changes by these buyers.
    pub principals: Option<Vec<PrincipalId>>,
    /// Only changes that affect at least one of these platforms.
    pub platforms: Option<Vec<PlatformName>>,
    /// Only changes that affect a package of at least one of these products.
    pub products: Option<Vec<PackageId>>,
    /// Only changes that bring a creative of at least one of these formats.
    pub formats: Option<Vec<Format>>,
    /// Only buys with a larger total budget, in the buy's currency.
    pub above_budget: Option<Micros>,
    /// Only changes that raise a total budget by at least this much above the amount that a person
    /// last approved.
    pub raises_budget_by: Option<Micros>,
    /// The same in per cent of that amount.
    pub raises_budget_by_percent: Option<Micros>,
    /// Only changes that make a buy larger; see [`growth`].
    pub grows: bool,
    /// Only changes that make the flight longer than the one that a person last approved, by at
    /// least this much. Zero: by anything.
    pub extends_flight: Option<Duration>,
    /// Only changes after which something may match that did not match before; see
    /// [`growth::wider`].
    pub widens_targeting: bool,
    /// Only creates by a buyer for whom nothing was ever carried out.
    pub first_buy: bool,
}

impl ApprovalRule {
    /// One reviewer for every change.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            when: Conditions::default(),
            reviewers: 1,
            groups: Vec::new(),
            priority: Priority::Medium,
            due_in: DEFAULT_DUE_IN,
            escalate_to: None,
            expires_in: None,
        }
    }
}

/// Whether a rule applies, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It applies: what holds.
    Applies(String),
    /// It does not apply: the first of its conditions that does not hold.
    DoesNot(String),
}

/// A rule, and whether it applies to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated<'r> {
    /// The rule.
    pub rule: &'r ApprovalRule,
    /// Whether it applies.
    pub finding: Finding,
}

/// What all rules say about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation<'r> {
    /// Every rule, in the publisher's order.
    pub rules: Vec<Evaluated<'r>>,
}

impl<'r> Evaluation<'r> {
    /// Evaluates all rules.
    pub fn of(rules: &'r [ApprovalRule], question: &ApprovalQuestion) -> Self {
        Self { rules: rules.iter().map(|rule| Evaluated { rule, finding: rule.when.hold(question) }).collect() }
    }

    /// The rules that apply, and why.
    fn applying(&self) -> impl Iterator<Item = (&'r ApprovalRule, &str)> {
        self.rules.iter().filter_map(|evaluated| match &evaluated.finding {
            Finding::Applies(because) => Some((evaluated.rule, because.as_str())),
            Finding::DoesNot(_) => None,
        })
    }

    /// Combines the rules that apply. Returns `None` if none of them asks anybody.
    ///
    /// It escalates to whom the most impatient of them says, the first one if several are.
    pub fn needed(&self) -> Option<Needed> {
        let asking = || self.applying().map(|(rule, _)| rule).filter(|rule| rule.reviewers > 0);
        let demand = |(rule, because): (&ApprovalRule, &str)| Demand {
            rule: rule.name.clone(),
            because: because.to_owned(),
            reviewers: rule.reviewers,
            groups: rule.groups.clone(),
        };
        let impatient = asking().filter(|rule| rule.escalate_to.is_some()).min_by_key(|rule| rule.due_in);
        Some(Needed {
            priority: asking().map(|rule| rule.priority).max()?,
            due_in: asking().map(|rule| rule.due_in).min()?,
            demands: self.applying().map(demand).collect(),
            escalate_to: impatient.and_then(|rule| rule.escalate_to.clone()),
            expires_in: asking().filter_map(|rule| rule.expires_in).min(),
        })
    }
}

impl Conditions {
    /// Says whether all conditions hold.
    pub fn hold(&self, question: &ApprovalQuestion) -> Finding {
        let mut because = Vec::new();
        for condition in [Self::of_kind, Self::of_what, Self::of_money, Self::of_growth] {
            if let Err(why_not) = condition(self, question, &mut because) {
                return Finding::DoesNot(why_not);
            }
        }
        match because.is_empty() {
            true => Finding::Applies("it names no condition, so it applies to every change".to_owned()),
            false => Finding::Applies(because.join("; ")),
        }
    }

    fn of_kind(&self, question: &ApprovalQuestion, because: &mut Vec<String>) -> Result<(), String> {
        let asked = question.operation;
        if !OperationKind::REQUESTED.contains(&asked) {
            return Err("the host itself began the change, to complete what was approved".to_owned());
        }
        if let Some(named) = &self.operations {
            let holds = named.iter().any(|named| is_one_kind(*named, asked));
            say(holds, because, format!("the change is {asked}"), || {
                format!("the change is {asked}, and the rule is for {}", listed(named))
            })?;
        }
        if let Some(named) = &self.principals {
            let principal = &question.principal;
            say(named.contains(principal), because, format!("the buyer is {principal}"), || {
                format!("the buyer is {principal}, and the rule is for {}", listed(named))
            })?;
        }
        if self.first_buy {
            let holds = "nothing was ever carried out for this buyer before";
            say(question.first_buy, because, holds.to_owned(), || match asked {
                OperationKind::Create => "the buyer has had another media buy that was carried out".to_owned(),
                _ => format!("only a create is a first buy, and the change is {asked}"),
            })?;
        }
        Ok(())
    }

    fn of_what(&self, question: &ApprovalQuestion, because: &mut Vec<String>) -> Result<(), String> {
        if let Some(named) = &self.platforms {
            one_of(named, &question.platforms, ("is on", "platform"), because)?;
        }
        if let Some(named) = &self.products {
            one_of(named, &question.products, ("is about", "product"), because)?;
        }
        if let Some(named) = &self.formats {
            let brought: Vec<Format> = question.formats.iter().copied().collect();
            one_of(named, &brought, ("brings creatives of", "format"), because)?;
        }
        Ok(())
    }

    fn of_money(&self, question: &ApprovalQuestion, because: &mut Vec<String>) -> Result<(), String> {
        let ApprovalQuestion { budget, raise, currency, .. } = question;
        if let Some(limit) = self.above_budget {
            say(*budget > limit, because, format!("the total budget of {budget} {currency} is above {limit}"), || {
                format!("the total budget of {budget} {currency} is not above {limit}")
            })?;
        }
        let since = match question.approved_budget {
            Some(approved) => format!("{raise} {currency} more than the {approved} that were last approved"),
            None => format!("{raise} {currency} more than nothing"),
        };
        if let Some(least) = self.raises_budget_by {
            say(*raise >= least, because, format!("the total budget is {since}, which is {least} or more"), || {
                format!("the total budget is {since}, which is less than {least}")
            })?;
        }
        if let Some(least) = self.raises_budget_by_percent {
            let holds = is_percent(*raise, question.approved_budget, least);
            say(holds, because, format!("the total budget is {since}, which is {least} % or more"), || {
                format!("the total budget is {since}, which is less than {least} %")
            })?;
        }
        Ok(())
    }

    fn of_growth(&self, question: &ApprovalQuestion, because: &mut Vec<String>) -> Result<(), String> {
        if self.grows {
            let grown = &question.grown;
            let why_not = || "the change does not make the media buy larger".to_owned();
            say(!grown.is_empty(), because, growth::words(grown), why_not)?;
        }
        if let Some(least) = self.extends_flight {
            let longer = question.longer;
            if !question.grown.contains(&Growth::Flight) {
                return Err("the change does not extend the flight".to_owned());
            }
            let words = format!("the flight is {} longer than the one that was last approved", days(longer));
            say(longer >= least, because, words, || {
                format!(
                    "the flight is {} longer than the one that was last approved, which is less than {}",
                    days(longer),
                    days(least)
                )
            })?;
        }
        if self.widens_targeting {
            let each: Vec<String> =
                question.wider.iter().map(|(package, what)| format!("the targeting of {package} {what}")).collect();
            let why_not = || "the change widens no targeting".to_owned();
            say(!each.is_empty(), because, each.join(", "), why_not)?;
        }
        Ok(())
    }
}

/// Records why a condition holds, or returns why it does not.
fn say(holds: bool, because: &mut Vec<String>, why: String, why_not: impl FnOnce() -> String) -> Result<(), String> {
    if !holds {
        return Err(why_not());
    }
    because.push(why);
    Ok(())
}

/// A condition that holds if one of the things that a change affects is named.
fn one_of<T: PartialEq + std::fmt::Display>(
    named: &[T],
    affected: &[T],
    (verb, noun): (&str, &str),
    because: &mut Vec<String>,
) -> Result<(), String> {
    let both: Vec<&T> = affected.iter().filter(|one| named.contains(one)).collect();
    say(!both.is_empty(), because, format!("the change {verb} the {noun} {}", listed(&both)), || {
        match affected.is_empty() {
            true => format!("the change {verb} no {noun}"),
            false => {
                format!("the change {verb} the {noun} {}, and the rule is for {}", listed(affected), listed(named))
            }
        }
    })
}

fn listed<T: std::fmt::Display>(named: &[T]) -> String {
    named.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether rules treat both kinds as the same. Two tools can change a buy's packages, and a rule
/// for one of them must also hold for the other.
fn is_one_kind(named: OperationKind, asked: OperationKind) -> bool {
    use OperationKind::{Update, UpdatePackage};
    named == asked || matches!((named, asked), (Update, UpdatePackage) | (UpdatePackage, Update))
}

/// Whether `raise` is at least so many per cent of the amount before. A raise from nothing is more
/// than any percentage.
fn is_percent(raise: Micros, before: Option<Micros>, least: Micros) -> bool {
    let before = before.map_or(0, Micros::get);
    // `least` is in millionths of a per cent.
    let (raise, scale) = (i128::from(raise.get()), i128::from(Micros::UNIT) * 100);
    raise > 0 && raise * scale >= i128::from(least.get()) * i128::from(before)
}

/// A length of time in days and hours.
fn days(time: Duration) -> String {
    let hours = time.as_secs().div_ceil(3_600);
    match (hours / 24, hours % 24) {
        (0, hours) => format!("{hours} h"),
        (days, 0) => format!("{days} d"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests;
