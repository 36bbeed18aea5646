//! The request of `update_media_buy_performance_index`.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{NewPerformance, error::AppError},
    domain::{
        id::{MediaBuyId, PackageId},
        operation::Performance,
        terms,
    },
    web::json::{
        self, refuse,
        text::{Id, IdempotencyKey, Words},
        values::{Confidence, Index, List, MAX_PACKAGES},
    },
};

/// How well packages perform, by your own measure.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePerformanceIndex {
    /// The media buy.
    pub media_buy_id: Id,
    /// Package by package, each once.
    pub performance_data: List<PackagePerformance, 1, MAX_PACKAGES>,
    /// A key of your own for this request: sent again, it is carried out once.
    pub idempotency_key: Option<IdempotencyKey>,
    /// `true`: check and plan only; nothing is told to the platform. Default: `false`.
    pub dry_run: Option<bool>,
}

/// How well a package performs.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackagePerformance {
    /// The package.
    pub package_id: Id,
    /// 1.0 is the baseline, 1.2 is 20 % better, 0.8 is 20 % worse; at most 6 decimal places.
    pub performance_index: Index,
    /// How sure you are, from 0 to 1.
    pub confidence_score: Option<Confidence>,
    /// Anything else, in words.
    pub feedback: Option<Words>,
}

impl UpdatePerformanceIndex {
    /// What the application core is asked for.
    ///
    /// # Errors
    /// `INVALID_PARAMETER`: a package named twice.
    pub fn into_new(self) -> Result<NewPerformance, AppError> {
        let mut problems = Vec::new();
        let mut seen = HashSet::new();
        let mut performance = Vec::new();
        for (index, told) in self.performance_data.0.into_iter().enumerate() {
            if !seen.insert(told.package_id.clone()) {
                let message = terms::NAMED_TWICE;
                problems.push(json::mistake(format!("/performance_data/{index}"), message).value(&told.package_id.0));
            }
            performance.push(Performance {
                package: PackageId::new(told.package_id.0),
                index: told.performance_index.0,
                confidence: told.confidence_score.map(|score| score.0),
                feedback: told.feedback.map(|words| words.0),
            });
        }
        refuse(&problems)?;
        Ok(NewPerformance { buy: MediaBuyId::new(self.media_buy_id.0), performance })
    }
}
