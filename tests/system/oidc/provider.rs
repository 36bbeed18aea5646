//! A small OpenID provider, which vouches for whomever the test wants, and can be told to get one thing wrong.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const CLIENT: &str = "flightdeck desk";
pub(crate) const SECRET: &str = "client-secret-0123456789&abcdef";

/// What the provider says of whoever comes.
#[derive(Default)]
pub(crate) struct Says {
    /// The claims about the person.
    pub(crate) person: Value,
    /// Claims that replace the right ones: `nonce`, `aud`, `exp`.
    pub(crate) wrong: Value,
    /// Whether a key signs that the provider does not publish, under the name of one that it does.
    pub(crate) forged: bool,
    /// Whether the elliptic key signs, and not the RSA key.
    pub(crate) elliptic: bool,
    /// The host to which browsers are sent back, instead of the one in the redirect URI.
    pub(crate) back_to: Option<String>,
    /// How often somebody asked for the keys.
    pub(crate) asked_for_keys: usize,
}

/// A sign-in that waits for its code to be redeemed.
struct Waiting {
    challenge: String,
    redirect_uri: String,
    nonce: String,
}

struct Keys {
    name: String,
    rsa: RsaKeyPair,
    elliptic: EcdsaKeyPair,
}

impl Keys {
    fn new(name: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        Self {
            name: name.to_owned(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"),
            elliptic: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).expect("a key"),
        }
    }

    fn published(&self) -> Value {
        // SEQUENCE { INTEGER n, INTEGER e }: n of 2048 bits after nine bytes, and e is 65537.
        let rsa = self.rsa.public_key().as_ref();
        let point = self.elliptic.public_key().as_ref();
        json!({ "keys": [
            { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": format!("{} rsa", self.name),
              "n": BASE64_URL_SAFE_NO_PAD.encode(&rsa[9..265]), "e": "AQAB" },
            { "kty": "EC", "use": "sig", "crv": "P-256", "kid": format!("{} ec", self.name),
              "x": BASE64_URL_SAFE_NO_PAD.encode(&point[1..33]), "y": BASE64_URL_SAFE_NO_PAD.encode(&point[33..65]) },
        ] })
    }

    fn signed(&self, claims: &Value, kid: &str, elliptic: bool) -> String {
        let (alg, kind) = if elliptic { ("ES256", "ec") } else { ("RS256", "rsa") };
        let header = json!({ "alg": alg, "kid": format!("{kid} {kind}"), "typ": "JWT" });
        let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let random = SystemRandom::new();
        let signature = if elliptic {
            self.elliptic.sign(&random, text.as_bytes()).expect("a signature").as_ref().to_vec()
        } else {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            self.rsa.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).expect("a signature");
            signature
        };
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

#[derive(Clone)]
struct Shared {
    issuer: Arc<str>,
    says: Arc<Mutex<Says>>,
    keys: Arc<Mutex<Keys>>,
    codes: Arc<Mutex<HashMap<String, Waiting>>>,
}

/// The provider, which serves until it is dropped.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    shared: Shared,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Provider {
    pub(crate) async fn start() -> Self {
        Self::start_as("127.0.0.1").await
    }

    /// Starts it under another name of this machine.
    pub(crate) async fn start_as(name: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{name}:{}", listener.local_addr().expect("an address").port());
        let shared = Shared {
            issuer: issuer.as_str().into(),
            says: Arc::default(),
            keys: Arc::new(Mutex::new(Keys::new("first"))),
            codes: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { issuer, shared, serving }
    }

    /// Changes what it says.
    pub(crate) fn says(&self) -> MutexGuard<'_, Says> {
        self.shared.says.lock().unwrap()
    }

    /// Vouches for a person in these groups.
    pub(crate) fn knows(&self, email: &str, groups: &[&str]) {
        self.says().person = json!({ "email": email, "email_verified": true, "groups": groups });
    }

    /// Signs with other keys from now on.
    pub(crate) fn rotate(&self) {
        *self.shared.keys.lock().unwrap() = Keys::new("second");
    }
}

async fn discovery(State(Shared { issuer, .. }): State<Shared>) -> Json<Value> {
    Json(json!({
        "issuer": &*issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }))
}

async fn keys(State(shared): State<Shared>) -> Json<Value> {
    shared.says.lock().unwrap().asked_for_keys += 1;
    Json(shared.keys.lock().unwrap().published())
}

/// Signs everybody in without a question.
async fn authorize(State(shared): State<Shared>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let right = asked["response_type"] == "code"
        && asked["client_id"] == CLIENT
        && asked["code_challenge_method"] == "S256"
        && asked["scope"].split(' ').any(|scope| scope == "openid");
    if !right {
        return (StatusCode::BAD_REQUEST, format!("{asked:?}")).into_response();
    }
    let code = format!("code {}", rand::random::<u64>());
    let redirect_uri = asked["redirect_uri"].clone();
    let mut back: reqwest::Url = redirect_uri.parse().expect("an address");
    if let Some(url) = &shared.says.lock().unwrap().back_to {
        back = format!("{url}{}", back.path()).parse().expect("an address");
    }
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked["state"]);
    let waiting = Waiting { challenge: asked["code_challenge"].clone(), redirect_uri, nonce: asked["nonce"].clone() };
    shared.codes.lock().unwrap().insert(code, waiting);
    Redirect::to(back.as_str()).into_response()
}

/// Redeems a code, once.
async fn token(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let refused = |error| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    // RFC 6749, section 2.3.1: both are encoded as in a form before they are joined.
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET))));
    if headers.get(header::AUTHORIZATION).is_none_or(|sent| sent.as_bytes() != basic.as_bytes()) {
        return refused("invalid_client");
    }
    let Some(waiting) = form.get("code").and_then(|code| shared.codes.lock().unwrap().remove(code)) else {
        return refused("invalid_grant");
    };
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    let right = form["grant_type"] == "authorization_code"
        && form["redirect_uri"] == waiting.redirect_uri
        && challenge == waiting.challenge;
    if !right {
        return refused("invalid_grant");
    }
    let (says, keys) = (shared.says.lock().unwrap(), shared.keys.lock().unwrap());
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let mut claims = json!({
        "iss": &*shared.issuer, "sub": "person-1", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": waiting.nonce,
    });
    for (name, value) in [&says.person, &says.wrong].into_iter().filter_map(Value::as_object).flatten() {
        claims[name] = value.clone();
    }
    let signed = match says.forged {
        true => Keys::new("forger").signed(&claims, &keys.name, says.elliptic),
        false => keys.signed(&claims, &keys.name, says.elliptic),
    };
    Json(json!({ "access_token": "unused", "token_type": "Bearer", "expires_in": 300, "id_token": signed }))
        .into_response()
}
