//! Private addresses and plain http.

use super::{PUBLISHER, fine, refused, shown, warned};

fn platform(rest: &str) -> String {
    format!("{PUBLISHER}[[platforms]]\nname = \"acme\"\nadapter = \"acme.wasm\"\n{rest}\n")
}

#[test]
fn a_private_address_must_be_allowed() {
    for (url, host) in [
        ("http://127.0.0.1:9001", "127.0.0.1:9001"),
        ("http://localhost:9001", "localhost:9001"),
        ("https://10.1.2.3", "10.1.2.3:443"),
        ("https://169.254.169.254", "169.254.169.254:443"),
        ("https://100.100.100.200", "100.100.100.200:443"),
        ("http://0x7f.1:80", "127.0.0.1:80"),
        ("http://[::1]:9001", "[::1]:9001"),
        ("https://[fd00:ec2::254]", "[fd00:ec2::254]:443"),
        ("https://[::ffff:10.0.0.1]", "[::ffff:a00:1]:443"),
    ] {
        let name = host.rsplit_once(':').unwrap().0;
        let message =
            format!("`endpoint` is the private address {name}; if it is meant, add \"{host}\" to `allow_private`");
        refused(&platform(&format!("endpoint = ¦\"{url}\"")), &[&message]);
        // The setting that the message suggests works.
        fine(&platform(&format!("endpoint = \"{url}\"\nallow_private = [\"{host}\"]")));
    }
}

#[test]
fn networks_and_addresses_are_allowed_whatever_the_port() {
    for allowed in ["127.0.0.0/8", "127.0.0.1", "127.0.0.1:9001"] {
        warned(&platform(&format!("endpoint = \"http://127.0.0.1:9001\"\nallow_private = [\"{allowed}\"]")), &[]);
    }
    refused(
        &platform("endpoint = ¦\"http://127.0.0.1:9001\"\nallow_private = [\"127.0.0.1:9002\", \"10.0.0.0/8\"]"),
        &["`endpoint` is the private address 127.0.0.1; if it is meant, add \"127.0.0.1:9001\" to `allow_private`"],
    );
    refused(
        &platform("endpoint = \"https://a.example\"\nallow_private = [¦\"localhost\", ¦\"10.0.0.0/99\"]"),
        &[
            "`allow_private` must be a network (\"10.1.0.0/16\"), an address, or host and port (\"ads.internal:8080\")",
            "`allow_private` must be a network (\"10.1.0.0/16\"), an address, or host and port (\"ads.internal:8080\")",
        ],
    );
}

#[test]
fn plain_http_over_the_internet_is_warned_of() {
    let message = "is reached without encryption, credentials and all; prefer https";
    warned(
        &platform("endpoint = ¦\"http://api.acme.example\"\norigins = [¦\"http://files.acme.example\"]"),
        &[&format!("`endpoint` {message}"), &format!("`origins` {message}")],
    );
    warned(&platform("endpoint = \"http://ads.internal:80\"\nallow_private = [\"ads.internal:80\"]"), &[]);
}

#[test]
fn origins_are_scheme_host_and_port_and_the_endpoints_is_always_one() {
    refused(
        &platform("endpoint = \"https://a.example\"\norigins = [¦\"https://a.example/v1\", ¦\"https://10.0.0.1\", ¦7]"),
        &[
            "`origins` must be scheme, host and port without a path, like \"https://files.acme.example\"",
            "`origins` is the private address 10.0.0.1; if it is meant, add \"10.0.0.1:443\" to `allow_private`",
            "`origins` must be a text in quotes",
        ],
    );
    let config = fine(&platform(
        "endpoint = \"https://API.acme.example:443/v1/\"\norigins = [\"https://files.acme.example\", \"https://api.acme.example/\"]",
    ));
    let platform = &config.platforms[0];
    assert_eq!(platform.endpoint.as_str(), "https://api.acme.example/v1");
    assert_eq!(shown(&platform.origins), ["https://api.acme.example", "https://files.acme.example"]);
}

#[test]
fn an_endpoint_may_come_from_the_environment() {
    assert_eq!(
        fine(&platform("endpoint = { env = \"ENDPOINT\" }")).platforms[0].endpoint.as_str(),
        "https://env.acme.example/v1"
    );
    refused(
        &platform("endpoint = { env = ¦\"NO_URL\" }"),
        &[
            "`env` names the environment variable NO_URL, whose value must be an http or https address without user, query \
         and fragment, like \"https://api.acme.example\"",
        ],
    );
    refused(
        &platform("endpoint = { env = ¦\"NOT_THERE\" }"),
        &["`env` names the environment variable NOT_THERE, which is not set; set it and start again"],
    );
    refused(
        &platform("endpoint = ¦{ ¦url = 1 }"),
        &[
            "`endpoint` needs `env`; add it, like env = \"ACME_ENDPOINT\"",
            "`url` is no key of `endpoint`; known: `env`",
        ],
    );
}
