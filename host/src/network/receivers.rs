//! The addresses to which webhooks may be sent. The owner of an endpoint is not the operator and
//! must not reach the host's private network.

use std::{sync::Arc, time::Duration};

use reqwest::Url;

use super::{allow_list::AllowList, origins::Origin, resolver::Resolver};

/// The addresses to which webhooks may be sent, and the timeout of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    allow_list: AllowList,
    allow_http: bool,
    /// The timeout of one request, including its connection.
    pub timeout: Duration,
}

impl Policy {
    /// Creates a policy from the allowed private addresses, whether plain HTTP is allowed, and the
    /// timeout of one request.
    pub fn new(allow_list: AllowList, allow_http: bool, timeout: Duration) -> Self {
        Self { allow_list, allow_http, timeout }
    }

    /// Checks a URL as far as possible without DNS. Names are checked each time they are resolved.
    ///
    /// # Errors
    /// When webhooks may not be sent to the URL. The message follows "url".
    pub fn judge(&self, text: &str) -> Result<Url, String> {
        let url = Url::parse(text).map_err(|_| "must be an address, like https://example.com/webhooks".to_owned())?;
        let origin = Origin::of(&url).ok_or_else(|| "must begin with https://".to_owned())?;
        if url.scheme() != "https" && !self.allow_http {
            return Err("must begin with https://: what is sent is nobody else's business".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must have no user and password: webhooks are signed instead".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must have no # part: it is never sent".to_owned());
        }
        self.allow_list
            .check_literal(&origin)
            .map_err(|refused| format!("must be reachable from the internet; {refused}"))?;
        Ok(url)
    }

    /// Creates a client for one origin. It follows no redirects, never retries, and dials only
    /// allowed addresses.
    ///
    /// # Errors
    /// When the machine has no trusted certificates.
    pub(crate) fn client(&self, origin: &Origin) -> Result<reqwest::Client, reqwest::Error> {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("flightdeck/", env!("CARGO_PKG_VERSION"), " webhooks"))
            .timeout(self.timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(2)
            .dns_resolver(Arc::new(Resolver::new(self.allow_list.clone(), std::slice::from_ref(origin))))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_public_and_encrypted_unless_the_operator_says_otherwise() {
        let strict = Policy::new(AllowList::default(), false, Duration::from_secs(1));
        assert!(strict.judge("https://example.com:8443/hooks?from=ads").is_ok());
        for (url, why) in [
            ("example.com", "must be an address"),
            ("ftp://example.com", "must begin with https://"),
            ("http://example.com", "must begin with https://"),
            ("https://me:secret@example.com", "no user and password"),
            ("https://example.com/#there", "no # part"),
            ("https://127.0.0.1/", "127.0.0.1"),
            ("https://[::ffff:10.0.0.1]/", "10.0.0.1"),
            ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
            ("https://0x7f000001/", "127.0.0.1"),
        ] {
            let refused = strict.judge(url).unwrap_err();
            assert!(refused.contains(why), "{url}: {refused}");
        }
        let inside = Policy::new(AllowList::new(&["10.0.0.0/8".parse().unwrap()]), true, Duration::from_secs(1));
        assert!(inside.judge("http://10.1.2.3/hooks").is_ok());
        assert!(inside.judge("http://192.168.1.1/hooks").is_err());
    }
}
