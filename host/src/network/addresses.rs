//! Which IP addresses are on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Converts any IPv6 notation of an IPv4 address to the IPv4 address.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => embedded(six).map_or(address, IpAddr::V4),
    }
}

/// The IPv4 address inside `::ffff:a.b.c.d`, `::a.b.c.d`, NAT64 (`64:ff9b::/96`) and 6to4
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

/// Whether an address is on the public internet. Reserved, private and loopback addresses are not.
/// Neither are the metadata services of clouds, which are link-local (169.254.169.254), unique
/// local (fd00:ec2::254) or shared (100.100.100.200).
///
/// An IPv6 notation of an IPv4 address is treated as the IPv4 address.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match canonical(address) {
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
            // 2001::/23 is reserved for protocols and tests: Teredo (2001::/32), which carries an
            // IPv4 address, benchmarks (2001:2::/48), ORCHID (2001:10::/28, 2001:20::/28).
            let protocols = first == 0x2001 && second < 0x200;
            // Only 2000::/3 is allocated. Loopback, unspecified, local and multicast addresses, and
            // NAT64's own, are all outside it.
            (first & 0xe000) == 0x2000 && !documentation && !protocols
        }
    }
}
