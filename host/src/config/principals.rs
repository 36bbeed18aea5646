//! The buyers.

use std::collections::BTreeMap;

use super::{
    callers::{PartialRates, Rates},
    reader::{Kind, Node},
    section::Section,
    values,
};
use crate::domain::id::{PlatformName, PrincipalId};

/// `[[principals]]`: a buyer, and its advertiser on each platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `id`: identifies the buyer in buys, tasks and the audit log.
    pub id: PrincipalId,
    /// `name`: for people. Default: the id.
    pub name: String,
    /// `platform_mappings`: the platforms on which it may buy, and its advertiser on each.
    pub platform_mappings: BTreeMap<PlatformName, PlatformMapping>,
    /// `calls`: its rate limits where they differ from `[callers]`.
    pub calls: PartialRates,
}

/// An entry of `platform_mappings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformMapping {
    /// `advertiser_id`: the platform's id for the principal.
    pub advertiser_id: String,
}

impl Principal {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let id = section.defined("id", Kind::Principal, "\"demo-agency\"", values::id);
        let name = section.optional("name", values::title);
        if section.get("platform_mappings").is_none() {
            section.warn(
                section.at(),
                "this principal has no `platform_mappings` and can buy nothing; add them, like \
                 platform_mappings = { acme = { advertiser_id = \"1001\" } }",
            );
        }
        let example = "{ acme = { advertiser_id = \"1001\" } }";
        let platform_mappings = section.table("platform_mappings", example, |mappings| {
            mappings.take_any_key();
            Some(mappings.entries().into_iter().filter_map(|entry| mapping(mappings, entry)).collect())
        });
        let calls = section.table("calls", "{ reads_per_second = 500 }", |calls| Some(Rates::read_partly(calls)));
        let id = id?;
        Some(Self {
            name: name.unwrap_or_else(|| id.clone()),
            id: PrincipalId::from(id),
            platform_mappings: platform_mappings.unwrap_or_default(),
            calls: calls.unwrap_or_default(),
        })
    }
}

fn mapping<'r>(
    mappings: &Section<'r>,
    (platform, key, node): (&'r str, usize, Node<'r>),
) -> Option<(PlatformName, PlatformMapping)> {
    mappings.reader().refer(Kind::Platform, platform, key);
    if !node.is_table() {
        let message = format!("`{platform}` must say who the principal is there, like {{ advertiser_id = \"1001\" }}");
        mappings.wrong(node.at, message);
    }
    let advertiser_id = mappings.inside(node, format!("the mapping for `{platform}`"), |mapping| {
        mapping.required("advertiser_id", "\"1001\"", values::foreign_id)
    })?;
    Some((PlatformName::from(platform), PlatformMapping { advertiser_id: advertiser_id? }))
}
