//! The private addresses that the configuration allows in addition to public ones.
//!
//! | in `allow_private` | allows |
//! |---|---|
//! | `10.1.0.0/16`, `fd00::/8` | any address of that network |
//! | `127.0.0.1` | that address |
//! | `ads.internal:8080`, `127.0.0.1:9001` | any address of that host, on that port |

use std::{collections::HashSet, fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

use super::{
    addresses::{canonical, is_public},
    base_url::BaseUrl,
    origins::Origin,
};

/// An entry of `allow_private`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedAddress {
    /// Every address of a network. A single address is a network of one.
    Network(IpNet),
    /// Any address of this host, on this port only.
    Host {
        /// The host name or address, in lower case.
        host: String,
        /// The TCP port.
        port: u16,
    },
}

/// The error for a string that is not a valid entry of `allow_private`. Its message follows the
/// name of the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a network (\"10.1.0.0/16\"), an address, or host and port (\"ads.internal:8080\")")]
pub struct AllowedAddressError;

impl FromStr for AllowedAddress {
    type Err = AllowedAddressError;

    fn from_str(text: &str) -> Result<Self, AllowedAddressError> {
        if let Some(network) = network(text) {
            return Ok(Self::Network(network));
        }
        let (host, port) = text.rsplit_once(':').ok_or(AllowedAddressError)?;
        let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or(AllowedAddressError)?;
        // Parse it like the host of an endpoint, so that the two compare equal.
        let url = format!("http://{host}:{port}").parse().ok().filter(BaseUrl::is_origin).ok_or(AllowedAddressError)?;
        Ok(Self::Host { host: url.origin().host.clone(), port })
    }
}

impl fmt::Display for AllowedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => write!(f, "{network}"),
            Self::Host { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Parses a network. A single address is a network of one.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().map(|network| network.trunc());
    network.or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
}

/// The error for an address that may not be dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is the private or reserved address {address}")]
pub struct AddressRefused {
    /// The host name that resolved to the address.
    pub host: String,
    /// The refused address.
    pub address: IpAddr,
}

/// All entries of `allow_private`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    networks: Vec<IpNet>,
    hosts: HashSet<(String, u16)>,
}

impl AllowList {
    /// Creates the list from its entries.
    pub fn new(entries: &[AllowedAddress]) -> Self {
        let mut list = Self::default();
        for entry in entries {
            match entry {
                AllowedAddress::Network(network) => list.networks.push(*network),
                AllowedAddress::Host { host, port } => {
                    list.hosts.insert((host.clone(), *port));
                }
            }
        }
        list
    }

    /// Whether an entry covers a host, its port and, if it is known, its address.
    fn covers(&self, host: &str, port: u16, address: Option<IpAddr>) -> bool {
        let address = address.map(canonical);
        self.hosts.contains(&(host.to_owned(), port))
            || address.is_some_and(|address| self.networks.iter().any(|network| network.contains(&address)))
    }

    /// Whether an entry covers an origin, as far as that is known without DNS.
    pub(crate) fn names(&self, origin: &Origin) -> bool {
        self.covers(&origin.host, origin.port, origin.certain_address())
    }

    /// Whether an address may be dialled for a host and its port.
    pub(crate) fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool {
        is_public(address) || self.covers(host, port, Some(address))
    }

    /// Checks an origin whose host is an IP address. Names are checked when they are resolved.
    ///
    /// # Errors
    /// When the address is private or reserved, and no entry allows it.
    pub(crate) fn check_literal(&self, origin: &Origin) -> Result<(), AddressRefused> {
        match origin.literal() {
            Some(address) if !self.allows(&origin.host, origin.port, address) => {
                Err(AddressRefused { host: origin.host.clone(), address })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(list: &AllowList, host: &str) -> bool {
        list.check_literal(&format!("http://{host}").parse().unwrap()).is_err()
    }

    #[test]
    fn private_and_reserved_addresses_are_refused_in_every_spelling() {
        let none = AllowList::default();
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "192.88.99.1",
            "168.63.129.16",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[2002:7f00:1::]",
            "[64:ff9b:1::8.8.8.8]",
            "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
            "[2001:2::1]",
            "[2001:10::1]",
            "[2001:2f:ffff::1]",
            "[2001:db8::1]",
            "[3fff:fff::1]",
        ] {
            assert!(refused(&none, host), "{host}");
        }
        for host in [
            "1.1.1.1",
            "8.8.8.8",
            "[2606:4700:4700::1111]",
            "[2001:4860:4860::8888]",
            "[3fff:1000::1]",
            "[::ffff:1.1.1.1]",
            "name.example",
        ] {
            assert!(!refused(&none, host), "{host}");
        }
    }

    #[test]
    fn the_configuration_allows_networks_addresses_and_single_origins() {
        let entries = ["10.1.0.0/16", "192.168.7.7", "127.0.0.1:9001", "ads.internal:8080"];
        let some = AllowList::new(&entries.map(|entry| entry.parse().unwrap()));
        for host in ["10.1.2.3", "192.168.7.7", "127.0.0.1:9001"] {
            assert!(!refused(&some, host), "{host}");
        }
        for host in ["10.2.0.1", "192.168.7.8", "127.0.0.1:9002", "127.0.0.1"] {
            assert!(refused(&some, host), "{host}");
        }
        assert!(some.allows("ads.internal", 8080, "10.9.9.9".parse().unwrap()));
        assert!(!some.allows("ads.internal", 8081, "10.9.9.9".parse().unwrap()));
        for text in ["ads.internal", "10.0.0.0/99", "", "http://x:1"] {
            assert!(text.parse::<AllowedAddress>().is_err(), "{text}");
        }
    }
}
