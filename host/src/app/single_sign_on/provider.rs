//! The OpenID provider: its metadata and keys, and the exchange of a code for claims.
//!
//! The library checks the signature, the issuer, the audience, the nonce and the expiry of an ID
//! token. It sends through [`Transport`], which follows no redirects and reads no endless answers.

use std::{
    error::Error as _,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt as _, future::BoxFuture};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError,
    Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse,
    TokenResponse as _,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ticket::Ticket;
use crate::{
    app::error::{AppError, ErrorCode},
    config::Oidc,
};

/// How long metadata and keys are used. A key that is new before that is fetched when it is met.
const FRESH_FOR: Duration = Duration::from_secs(3_600);

/// How long a provider that did not answer is not asked again, so that nobody queues behind it.
const DOWN_FOR: Duration = Duration::from_secs(5);

/// How long one request may take: somebody waits before a browser.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest answer that is read. Keys of real providers are some ten kilobytes.
const LARGEST: usize = 1 << 20;

/// Why a provider was not asked, or what is wrong with its answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It can't be reached, or answers with something else than OpenID.
    #[error("the provider can't be reached: {0}")]
    Down(String),
    /// It refuses this host.
    #[error("the provider refuses this host: {0}")]
    Stranger(String),
    /// It refuses the code.
    #[error("the provider refuses the code")]
    Refused,
    /// Its ID token does not hold.
    #[error("the provider's ID token does not hold: {0}")]
    Token(#[from] ClaimsVerificationError),
}

impl ProviderError {
    /// The error with its cause, for the log.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Token(error) => error.source().map_or_else(|| self.to_string(), |cause| format!("{self}: {cause}")),
            Self::Down(_) | Self::Stranger(_) | Self::Refused => self.to_string(),
        }
    }

    /// The error as the person sees it who wants to sign in. Its details are in the log.
    pub(super) fn shown(&self, oidc: &Oidc) -> AppError {
        match self {
            Self::Down(_) => AppError::new(
                ErrorCode::PlatformUnavailable,
                format!("{} does not answer as it should; try again in a minute, or sign in with a token", oidc.name),
            ),
            Self::Stranger(_) => AppError::new(
                ErrorCode::PlatformUnavailable,
                format!(
                    "{} does not accept this host; an operator should compare client_id and client_secret with what \
                     the provider knows",
                    oidc.name
                ),
            ),
            Self::Refused => AppError::new(
                ErrorCode::AuthenticationRequired,
                "the provider did not accept the code that your browser brought back: it is used up or too old; begin again",
            ),
            Self::Token(_) => AppError::new(
                ErrorCode::AuthenticationRequired,
                "what the provider says of you can't be verified; begin again, and if it stays so, the host's log says why",
            ),
        }
    }
}

/// Sends the library's requests.
#[derive(Debug)]
struct Transport {
    client: reqwest::Client,
    /// Whether plain HTTP is allowed, for a provider on this machine.
    allow_http: bool,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
enum TransportError {
    #[error("{0}")]
    Request(String),
    #[error("it names an address without https: {0}")]
    Plain(String),
    #[error("its answer is larger than {LARGEST} bytes")]
    Large,
    #[error(transparent)]
    Http(#[from] http::Error),
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        // The URL may have a code in it.
        let error = error.without_url();
        let mut last: &dyn std::error::Error = &error;
        while let Some(cause) = last.source() {
            last = cause;
        }
        Self::Request(format!("{error}: {last}"))
    }
}

impl Transport {
    fn new(oidc: &Oidc) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("flightdeck/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self { client, allow_http: oidc.issuer.starts_with("http://") })
    }

    fn check(&self, url: &str) -> Result<(), TransportError> {
        if self.allow_http || url.starts_with("https://") { Ok(()) } else { Err(TransportError::Plain(url.to_owned())) }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.check(&request.uri().to_string())?;
        let mut answer = self.client.execute(request.try_into()?).await?;
        let mut response = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > LARGEST {
                return Err(TransportError::Large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(response.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = TransportError;
    type Future = BoxFuture<'c, Result<HttpResponse, TransportError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

/// The claims that OpenID does not define, such as groups.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OtherClaims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for OtherClaims {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// The library's client, with the claims of above.
type Relying = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider whose metadata and keys are known.
#[derive(Debug)]
pub struct Provider {
    /// The configuration that it was made for.
    oidc: Oidc,
    since: Instant,
    relying: Relying,
    transport: Transport,
}

impl Provider {
    /// Fetches the metadata and the keys.
    async fn discover(oidc: &Oidc) -> Result<Self, ProviderError> {
        let down = |why: String| ProviderError::Down(why);
        let transport = Transport::new(oidc).map_err(|error| down(error.to_string()))?;
        let issuer = IssuerUrl::new(oidc.issuer.clone()).map_err(|error| down(error.to_string()))?;
        let found = CoreProviderMetadata::discover_async(issuer, &transport).await;
        let metadata = found.map_err(|error| down(with_cause(&error)))?;
        transport.check(metadata.authorization_endpoint().as_str()).map_err(|error| down(error.to_string()))?;
        let only_in_the_body = metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let redirect = RedirectUrl::new(oidc.redirect_uri()).map_err(|error| down(error.to_string()))?;
        let secret = ClientSecret::new(oidc.client_secret.expose().to_owned());
        let relying = Relying::from_provider_metadata(metadata, ClientId::new(oidc.client_id.clone()), Some(secret))
            .set_auth_type(if only_in_the_body { AuthType::RequestBody } else { AuthType::BasicAuth })
            .set_redirect_uri(redirect);
        Ok(Self { oidc: oidc.clone(), since: Instant::now(), relying, transport })
    }

    /// Returns the address to which a browser goes to sign in.
    pub(super) fn authorize(&self, oidc: &Oidc, ticket: &Ticket) -> Result<String, ProviderError> {
        let (state, nonce) = (CsrfToken::new(ticket.state.clone()), Nonce::new(ticket.nonce.clone()));
        let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
        let mut request = self
            .relying
            .authorize_url(AuthenticationFlow::<CoreResponseType>::AuthorizationCode, move || state, move || nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        // The library asks for `openid` by itself.
        for scope in oidc.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        Ok(request.url().0.into())
    }

    /// Exchanges a code for an ID token that is not verified yet.
    async fn exchange(&self, ticket: &Ticket, code: &str) -> Result<Tokens, ProviderError> {
        let request = self
            .relying
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| ProviderError::Down(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(ticket.verifier.clone()));
        request.request_async(&self.transport).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(said) => match said.error() {
                CoreErrorResponseType::InvalidGrant => ProviderError::Refused,
                other => ProviderError::Stranger(other.to_string()),
            },
            other => ProviderError::Down(with_cause(&other)),
        })
    }

    /// Verifies an ID token and returns its claims.
    fn verified(&self, ticket: &Ticket, tokens: &Tokens) -> Result<Map<String, Value>, ClaimsVerificationError> {
        let missing = || ClaimsVerificationError::Other("there is none in the answer".to_owned());
        let token = tokens.id_token().ok_or_else(missing)?;
        let claims = token.claims(&self.relying.id_token_verifier(), &Nonce::new(ticket.nonce.clone()))?;
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => Ok(claims),
            Ok(_) | Err(_) => Err(ClaimsVerificationError::Other("its claims can't be read".to_owned())),
        }
    }
}

/// What is known of the configured provider. One request at a time asks for it.
#[derive(Debug, Default)]
pub struct Providers(tokio::sync::Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    provider: Option<Arc<Provider>>,
    down: Option<(Instant, Oidc, ProviderError)>,
}

impl Providers {
    /// Returns the provider. Asks it if nothing fresh is known, or only the `stale` one.
    pub(super) async fn get(&self, oidc: &Oidc, stale: Option<&Arc<Provider>>) -> Result<Arc<Provider>, ProviderError> {
        let mut known = self.0.lock().await;
        let fresh = known.provider.as_ref().filter(|provider| {
            provider.oidc == *oidc
                && provider.since.elapsed() < FRESH_FOR
                && !stale.is_some_and(|stale| Arc::ptr_eq(stale, provider))
        });
        if let Some(fresh) = fresh {
            return Ok(fresh.clone());
        }
        if let Some((since, of, error)) = &known.down
            && of == oidc
            && since.elapsed() < DOWN_FOR
        {
            return Err(error.clone());
        }
        match Provider::discover(oidc).await {
            Ok(provider) => {
                let provider = Arc::new(provider);
                *known = Known { provider: Some(provider.clone()), down: None };
                Ok(provider)
            }
            Err(error) => {
                tracing::warn!(%error, issuer = oidc.issuer, "nobody can sign in at the OpenID provider");
                known.down = Some((Instant::now(), oidc.clone(), error.clone()));
                Err(error)
            }
        }
    }

    /// Exchanges the code of a sign-in for claims that the provider has signed.
    pub(super) async fn redeem(
        &self,
        oidc: &Oidc,
        ticket: &Ticket,
        code: &str,
    ) -> Result<Map<String, Value>, ProviderError> {
        let provider = self.get(oidc, None).await?;
        let tokens = provider.exchange(ticket, code).await?;
        match provider.verified(ticket, &tokens) {
            // The provider may have a new key. Only an answer of its own leads here, so nobody else
            // can make this host ask again and again.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let provider = self.get(oidc, Some(&provider)).await?;
                Ok(provider.verified(ticket, &tokens)?)
            }
            verified => Ok(verified?),
        }
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
