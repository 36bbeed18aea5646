//! Releases of adapters: which of them serves a platform, who decided that, and what a rollback goes
//! back to.
//!
//! A release is a component, named by the SHA-256 of its bytes. The last activation of a platform
//! says which release serves it. The configuration names a release as well; [`History::follows`]
//! says when that one is activated.

use serde::{Deserialize, Serialize};

use super::{id::PlatformName, targeting::names, time::Timestamp};

names! {
    /// How a release came to serve a platform.
    ActivationKind {
        /// The configuration named it.
        Configuration = "configuration",
        /// A person activated it.
        Activate = "activate",
        /// A person rolled back to it.
        Rollback = "rollback",
        /// The host rolled back to it, because the one that served was unhealthy.
        Automatic = "automatic",
        /// The host had it take over, because its canary share went well.
        Promotion = "promotion",
    }
}

/// A release that is installed for a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The platform.
    pub platform: PlatformName,
    /// SHA-256 of the component.
    pub digest: String,
    /// The adapter's own version.
    pub version: String,
    /// When it was installed for this platform.
    pub installed_at: Timestamp,
    /// Who installed it: the name of a token, `command line` or `flightdeck`.
    pub installed_by: String,
    /// When the host rolled back from it because it was unhealthy. Operations that began on it go on
    /// with the release that serves.
    pub unhealthy_at: Option<Timestamp>,
}

/// A decision about which release serves a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The platform.
    pub platform: PlatformName,
    /// Its number: 1 for the platform's first, then one more each time.
    pub number: i64,
    /// The release.
    pub digest: String,
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided: the name of a token, `command line` or `flightdeck`.
    pub actor: String,
    /// How it was decided.
    pub kind: ActivationKind,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The share of the calls that the release gets, beside the one that serves. `None`: it serves.
    pub canary: Option<Canary>,
}

/// The share of a platform's calls that a release gets on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The share in per cent, 1 to 99. All plans of one media buy, and what follows from them, are in
    /// it or not.
    pub percent: u8,
    /// When the release takes over, if it has done well until then.
    pub promote_at: Timestamp,
}

impl Canary {
    /// Whether a media buy is in the share. The same buy is in every larger share, too.
    pub fn has(self, buy: &str) -> bool {
        // FNV-1a: the share of a buy must be the same on every host and after a restart.
        let hash = buy
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        // The low bits of an FNV hash depend on few bits of the text.
        (hash ^ (hash >> 32)) % 100 < u64::from(self.percent)
    }
}

/// The activations of one platform, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct History<'a>(pub &'a [Activation]);

impl<'a> History<'a> {
    /// The activation of the release that serves.
    pub fn serving(self) -> Option<&'a Activation> {
        self.0.iter().rev().find(|activation| activation.canary.is_none())
    }

    /// The activation of the release on trial beside it, if there is one.
    pub fn canary(self) -> Option<&'a Activation> {
        self.0.last().filter(|activation| activation.canary.is_some())
    }

    /// The number of the last activation, or 0: what a decision is made on.
    pub fn number(self) -> i64 {
        self.0.last().map_or(0, |activation| activation.number)
    }

    /// Whether a host whose configuration names `digest` activates it: when nothing serves the
    /// platform, or when the release has never served it. A release that was left is never activated
    /// by a start, so a host with an old configuration file can't switch the others back.
    pub fn follows(self, digest: &str) -> bool {
        self.0.iter().all(|activation| activation.digest != digest)
    }

    /// The release that a rollback activates: the one that served before the current one was
    /// activated. A second rollback goes further back. If a release is on trial, the one that serves:
    /// a rollback ends the trial.
    pub fn before(self) -> Option<&'a str> {
        if self.canary().is_some() {
            return self.serving().map(|serving| serving.digest.as_str());
        }
        let mut served: Vec<&str> = Vec::new();
        for activation in self.0.iter().filter(|activation| activation.canary.is_none()) {
            let digest = activation.digest.as_str();
            match activation.kind {
                ActivationKind::Rollback | ActivationKind::Automatic => {
                    let place = served.iter().rposition(|known| *known == digest);
                    served.truncate(place.map_or(0, |place| place + 1));
                    if place.is_none() {
                        served.push(digest);
                    }
                }
                ActivationKind::Configuration | ActivationKind::Activate | ActivationKind::Promotion => {
                    if served.last() != Some(&digest) {
                        served.push(digest);
                    }
                }
            }
        }
        served.len().checked_sub(2).and_then(|place| served.get(place)).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn activation(number: usize, digest: &str, kind: ActivationKind) -> Activation {
        Activation {
            platform: "acme".into(),
            number: i64::try_from(number).unwrap(),
            digest: digest.to_owned(),
            at: Timestamp::from_micros(0),
            actor: "ops".to_owned(),
            kind,
            reason: None,
            canary: None,
        }
    }

    fn history(steps: &[(&str, ActivationKind)]) -> Vec<Activation> {
        steps.iter().enumerate().map(|(index, (digest, kind))| activation(index + 1, digest, *kind)).collect()
    }

    use ActivationKind::{Activate, Automatic, Configuration, Rollback};

    #[test]
    fn the_configuration_is_followed_only_with_what_is_new() {
        assert!(History(&[]).follows("a"), "nothing serves");
        let told = history(&[("a", Configuration), ("b", Activate)]);
        assert!(History(&told).follows("c"), "an edited file is a swap");
        assert!(!History(&told).follows("a"), "the fleet has left it");
        assert!(!History(&told).follows("b"));
        assert_eq!(History(&told).serving().unwrap().digest, "b");
    }

    #[test]
    fn each_rollback_goes_further_back() {
        let before = |steps: &[(&str, ActivationKind)]| History(&history(steps)).before().map(str::to_owned);
        assert_eq!(before(&[]), None);
        assert_eq!(before(&[("a", Configuration)]), None);
        let mut steps = vec![("a", Configuration), ("b", Activate), ("c", Activate)];
        assert_eq!(before(&steps).as_deref(), Some("b"));
        steps.push(("b", Rollback));
        assert_eq!(before(&steps).as_deref(), Some("a"), "not to the one that was just left");
        steps.push(("a", Automatic));
        assert_eq!(before(&steps), None);
        steps.push(("c", Activate));
        assert_eq!(before(&steps).as_deref(), Some("a"));
        steps.push(("c", Activate));
        assert_eq!(before(&steps).as_deref(), Some("a"), "the same again is no other");
    }

    #[test]
    fn a_trial_changes_nothing_of_what_serves_and_a_rollback_ends_it() {
        let mut all = history(&[("a", Configuration), ("b", Activate), ("c", Activate)]);
        let canary = Some(Canary { percent: 5, promote_at: Timestamp::from_micros(1) });
        all[2].canary = canary;
        let told = History(&all);
        assert_eq!((told.serving().unwrap().digest.as_str(), told.number()), ("b", 3));
        assert_eq!(told.canary().unwrap().digest, "c");
        assert_eq!(told.before(), Some("b"), "a rollback ends the trial");
        assert!(!told.follows("c"), "a start does not bring back what was tried");
        all.push(activation(4, "b", Rollback));
        let told = History(&all);
        assert_eq!((told.canary(), told.serving().unwrap().digest.as_str()), (None, "b"));
        assert_eq!(told.before(), Some("a"), "what was only tried never served");
        all.push(Activation { canary, ..activation(5, "c", Activate) });
        all.push(activation(6, "c", ActivationKind::Promotion));
        let told = History(&all);
        assert_eq!((told.canary(), told.serving().unwrap().digest.as_str(), told.before()), (None, "c", Some("b")));
    }

    #[test]
    fn a_share_is_about_what_it_says_and_grows_without_losing_anybody() {
        let at = |percent| Canary { percent, promote_at: Timestamp::from_micros(0) };
        let buys: Vec<String> = (0..10_000).map(|number| format!("acme_{number}")).collect();
        for percent in [1, 5, 20, 50, 99] {
            let within = buys.iter().filter(|buy| at(percent).has(buy)).count();
            let expected = usize::from(percent) * 100;
            assert!(within.abs_diff(expected) < 150, "{percent} %: {within} of 10,000");
            assert!(buys.iter().all(|buy| !at(percent - 1).has(buy) || at(percent).has(buy)));
        }
    }

    proptest! {
        #[test]
        fn rolling_back_ends_and_never_stays_where_it_is(
            steps in proptest::collection::vec((0_u8..4, any::<bool>()), 0..12),
        ) {
            let mut all: Vec<Activation> = Vec::new();
            for (release, back) in steps {
                let back = back.then(|| History(&all).before().map(str::to_owned)).flatten();
                let kind = if back.is_some() { Rollback } else { Activate };
                let digest = back.unwrap_or_else(|| release.to_string());
                all.push(activation(all.len() + 1, &digest, kind));
            }
            let most = all.len();
            for _ in 0..=most {
                let Some(to) = History(&all).before().map(str::to_owned) else { return Ok(()) };
                prop_assert_ne!(Some(&to), History(&all).serving().map(|serving| &serving.digest));
                all.push(activation(all.len() + 1, &to, Rollback));
            }
            prop_assert!(false, "it never ends");
        }
    }
}
