//! What a reload changes, in words, and what it can't change.

use std::collections::BTreeSet;

use super::{Config, Product};

impl Config {
    /// Returns the sections in which `next` differs and that only a restart can change.
    pub fn needs_restart(&self, next: &Self) -> Vec<&'static str> {
        let fixed = [
            ("[server]", self.server != next.server),
            ("[data]", self.data != next.data),
            ("[store]", self.store != next.store),
            ("[[keys]]", self.keys != next.keys),
            ("[engine]", self.engine != next.engine),
            ("callers.failed_logins_per_minute", {
                self.callers.failed_logins_per_minute != next.callers.failed_logins_per_minute
            }),
            ("callers.delivery_cache", self.callers.delivery_cache != next.callers.delivery_cache),
        ];
        fixed.into_iter().filter_map(|(what, differs)| differs.then_some(what)).collect()
    }

    /// Returns what `next` changes, one line each: what was added, removed and changed. Shows no
    /// secret.
    pub fn changes(&self, next: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let platforms = |of: &Self| of.platforms.iter().map(|one| (one.name.to_string(), one.clone())).collect();
        compare("platform", platforms(self), platforms(next), &mut lines);
        let products = |of: &Self| of.products.iter().map(|one| (one.id.to_string(), wherever(one))).collect();
        compare("product", products(self), products(next), &mut lines);
        let principals = |of: &Self| of.principals.iter().map(|one| (one.id.to_string(), one.clone())).collect();
        compare("principal", principals(self), principals(next), &mut lines);
        let tokens = |of: &Self| of.tokens.iter().map(|one| (one.name.clone(), one.clone())).collect();
        compare("token", tokens(self), tokens(next), &mut lines);
        let groups = |of: &Self| of.groups.iter().map(|one| (one.id.to_string(), one.clone())).collect();
        compare("group", groups(self), groups(next), &mut lines);
        let sections = [
            ("[publisher]", self.publisher != next.publisher),
            ("[[approvals]]", self.approvals != next.approvals),
            ("[releases]", self.releases != next.releases),
            ("[operations]", self.operations != next.operations),
            ("[callers]", self.callers != next.callers),
            ("[retention]", self.retention != next.retention),
            ("[desk]", self.desk != next.desk),
            ("[webhooks]", self.webhooks != next.webhooks),
        ];
        lines.extend(sections.iter().filter(|(_, differs)| *differs).map(|(what, _)| format!("{what} changed")));
        lines
    }
}

/// The product without its place in the file, which changes with every line above it.
fn wherever(product: &Product) -> Product {
    Product { settings_at: super::Place::File(std::path::PathBuf::new()), ..product.clone() }
}

fn compare<T: PartialEq>(what: &str, before: Vec<(String, T)>, after: Vec<(String, T)>, lines: &mut Vec<String>) {
    let names = |of: &[(String, T)]| of.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    let (old, new) = (names(&before), names(&after));
    lines.extend(new.difference(&old).map(|name| format!("{what} {name} added")));
    lines.extend(old.difference(&new).map(|name| format!("{what} {name} removed")));
    for name in old.intersection(&new) {
        let of = |list: &[(String, T)]| list.iter().position(|(known, _)| known == name);
        let (Some(one), Some(other)) = (of(&before), of(&after)) else { continue };
        if before[one].1 != after[other].1 {
            lines.push(format!("{what} {name} changed"));
        }
    }
}
