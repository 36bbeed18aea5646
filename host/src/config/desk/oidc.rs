//! The OpenID provider at which people sign in to the desk.

use crate::{
    adapters::Secret,
    config::{
        reader::{Node, Read},
        secret,
        section::Section,
        values,
    },
    network::base_url::BaseUrl,
};

/// What the button says unless the file says something else.
const NAME: &str = "single sign-on";

/// What is asked for unless the file says something else.
const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// `[desk.oidc]`: an OpenID provider. Its `Debug` output shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// `issuer`: the provider, word for word as it names itself in its tokens.
    pub issuer: String,
    /// `client_id`: the name of this host at the provider.
    pub client_id: String,
    /// `client_secret`: what proves that it is this host that asks.
    pub client_secret: Secret,
    /// `public_url`: where browsers reach the desk.
    pub public_url: BaseUrl,
    /// `name`: what the button says. Default `single sign-on`.
    pub name: String,
    /// `person_claim`: the claim that says who somebody is. Default `email`.
    pub person_claim: String,
    /// `groups_claim`: the claim that lists somebody's groups. Default `groups`.
    pub groups_claim: String,
    /// `reviewers`: the groups whose members are reviewers.
    pub reviewers: Vec<String>,
    /// `operators`: the groups whose members are operators, whatever else they are in.
    pub operators: Vec<String>,
    /// `scopes`: what is asked for. Default `openid`, `email` and `profile`.
    pub scopes: Vec<String>,
}

impl Oidc {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let issuer = section.required("issuer", "\"https://login.example\"", |node| {
            // The issuer is compared with the tokens' letter by letter, so it stays as it is written.
            address(node).and_then(|_| values::text(node)).map(str::to_owned)
        });
        let client_id = section.required("client_id", "\"flightdeck\"", values::foreign_id);
        let client_secret = secret::required(section, "client_secret");
        let public_url = section.required("public_url", "\"https://desk.example\"", |node| match address(node)? {
            url if url.is_origin() => Ok(url),
            _ => Err("must have no path: the desk is at /admin of its host".to_owned()),
        });
        let name = section.or("name", NAME.to_owned(), values::title);
        let person_claim = section.or("person_claim", "email".to_owned(), values::short);
        let groups_claim = section.or("groups_claim", "groups".to_owned(), values::short);
        let scopes = section.list("scopes", scope).unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
        if !scopes.iter().any(|scope| scope == "openid") {
            let at = section.place_of("scopes");
            section.wrong(at, "`scopes` must contain \"openid\": without it the provider says nothing of the person");
        }
        let groups = |key| section.some_of(key, "leave it out, or name a group", values::short);
        let (reviewers, operators) = (groups("reviewers"), groups("operators"));
        if reviewers.is_none() && operators.is_none() && section.present(&["reviewers", "operators"]).is_empty() {
            section.missing("reviewers", "[\"ad-operations\"], or `operators`: the groups that may sign in");
        }
        Some(Self {
            issuer: issuer?,
            client_id: client_id?,
            client_secret: client_secret?.secret,
            public_url: public_url?,
            name,
            person_claim,
            groups_claim,
            reviewers: reviewers.unwrap_or_default(),
            operators: operators.unwrap_or_default(),
            scopes,
        })
    }

    /// Where the provider sends browsers back to.
    pub fn redirect_uri(&self) -> String {
        format!("{}/admin/oidc/callback", self.public_url)
    }
}

/// Reads an address that nobody can listen to on the way: https, or http on this machine.
fn address(node: Node<'_>) -> Read<BaseUrl> {
    let url: BaseUrl = values::parsed(node)?;
    let here = || url.origin().certain_address().is_some_and(|address| address.is_loopback());
    if url.origin().is_https() || here() {
        Ok(url)
    } else {
        Err("must begin with https://, unless it is on this machine, like \"http://127.0.0.1:9000\"".to_owned())
    }
}

/// Reads a scope: visible ASCII without quotes and backslashes (RFC 6749, section 3.3).
fn scope(node: Node<'_>) -> Read<String> {
    let text = values::text(node)?;
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if !text.is_empty() && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be a scope: a word without spaces, quotes and backslashes".to_owned())
    }
}
