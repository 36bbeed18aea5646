//! Releases of adapters, and which of them serves a platform.

use flightdeck::{
    domain::{
        id::PlatformName,
        release::{Activation, ActivationKind, Canary, Release},
    },
    store::{
        StoreError,
        releases::{NewActivation, NewRelease},
    },
};
use futures::future::join_all;

use super::fixtures::{Store, accept, at, audit, platform};

pub(crate) async fn components_are_kept_by_their_digest(store: Store) {
    assert_eq!(store.component("d1").await.unwrap(), None);
    let bytes: Vec<u8> = (0..100_000u32).map(|index| (index % 251) as u8).collect();
    store.keep_component("d1", bytes.clone(), at(0)).await.unwrap();
    store.keep_component("d1", b"other".to_vec(), at(1)).await.unwrap();
    assert_eq!(store.component("d1").await.unwrap(), Some(bytes), "the first one stays");
    store.keep_component("empty", Vec::new(), at(1)).await.unwrap();
    assert_eq!(store.component("empty").await.unwrap(), Some(Vec::new()));
    assert!(store.has_component("d1").await.unwrap() && !store.has_component("d2").await.unwrap());
}

fn release(platform: &PlatformName, digest: &str) -> Release {
    Release {
        platform: platform.clone(),
        digest: digest.to_owned(),
        version: "1.0.0".to_owned(),
        installed_at: at(0),
        installed_by: "ops".to_owned(),
        unhealthy_at: None,
    }
}

/// Installs a release and makes it serve.
pub(crate) async fn serve(store: &Store, platform: &PlatformName, digest: &str) {
    install(store, platform, digest).await;
    let number = store.activations(platform).await.unwrap().last().map_or(0, |last| last.number) + 1;
    store.activate_release(decision(platform, number, digest)).await.unwrap();
}

async fn install(store: &Store, platform: &PlatformName, digest: &str) -> bool {
    let component = Some(digest.as_bytes().to_vec());
    let new = NewRelease { release: release(platform, digest), component, line: audit("release.installed", digest) };
    store.install_release(new).await.unwrap()
}

fn decision(platform: &PlatformName, number: i64, digest: &str) -> NewActivation {
    let activation = Activation {
        platform: platform.clone(),
        number,
        digest: digest.to_owned(),
        at: at(number),
        actor: "ops".to_owned(),
        kind: ActivationKind::Activate,
        reason: Some("because".to_owned()),
        canary: None,
    };
    NewActivation { activation, unhealthy: None, line: audit("release.activated", digest), events: Vec::new() }
}

pub(crate) async fn a_platform_is_served_by_what_was_activated_last(store: Store) {
    let (north, east) = (platform("north"), platform("east"));
    let unknown = store.activate_release(decision(&north, 1, "nowhere")).await;
    assert!(matches!(unknown, Err(StoreError::Stale(_))), "{unknown:?}");
    for digest in ["d1", "d2"] {
        assert!(install(&store, &north, digest).await);
        assert!(!install(&store, &north, digest).await, "said again, it is nothing new");
    }
    assert!(install(&store, &east, "d1").await, "on another platform it is");
    store.activate_release(decision(&north, 1, "d1")).await.unwrap();
    store.activate_release(decision(&north, 2, "d2")).await.unwrap();
    store.activate_release(decision(&east, 1, "d1")).await.unwrap();
    let serving: Vec<(PlatformName, String, i64)> = store
        .serving()
        .await
        .unwrap()
        .into_iter()
        .map(|serving| (serving.platform, serving.digest, serving.number))
        .collect();
    assert_eq!(serving, [(east, "d1".to_owned(), 1), (north.clone(), "d2".to_owned(), 2)]);
    let history = store.activations(&north).await.unwrap();
    assert_eq!(history, [decision(&north, 1, "d1").activation, decision(&north, 2, "d2").activation]);
    // Three installations and three activations.
    assert_eq!(store.audit(0, 100).await.unwrap().len(), 6);

    let back = NewActivation { unhealthy: Some("d2".to_owned()), ..decision(&north, 3, "d1") };
    store.activate_release(back).await.unwrap();
    assert_eq!(store.unhealthy_releases().await.unwrap(), [(north.clone(), "d2".to_owned())]);
    store.activate_release(decision(&north, 4, "d2")).await.unwrap();
    assert!(store.unhealthy_releases().await.unwrap().is_empty(), "it has another chance");

    // On trial beside what serves: both hold, and neither can be removed.
    let mut tried = decision(&north, 5, "d1");
    tried.activation.canary = Some(Canary { percent: 5, promote_at: at(99) });
    store.activate_release(tried.clone()).await.unwrap();
    let holding = store.serving().await.unwrap().into_iter().filter(|one| one.platform == north);
    assert_eq!(holding.collect::<Vec<_>>(), [decision(&north, 4, "d2").activation, tried.activation]);
    for digest in ["d1", "d2"] {
        let refused = store.remove_release(&release(&north, digest), audit("release.removed", "x")).await;
        assert!(matches!(refused, Err(StoreError::Stale(_))), "{digest}: {refused:?}");
    }
    store.activate_release(decision(&north, 6, "d2")).await.unwrap();
    let holding: Vec<i64> = store.serving().await.unwrap().iter().map(|one| one.number).collect();
    assert_eq!(holding, [1, 6], "the trial has ended");
    store.remove_release(&release(&north, "d1"), audit("release.removed", "x")).await.unwrap();
}

pub(crate) async fn of_two_who_decide_at_once_one_does(store: Store) {
    let north = platform("north");
    let digests: Vec<String> = (0..8).map(|number| format!("d{number}")).collect();
    for digest in &digests {
        install(&store, &north, digest).await;
    }
    let decided = join_all(digests.iter().map(|digest| store.activate_release(decision(&north, 1, digest)))).await;
    let stale = decided.iter().filter(|decided| matches!(decided, Err(StoreError::Stale(_)))).count();
    assert_eq!((decided.iter().filter(|decided| decided.is_ok()).count(), stale), (1, 7), "{decided:?}");
    assert_eq!(store.activations(&north).await.unwrap().len(), 1);
    let skipped = store.activate_release(decision(&north, 3, "d0")).await;
    assert!(matches!(skipped, Err(StoreError::Stale(_))), "{skipped:?}");
}

pub(crate) async fn a_release_is_removed_when_nothing_needs_it(store: Store) {
    let (north, east) = (platform("north"), platform("east"));
    for digest in ["d1", "d2"] {
        install(&store, &north, digest).await;
    }
    install(&store, &east, "d1").await;
    store.activate_release(decision(&north, 1, "d1")).await.unwrap();
    let line = || audit("release.removed", "x");
    let serves = store.remove_release(&release(&north, "d1"), line()).await;
    assert!(matches!(serves, Err(StoreError::Stale(_))), "{serves:?}");
    store.activate_release(decision(&north, 2, "d2")).await.unwrap();

    assert_eq!(store.needs_release("d1").await.unwrap(), None);
    let (id, buy) = (accept(&store, "b1").await, super::fixtures::buy("b1"));
    let mut begun = store.operation(&id).await.unwrap().unwrap();
    let releases = [(north.clone(), "d1".to_owned())].into();
    begun.value.frozen = Some(flightdeck::domain::operation::Frozen {
        current: buy.clone(),
        desired: buy,
        earlier: Vec::new(),
        releases,
        platforms: std::collections::BTreeMap::new(),
    });
    store.record(flightdeck::store::Write::Operation(begun)).await.unwrap();
    assert_eq!(store.needs_release("d1").await.unwrap(), Some(id.to_string()));
    assert_eq!(store.needs_release("d2").await.unwrap(), None);

    store.remove_release(&release(&north, "d1"), line()).await.unwrap();
    assert!(store.has_component("d1").await.unwrap(), "another platform has it");
    store.remove_release(&release(&east, "d1"), line()).await.unwrap();
    assert!(!store.has_component("d1").await.unwrap());
    let again = store.remove_release(&release(&east, "d1"), line()).await;
    assert!(matches!(again, Err(StoreError::Stale(_))), "{again:?}");
}
