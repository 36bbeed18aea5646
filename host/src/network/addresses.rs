//! Decides which addresses the host may connect to: public ones, and private ones that the
//! configuration lists.
//!
//! The resolver checks the addresses of a name, so the checked address is the one that the client
//! connects to. A literal address bypasses the resolver and is checked separately.
//!
//! | in `allow_private` | allows |
//! |---|---|
//! | `10.1.0.0/16`, `fd00::/8` | any address of that network |
//! | `127.0.0.1` | that address |
//! | `ads.internal:8080`, `127.0.0.1:9001` | whatever address this origin has |

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::origins::Origin;

/// An entry of `allow_private` that can't be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` in allow_private is neither a network (10.0.0.0/8), nor an address, nor host:port")]
pub struct AllowanceError {
    text: String,
}

/// A host name resolved to an address that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is the private or reserved address {address}")]
pub(crate) struct AddressRefused {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
}

/// The private addresses that an `allow_private` setting allows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowance {
    networks: Vec<IpNet>,
    hosts: HashSet<(String, u16)>,
}

impl Allowance {
    /// Parses the entries of `allow_private`.
    pub(crate) fn parse(entries: &[String]) -> Result<Self, AllowanceError> {
        let mut allowance = Self::default();
        for text in entries {
            if let Ok(network) = text.parse::<IpNet>() {
                allowance.networks.push(network);
            } else if let Ok(address) = text.parse::<IpAddr>() {
                allowance.networks.push(IpNet::from(address));
            } else if let Ok(origin) = Origin::parse(&format!("http://{text}"))
                && text.contains(':')
            {
                allowance.hosts.insert((origin.host, origin.port));
            } else {
                return Err(AllowanceError { text: text.clone() });
            }
        }
        Ok(allowance)
    }

    /// Returns whether connections to this address are allowed for a host name and port.
    fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool {
        let address = plain(address);
        is_public(address)
            || self.networks.iter().any(|network| network.contains(&address))
            || self.hosts.contains(&(host.to_owned(), port))
    }

    /// Checks an origin whose host is a literal address. [`Resolver`] checks names when it resolves
    /// them.
    pub(crate) fn judge_literal(&self, origin: &Origin) -> Result<(), AddressRefused> {
        let text = origin.host.trim_start_matches('[').trim_end_matches(']');
        match text.parse::<IpAddr>() {
            Ok(address) if !self.allows(&origin.host, origin.port, address) => {
                Err(AddressRefused { host: origin.host.clone(), address })
            }
            _ => Ok(()),
        }
    }
}

/// Resolves names, and fails for a name with an address that is not allowed.
pub(crate) struct Resolver {
    allowance: Allowance,
    /// The ports on which each host is an allowed origin. The resolver gets only the name, without
    /// a port. It therefore accepts a host's private address only if the address is allowed on all
    /// of these ports.
    ports: Arc<HashMap<String, Vec<u16>>>,
}

impl Resolver {
    pub(crate) fn new(allowance: Allowance, origins: &[Origin]) -> Self {
        let mut ports: HashMap<String, Vec<u16>> = HashMap::new();
        for origin in origins {
            ports.entry(origin.host.clone()).or_default().push(origin.port);
        }
        Self { allowance, ports: Arc::new(ports) }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowance, ports) = (self.allowance.clone(), Arc::clone(&self.ports));
        Box::pin(async move {
            let host = name.as_str().trim_end_matches('.').to_ascii_lowercase();
            let ports = ports.get(&host).map_or(&[][..], Vec::as_slice);
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let may = |address: &SocketAddr| {
                !ports.is_empty() && ports.iter().all(|port| allowance.allows(&host, *port, address.ip()))
            };
            // One refused address refuses the name: a name with both a public and a private address
            // is typical of DNS rebinding.
            if let Some(refused) = found.iter().find(|address| !may(address)) {
                return Err(AddressRefused { host: host.clone(), address: refused.ip() }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Converts every IPv6 form of an IPv4 address to the IPv4 address, so both are treated alike.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => embedded(six).map_or(address, IpAddr::V4),
    }
}

/// Extracts the IPv4 address from `::ffff:a.b.c.d`, `::a.b.c.d`, NAT64 (`64:ff9b::/96`) and 6to4
/// (`2002::/16`).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let parts = address.segments();
    let four = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(four(high, low)),
        [0x2002, high, low, ..] => Some(four(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(four(high, low)),
        _ => None,
    }
}

/// Returns whether an address is on the public internet. Reserved, local and loopback addresses are
/// not. Neither are the metadata services of clouds, which are link-local (169.254.169.254), unique
/// local (fd00:ec2::254) or shared (100.100.100.200).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, _] = four.octets();
            !(a == 0
                || four.is_loopback()
                || four.is_private()
                || four.is_link_local()
                || four.is_broadcast()
                || four.is_documentation()
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (b == 18 || b == 19))
                || (a == 168 && b == 63 && four.octets() == [168, 63, 129, 16])
                || a >= 224)
        }
        IpAddr::V6(six) => {
            let [first, second, ..] = six.segments();
            let documentation = (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000);
            // 2001::/23 is reserved for protocols and tests: Teredo (2001::/32), which contains an
            // IPv4 address, benchmarks (2001:2::/48), ORCHID (2001:10::/28, 2001:20::/28).
            let protocols = first == 0x2001 && second < 0x200;
            // Only 2000::/3 is allocated for global unicast. Loopback, unspecified, local,
            // multicast and NAT64 addresses are all outside of it.
            (first & 0xe000) == 0x2000 && !documentation && !protocols
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(allowance: &Allowance, host: &str) -> bool {
        allowance.judge_literal(&Origin::parse(&format!("http://{host}")).unwrap()).is_err()
    }

    #[test]
    fn private_and_reserved_addresses_are_refused_in_every_spelling() {
        let none = Allowance::default();
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
        let entries = ["10.1.0.0/16", "192.168.7.7", "127.0.0.1:9001", "ads.internal:8080"].map(str::to_owned);
        let some = Allowance::parse(&entries).unwrap();
        for host in ["10.1.2.3", "192.168.7.7", "127.0.0.1:9001"] {
            assert!(!refused(&some, host), "{host}");
        }
        for host in ["10.2.0.1", "192.168.7.8", "127.0.0.1:9002", "127.0.0.1"] {
            assert!(refused(&some, host), "{host}");
        }
        assert!(some.allows("ads.internal", 8080, "10.9.9.9".parse().unwrap()));
        assert!(!some.allows("ads.internal", 8081, "10.9.9.9".parse().unwrap()));
        for text in ["ads.internal", "10.0.0.0/99", "", "http://x:1"] {
            assert!(Allowance::parse(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
