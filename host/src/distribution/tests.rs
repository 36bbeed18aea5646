use std::path::Path;

use oci_client::secrets::RegistryAuth;
use serde_json::json;

use super::{attachments::media_type, credentials::Origin, *};

fn digest() -> String {
    format!("sha256:{}", "0a".repeat(32))
}

#[test]
fn references_are_read_and_written_alike() {
    let pinned = format!("oci://registry.example/acme@{}", digest());
    let both = format!("oci://registry.example:5000/a/b-c/acme:1.4@{}", digest());
    for text in ["oci://localhost:5000/adapters/acme:1.4.0-rc_1", "oci://[::1]:5000/acme", &pinned, &both] {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.to_string(), text);
        assert_eq!(reference.short_name(), "acme");
    }
    let reference: Reference = both.parse().unwrap();
    assert_eq!(reference.pinned(digest()).to_string(), format!("oci://registry.example:5000/a/b-c/acme@{}", digest()));
}

#[test]
fn what_is_no_reference_is_refused_without_repeating_it() {
    for (text, error) in [
        ("registry.example/acme:1", ReferenceError::Scheme),
        ("https://registry.example/acme:1", ReferenceError::Scheme),
        ("oci://me:secret@registry.example/acme:1", ReferenceError::User),
        ("oci://registry.example", ReferenceError::Registry),
        ("oci:///acme", ReferenceError::Registry),
        ("oci://registry.example:99999/acme", ReferenceError::Registry),
        ("oci://registry.example:/acme", ReferenceError::Registry),
        ("oci://registry.example?x/acme", ReferenceError::Registry),
        ("oci://[::1/acme", ReferenceError::Registry),
        ("oci://registry.example/", ReferenceError::Repository),
        ("oci://registry.example/Acme", ReferenceError::Repository),
        ("oci://registry.example/../acme", ReferenceError::Repository),
        ("oci://registry.example/a//acme", ReferenceError::Repository),
        ("oci://registry.example/acme?ns=x", ReferenceError::Repository),
        ("oci://registry.example/acme:", ReferenceError::Tag),
        ("oci://registry.example/acme:a/b", ReferenceError::Tag),
        ("oci://registry.example/acme@sha256:12", ReferenceError::Digest),
        ("oci://registry.example/acme@sha512:12", ReferenceError::Digest),
    ] {
        assert_eq!(text.parse::<Reference>(), Err(error), "{text}");
        assert!(!error.to_string().contains("secret"));
    }
    let upper = format!("oci://registry.example/acme@sha256:{}", "0A".repeat(32));
    assert_eq!(upper.parse::<Reference>(), Err(ReferenceError::Digest));
}

#[test]
fn credentials_are_found_in_dockers_file_and_never_shown() {
    let file = Path::new("config.json");
    let of = |config: &serde_json::Value, registry: &str| {
        Credentials::from_file(config.to_string().as_bytes(), file, registry).unwrap()
    };
    let basic = RegistryAuth::Basic("me".to_owned(), "se:cret".to_owned());
    // me:se:cret
    let login = json!({ "auth": "bWU6c2U6Y3JldA==" });
    for key in ["registry.example:5000", "https://registry.example:5000"] {
        let found = of(&json!({ "auths": { key: login } }), "registry.example:5000");
        assert!(found.auth == basic && found.from == Origin::File(file.to_owned()));
        assert!(!format!("{found:?}{}", found.from).contains("cret"));
    }
    let split = json!({ "auths": { "a.example": { "username": "me", "password": "se:cret" } } });
    assert!(of(&split, "a.example").auth == basic);
    assert!(of(&split, "b.example").auth == RegistryAuth::Anonymous);
    assert!(of(&json!({ "credHelpers": { "a.example": "x" } }), "a.example").from == Origin::Helper(file.to_owned()));
    assert!(of(&json!({ "auths": { "https://index.docker.io/v1/": login } }), "docker.io").auth == basic);
    for broken in ["{", r#"{"auths":{"a":{"auth":"secret"}}}"#, r#"{"auths":{"a":{"auth":"c2VjcmV0"}}}"#] {
        let error = Credentials::from_file(broken.as_bytes(), file, "a").unwrap_err().to_string();
        assert!(error.starts_with("config.json is not in the form") && !error.contains("secret"), "{error}");
    }
}

#[test]
fn attachments_are_what_stands_in_them() {
    for (text, purpose, expected) in [
        (r#"{"bomFormat":"CycloneDX"}"#, Purpose::Sbom, Some("application/vnd.cyclonedx+json")),
        (r#"{"spdxVersion":"SPDX-2.3"}"#, Purpose::Sbom, Some("application/spdx+json")),
        (r#"{"spdxVersion":"SPDX-2.3"}"#, Purpose::Provenance, None),
        (r#"{"_type":"https://in-toto.io/Statement/v1"}"#, Purpose::Provenance, Some("application/vnd.in-toto+json")),
        ("<xml/>", Purpose::Sbom, None),
    ] {
        assert_eq!(media_type(text.as_bytes(), purpose), expected, "{text}");
    }
}
