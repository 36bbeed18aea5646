//! Signed adapters, as an operator meets them: make a key, sign, verify, and have a host take
//! nothing else.

use std::{
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use flightdeck_test_support::component;

use crate::{command_line::run, house::House};

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).expect("the file").permissions().mode() & 0o777
}

fn text(file: &Path) -> String {
    file.display().to_string()
}

/// Makes a key in the house; the private key's file, and the public key.
async fn key(house: &House, name: &str) -> (String, String) {
    let file = house.dir().join(name);
    let (fine, said) = run(house, &["adapter", "keygen", "--out", &text(&file)]).await;
    assert!(fine, "{said}");
    let public = said.lines().next().expect("the public key").to_owned();
    assert!(public.starts_with("flightdeck-ed25519:"), "{said}");
    (text(&file), public)
}

/// The adapter of Kevel as a file of the house's own.
fn adapter(house: &House, name: &str) -> std::path::PathBuf {
    let file = house.dir().join(name);
    std::fs::copy(component("flightdeck-adapter-kevel"), &file).expect("the component is copied");
    file
}

#[tokio::test]
async fn a_key_is_made_once_and_private() {
    let house = House::empty("").await;
    let (file, public) = key(&house, "acme").await;
    let private = std::fs::read_to_string(&file).expect("the private key");
    assert!(private.starts_with("flightdeck-ed25519-private:"));
    assert_eq!(mode(file.as_ref()), 0o600);
    assert_eq!(std::fs::read_to_string(format!("{file}.pub")).expect("the public key"), format!("{public}\n"));

    for (name, exists) in [("acme", "acme exists"), ("acme.pub", "acme.pub exists")] {
        if name == "acme.pub" {
            std::fs::rename(&file, house.dir().join("moved")).expect("it is moved");
        }
        let (fine, said) = run(&house, &["adapter", "keygen", "--out", &file]).await;
        assert!(!fine && said.contains(exists) && said.contains("choose another name"), "{name}: {said}");
    }
    assert_eq!(std::fs::read_to_string(house.dir().join("moved")).expect("the private key"), private);
    assert!(!Path::new(&file).exists(), "nothing was written");
    let (fine, said) = run(&house, &["adapter", "keygen", "--out", &text(&house.dir().join("none/acme"))]).await;
    assert!(!fine && said.contains("none/acme"), "{said}");
}

#[tokio::test]
async fn a_signed_file_is_verified_and_says_why_not() {
    let house = House::empty("").await;
    let ((mine, mine_public), (other, other_public)) = (key(&house, "mine").await, key(&house, "other").await);
    let file = adapter(&house, "kevel.wasm");
    let name = text(&file);
    let built = std::fs::read(&file).expect("the component");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("its mode is set");

    let (fine, said) = run(&house, &["adapter", "verify", &name, "--key", &mine_public]).await;
    assert!(!fine && said.contains("kevel.wasm is not signed; sign it with `flightdeck adapter sign"), "{said}");
    let (_, said) = run(&house, &["adapter", "inspect", &name]).await;
    assert!(said.contains("signed    by nobody"), "{said}");

    // By a link, which stays one.
    let link = house.dir().join("link.wasm");
    symlink(&file, &link).expect("a link");
    let (fine, said) = run(&house, &["adapter", "sign", &text(&link), "--key", &mine]).await;
    assert!(fine && said.contains(&format!("is signed by {mine_public}")), "{said}");
    assert!(link.symlink_metadata().expect("the link").is_symlink());
    assert_eq!(mode(&file), 0o640, "the mode stays");
    let signed = std::fs::read(&file).expect("the component");
    assert!(signed.starts_with(&built));
    let (fine, said) = run(&house, &["adapter", "sign", &name, "--key", &mine]).await;
    assert!(fine && said.contains("is already signed by"), "{said}");
    assert_eq!(std::fs::read(&file).expect("the component"), signed);

    let (fine, said) = run(&house, &["adapter", "verify", "--key", &other_public, "--key", &mine_public, &name]).await;
    assert!(fine && said.contains(&format!("is what {mine_public} signed")), "{said}");
    let (fine, said) = run(&house, &["adapter", "verify", &name, "--key", &other_public]).await;
    assert!(!fine && said.contains("not by a trusted key") && said.contains(&mine_public), "{said}");
    let (fine, said) = run(&house, &["adapter", "sign", &name, "--key", &other]).await;
    assert!(fine, "{said}");
    let (fine, said) = run(&house, &["adapter", "inspect", &name]).await;
    assert!(fine && said.contains(&format!("signed by {mine_public}\nsigned by {other_public}\n")), "{said}");
    let (_, said) = run(&house, &["adapter", "inspect", "--json", &name]).await;
    let shown: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(shown["signatures"][1], serde_json::json!({ "key": other_public, "valid": true }));

    let mut altered = std::fs::read(&file).expect("the component");
    let last = altered.len() - 1;
    altered[last] ^= 1;
    std::fs::write(&file, altered).expect("it is altered");
    let (fine, said) = run(&house, &["adapter", "verify", &name, "--key", &mine_public]).await;
    assert!(!fine && said.contains(&format!("is not what {other_public} signed: it was altered since")), "{said}");
    let (_, said) = run(&house, &["adapter", "inspect", &name]).await;
    assert!(said.contains(&format!("signed by {other_public} (does not match")), "{said}");

    let private = std::fs::read_to_string(&mine).expect("the private key");
    for (key, words) in
        [("acme", "`--key` must be the public key of a signer"), (private.trim(), "this is a private one")]
    {
        let (fine, said) = run(&house, &["adapter", "verify", &name, "--key", key]).await;
        assert!(!fine && said.contains(words) && !said.contains(private.trim()), "{said}");
    }
    let public_file = format!("{mine}.pub");
    for (key, words) in [(&*public_file, "without .pub"), (&name, "key file"), ("nowhere", "nowhere")] {
        let (fine, said) = run(&house, &["adapter", "sign", &name, "--key", key]).await;
        assert!(!fine && said.contains(words), "{key}: {said}");
    }
    let toml = text(&house.dir().join("flightdeck.toml"));
    let (fine, said) = run(&house, &["adapter", "sign", &toml, "--key", &mine]).await;
    assert!(!fine && said.contains("is no WebAssembly component"), "{said}");
    let left: Vec<_> =
        std::fs::read_dir(house.dir()).expect("the folder").flatten().map(|file| file.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
}

#[tokio::test]
async fn a_host_with_trusted_keys_takes_only_what_they_signed() {
    let mut house = House::empty("").await;
    let ((mine, mine_public), (other, _)) = (key(&house, "mine").await, key(&house, "other").await);
    let (good, foreign) = (adapter(&house, "good.wasm"), adapter(&house, "foreign.wasm"));
    for (file, key) in [(&good, &mine), (&foreign, &other)] {
        let (fine, said) = run(&house, &["adapter", "sign", &text(file), "--key", key]).await;
        assert!(fine, "{said}");
    }
    house.configure("in_doubt_wait", &format!("trusted_keys = [\"{mine_public}\"]\nin_doubt_wait"));
    let unsigned = text(&component("flightdeck-adapter-kevel"));
    let mut now = unsigned.clone();
    for (next, words) in [
        (unsigned, "is not signed; sign it with `flightdeck adapter sign FILE --key KEYFILE`"),
        (text(&foreign), "is signed, but not by a trusted key"),
    ] {
        house.configure(&now, &next);
        now = next;
        for command in ["check", "serve"] {
            let (fine, said) = run(&house, &[command]).await;
            assert!(!fine && said.contains(words) && said.contains("platform kevel"), "{command}: {said}");
            assert!(said.contains("`trusted_keys`") && said.contains("flightdeck.toml:"), "{command}: {said}");
        }
    }
    house.configure(&now, &text(&good));
    let (fine, said) = run(&house, &["check"]).await;
    assert!(fine, "{said}");
    house.start(&[]).await;
    house.created(serde_json::json!(["news"])).await;
}
