//! Artifacts that are not what they should be, and registries that are not there.

use std::{net::TcpListener, time::Instant};

use serde_json::{Value, json};

use super::{
    WITH, adapter, kevel, pull, pushed,
    registry::{MANIFEST, Registry},
};
use crate::house::House;

const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const WASM: &str = "application/wasm";

/// Pulls what is refused; why.
async fn refused(house: &House, from: &str) -> String {
    let (fine, _, said) = pull(house, from, "refused.wasm").await;
    assert!(!fine, "{from} was pulled");
    assert!(!house.dir().join("refused.wasm").exists(), "something was written");
    said
}

#[tokio::test]
async fn what_is_not_one_component_is_refused_with_what_it_is() {
    let Some(registry) = Registry::start() else { return };
    let house = House::empty("").await;
    let bytes = std::fs::read(kevel(&house, "kevel.wasm")).expect("the component");
    let config = registry.put_blob("odd", CONFIG, b"{}").await;
    let image = registry.put_blob("odd", "application/vnd.oci.image.config.v1+json", b"{ }").await;
    let component = registry.put_blob("odd", WASM, &bytes).await;
    let module = registry.put_blob("odd", WASM, b"\0asm\x01\0\0\0").await;
    let script = registry.put_blob("odd", WASM, b"#!/bin/sh").await;
    let archive = registry.put_blob("odd", "application/vnd.oci.image.layer.v1.tar", b"a tar").await;
    let mut large = component.clone();
    large["size"] = (128_u64 * 1024 * 1024 + 1).into();
    let mut short = component.clone();
    short["size"] = 100.into();
    let of = |config: &Value, layers: &[&Value]| json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
    for (name, manifest, words) in [
        ("image", of(&image, &[&archive]), "is no WebAssembly component but another artifact"),
        ("two", of(&config, &[&component, &module]), "has 2 layers, and an adapter is a single one"),
        ("none", of(&config, &[]), "has 0 layers"),
        ("archive", of(&config, &[&archive]), "has a layer that is application/vnd.oci.image.layer.v1.tar"),
        ("module", of(&config, &[&module]), "is a core module and no component"),
        ("script", of(&config, &[&script]), "is no WebAssembly, whatever its manifest says"),
        ("large", of(&config, &[&large]), "an adapter has at most 134217728"),
        ("short", of(&config, &[&short]), "is not what its digest names"),
    ] {
        let digest = registry.put_manifest("odd", name, &manifest).await;
        let said = refused(&house, &format!("oci://{}/odd@{digest}", registry.address)).await;
        assert!(said.contains(words), "{name}: {said}");
    }
    let one = of(&config, &[&component]);
    let digest = registry.put_manifest("odd", "one", &one).await;
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": MANIFEST, "digest": digest, "size": one.to_string().len() }],
    });
    registry.put_manifest("odd", "index", &index).await;
    let said = refused(&house, &format!("oci://{}/odd:index", registry.address)).await;
    assert!(said.contains("is an index of several images"), "{said}");
}

#[tokio::test]
async fn a_title_does_not_say_where_a_file_is_written() {
    let Some(registry) = Registry::start() else { return };
    let house = House::empty("").await;
    let bytes = std::fs::read(kevel(&house, "kevel.wasm")).expect("the component");
    let config = registry.put_blob("adapters/acme", CONFIG, b"{}").await;
    let mut layer = registry.put_blob("adapters/acme", WASM, &bytes).await;
    layer["annotations"] = json!({ "org.opencontainers.image.title": "../../outside.wasm" });
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let digest = registry.put_manifest("adapters/acme", "1", &manifest).await;
    let from = format!("oci://{}/adapters/acme@{digest}", registry.address);
    let (fine, printed, said) = adapter(&house, &[&["pull", &from], &WITH[..]].concat()).await;
    assert!(fine && printed.starts_with("acme.wasm is oci://"), "{printed}{said}");
    assert_eq!(std::fs::read(house.dir().join("acme.wasm")).expect("the component"), bytes);
    for outside in ["../../outside.wasm", "../outside.wasm", "outside.wasm"] {
        assert!(!house.dir().join(outside).exists(), "{outside}");
    }
}

#[tokio::test]
async fn what_was_altered_in_the_registry_is_refused() {
    let Some(registry) = Registry::start() else { return };
    let house = House::empty("").await;
    let file = kevel(&house, "kevel.wasm");
    let pinned = pushed(&house, &file, &format!("oci://{}/adapters/kevel:1", registry.address), &[]).await;
    let (name, digest) = pinned.split_once('@').expect("a digest");

    let said = refused(&house, &format!("{name}@sha256:{}", "0".repeat(64))).await;
    assert!(said.contains("does not exist; check the name, the tag and the digest"), "{said}");
    let manifest = registry.json(&format!("adapters/kevel/manifests/{digest}")).await;
    let layer = registry.file(manifest["layers"][0]["digest"].as_str().expect("a digest"));
    let mut bytes = std::fs::read(&layer).expect("the layer");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&layer, &bytes).expect("it is altered");
    let said = refused(&house, &pinned).await;
    assert!(said.contains("is not what its digest names"), "{said}");
    bytes.push(0);
    std::fs::write(&layer, &bytes).expect("it is longer");
    assert!(refused(&house, &pinned).await.contains("is not what its digest names"));

    // A manifest that is another one than its digest says.
    let file = registry.file(digest);
    let altered = std::fs::read_to_string(&file).expect("the manifest").replace("kevel.wasm", "lovel.wasm");
    std::fs::write(&file, altered).expect("it is altered");
    let said = refused(&house, &pinned).await;
    assert!(said.contains("is not what its digest names"), "{said}");
}

#[tokio::test]
async fn a_registry_that_is_not_there_or_never_answers_is_told_within_the_time() {
    let house = House::empty("").await;
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("its address");
    let from = format!("oci://{address}/adapters/kevel:1");
    let install = ["install", "kevel", &from, "--timeout", "2", "--insecure-http"];
    let pull = ["pull", &from, "--timeout", "2", "--insecure-http"];
    for command in [&install[..], &pull[..]] {
        // It takes connections, and says nothing.
        let asked = Instant::now();
        let (fine, _, said) = adapter(&house, command).await;
        assert!(!fine && said.contains("did not do it within 2 s") && said.contains("--timeout"), "{said}");
        assert!(asked.elapsed().as_secs() < 30, "{:?}", asked.elapsed());
    }
    drop(nobody);
    let (fine, _, said) = adapter(&house, &pull).await;
    assert!(!fine && said.contains("can't be reached: ") && said.contains("Check the address"), "{said}");
}
