//! Platforms that take only what somebody they trust has signed: every way in which a component
//! reaches a host.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use flightdeck::{
    adapters::{
        AdapterSetupError, Adapters, InstallError, Loaded, PlatformConfig, PlatformErrorReason, PrivateKey, PublicKey,
        Shared, SignatureError, inspect, sign_component,
    },
    domain::{change::ProposedChange, digest, failure::FailureKind, id::PlatformName, purpose::Purpose},
};

use super::world::{self, config, guest, platform, start};

fn key() -> PrivateKey {
    PrivateKey::generate().unwrap()
}

/// The test component as a file of its own, signed by `keys`.
fn component(dir: &Path, name: &str, keys: &[&PrivateKey]) -> PathBuf {
    let built = std::fs::read(guest()).unwrap();
    let signed = keys.iter().fold(built, |bytes, key| sign_component(&bytes, key).unwrap().unwrap());
    let path = dir.join(name);
    std::fs::write(&path, signed).unwrap();
    path
}

fn trusting(component: &Path, keys: &[PublicKey]) -> PlatformConfig {
    let mut config = platform("acme", "good", "http://127.0.0.1:1");
    config.component = Some(component.to_owned());
    config.trusted_keys = keys.to_vec();
    config
}

fn problem(error: &InstallError) -> &SignatureError {
    let InstallError::NotTrusted { platform, source, .. } = error else { panic!("{error}") };
    assert_eq!(platform.as_str(), "acme");
    source
}

/// Why a host can't start with this component.
async fn refused(component: &Path, keys: &[PublicKey]) -> (SignatureError, String) {
    let error = start(vec![trusting(component, keys)]).await.map(|_| ()).unwrap_err();
    let AdapterSetupError::Platforms(wrong) = &error else { panic!("{error}") };
    let PlatformErrorReason::Install(reason) = &wrong[0].reason else { panic!("{error}") };
    (problem(reason).clone(), error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_starts_with_what_a_trusted_key_signed_and_with_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, foreign) = (key(), key());
    let trusted = [mine.public()];

    let (error, words) = refused(&guest(), &trusted).await;
    assert_eq!(error, SignatureError::Unsigned);
    assert!(words.contains("platform acme: ") && words.contains("flightdeck_test_guest.wasm is not signed"), "{words}");
    assert!(words.contains("`flightdeck adapter sign FILE --key KEYFILE`"), "{words}");
    assert!(words.contains("takes only what its `trusted_keys` signed"), "{words}");

    let (error, words) = refused(&component(dir.path(), "foreign.wasm", &[&foreign]), &trusted).await;
    assert_eq!(error, SignatureError::Foreign(vec![foreign.public()]));
    assert!(words.contains(&foreign.public().to_string()), "{words}");

    let good = component(dir.path(), "good.wasm", &[&foreign, &mine]);
    let mut altered = std::fs::read(&good).unwrap();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let path = dir.path().join("altered.wasm");
    std::fs::write(&path, altered).unwrap();
    let (error, words) = refused(&path, &trusted).await;
    assert_eq!(error, SignatureError::Altered(foreign.public()));
    assert!(words.contains("it was altered since; take the signed file from its signer again"), "{words}");

    let world = start(vec![trusting(&good, &trusted)]).await.unwrap();
    world.plan("acme").await.unwrap();
    let shown = inspect(&good).await.unwrap();
    assert_eq!(shown.problem, None);
    let signers: Vec<_> = shown.signatures.iter().map(|signature| (signature.key, signature.valid)).collect();
    assert_eq!(signers, [(foreign.public(), true), (mine.public(), true)]);
    let lost = inspect(&guest()).await.unwrap().growth(&shown);
    assert_eq!(lost, [&foreign, &mine].map(|key| format!("is no longer signed by {}", key.public())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_host_installs_only_what_a_trusted_key_signed() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, foreign) = (key(), key());
    let good = component(dir.path(), "good.wasm", &[&mine]);
    let world = start(vec![trusting(&good, &[mine.public()])]).await.unwrap();
    let acme = PlatformName::from("acme");
    let active = world.adapters.active_release(&acme);

    let error = world.adapters.install(&acme, &guest()).await.unwrap_err();
    assert_eq!(problem(&error), &SignatureError::Unsigned);
    let other = component(dir.path(), "foreign.wasm", &[&foreign]);
    let error = world.adapters.install(&acme, &other).await.unwrap_err();
    assert_eq!(problem(&error), &SignatureError::Foreign(vec![foreign.public()]));
    // It is kept now, but activating it is no way around its signature.
    let digest = digest::sha256(&std::fs::read(&other).unwrap());
    let error = world.adapters.activate(&acme, &digest, true).await.unwrap_err();
    assert_eq!(problem(&error), &SignatureError::Foreign(vec![foreign.public()]));
    assert_eq!(world.adapters.active_release(&acme), active);

    let both = component(dir.path(), "both.wasm", &[&foreign, &mine]);
    let installed = world.adapters.install(&acme, &both).await.unwrap();
    world.adapters.activate(&acme, &installed.digest, true).await.unwrap();
    assert_eq!(world.adapters.active_release(&acme), Some(installed.digest));
}

/// Another host, from which this one takes a component.
#[derive(Debug)]
struct OtherHost(Vec<u8>);

#[async_trait]
impl Shared for OtherHost {
    fn name_of(&self, _: &str) -> Option<String> {
        None
    }

    async fn reserve(&self, _: &str, _: u32, _: NonZeroU32) -> Option<i64> {
        None
    }

    async fn component(&self, digest: &str) -> Option<Vec<u8>> {
        (digest == digest::sha256(&self.0)).then(|| self.0.clone())
    }

    fn paused(&self, _: &str, _: Duration) {}

    fn broken(&self, _: &PlatformName, _: Purpose, _: Duration) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_host_activated_is_taken_only_if_a_trusted_key_signed_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, foreign) = (key(), key());
    let good = component(dir.path(), "good.wasm", &[&mine]);
    let acme = PlatformName::from("acme");
    for (signers, refusal) in [
        (vec![], Some(SignatureError::Unsigned)),
        (vec![&foreign], Some(SignatureError::Foreign(vec![foreign.public()]))),
        (vec![&mine, &foreign], None),
    ] {
        let world = start(vec![trusting(&good, &[mine.public()])]).await.unwrap();
        let active = world.adapters.active_release(&acme);
        let bytes = std::fs::read(component(dir.path(), "other.wasm", &signers)).unwrap();
        let digest = digest::sha256(&bytes);
        world.adapters.join(&(Arc::new(OtherHost(bytes)) as Arc<dyn Shared>));
        let code = world.data_dir.path().join("code").join(format!("{digest}.code"));
        // Another test may have compiled the same component and lent its code.
        let _ = std::fs::remove_file(&code);
        let activated = world.adapters.activate(&acme, &digest, true).await;
        match refusal {
            None => {
                activated.unwrap();
                assert_eq!(world.adapters.active_release(&acme), Some(digest));
                assert!(code.exists());
            }
            Some(refusal) => {
                assert_eq!(problem(&activated.unwrap_err()), &refusal);
                assert_eq!(world.adapters.active_release(&acme), active);
                assert!(!code.exists(), "the compiler never read it");
                // No operation that began on it can bring it in either.
                let buy = world::buy("acme");
                let change = ProposedChange::create(&buy).into();
                let failure = world.adapters.plan(&acme, Some(&digest), &world::call(), change).await.unwrap_err();
                assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "release_not_trusted"));
                assert!(failure.message.contains("trust its key until that has ended"), "{failure}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_of_an_earlier_start_is_no_way_around_the_signature() {
    let data_dir = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (key(), key());
    let good = component(dir.path(), "good.wasm", &[&old]);
    let starts = async |keys: &[PublicKey]| Adapters::start(config(data_dir.path(), vec![trusting(&good, keys)])).await;
    // Without trusted keys, nothing asks for signatures.
    starts(&[]).await.unwrap();
    let adapters = starts(&[new.public(), old.public()]).await.unwrap();
    assert_eq!(adapters.releases(&"acme".into())[0].loaded, Loaded::FromCache);
    let error = starts(&[new.public()]).await.unwrap_err().to_string();
    assert!(error.contains(&format!("only by {}", old.public())), "{error}");
}
