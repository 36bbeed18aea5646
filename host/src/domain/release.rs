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
}

/// The activations of one platform, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct History<'a>(pub &'a [Activation]);

impl<'a> History<'a> {
    /// The activation that holds now.
    pub fn serving(self) -> Option<&'a Activation> {
        self.0.last()
    }

    /// Whether a host whose configuration names `digest` activates it: when nothing serves the
    /// platform, or when the release has never served it. A release that was left is never activated
    /// by a start, so a host with an old configuration file can't switch the others back.
    pub fn follows(self, digest: &str) -> bool {
        self.0.iter().all(|activation| activation.digest != digest)
    }

    /// The release that a rollback activates: the one that served before the current one was
    /// activated. A second rollback goes further back.
    pub fn before(self) -> Option<&'a str> {
        let mut served: Vec<&str> = Vec::new();
        for activation in self.0 {
            let digest = activation.digest.as_str();
            match activation.kind {
                ActivationKind::Rollback | ActivationKind::Automatic => {
                    let place = served.iter().rposition(|known| *known == digest);
                    served.truncate(place.map_or(0, |place| place + 1));
                    if place.is_none() {
                        served.push(digest);
                    }
                }
                ActivationKind::Configuration | ActivationKind::Activate => {
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
