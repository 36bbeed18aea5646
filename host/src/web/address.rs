//! The client address of a request: the other end of its connection or, if that is a trusted proxy,
//! the address that the proxy reports.

use std::net::{IpAddr, SocketAddr};

use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// The header to which each proxy appends the address it forwards for.
const FORWARDED: &str = "x-forwarded-for";

/// Maximum entries examined, from the last one. Nobody has so many proxies of their own.
const MOST_PROXIES: usize = 16;

/// The remote address of a request's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Returns whether an address is in one of these networks.
pub(super) fn is_one_of(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

/// Returns the client address of a request, or `None` if it didn't arrive over a connection.
pub(super) fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = extensions.get::<Peer>()?.0.ip().to_canonical();
    Some(behind(peer, headers, trusted))
}

/// Follows the entries from last to first while the address that wrote them is trusted. Anyone
/// could have written the entries before that.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut address = peer;
    let lines: Vec<&str> = headers.get_all(FORWARDED).iter().filter_map(|line| line.to_str().ok()).collect();
    let entries = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for entry in entries.take(MOST_PROXIES) {
        if !is_one_of(trusted, address) {
            break;
        }
        match parsed(entry.trim()) {
            Some(before) => address = before,
            // A trusted proxy wrote something other than an address, so nothing is known beyond it.
            None => break,
        }
    }
    address
}

/// Parses an address with or without a port.
fn parsed(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse::<IpAddr>().or_else(|_| entry.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        behind(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], &["10.0.0.0/8"]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxy_says_whom_it_speaks_for_and_not_what_was_told_to_it() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"], &trusted), "198.51.100.7");
        assert_eq!(seen("::ffff:10.0.0.1", &["198.51.100.7"], &trusted), "198.51.100.7");
        // The caller wrote the first entry itself.
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, 198.51.100.7"], &trusted), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.0.0.2"], &trusted), "198.51.100.7");
        assert_eq!(seen("fd00::1", &["[2001:db8::7]:443"], &trusted), "2001:db8::7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7:50000"], &trusted), "198.51.100.7");
    }

    #[test]
    fn what_is_no_address_hides_nobody_behind_it() {
        for line in ["unknown", "", "198.51.100.7, unknown", "_hidden"] {
            assert_eq!(seen("10.0.0.1", &[line], &["10.0.0.0/8"]), "10.0.0.1", "{line}");
        }
        assert_eq!(seen("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
        let many = vec!["10.0.0.2"; 1_000].join(",");
        assert_eq!(seen("10.0.0.1", &[&format!("198.51.100.7,{many}")], &["10.0.0.0/8"]), "10.0.0.2");
    }
}
