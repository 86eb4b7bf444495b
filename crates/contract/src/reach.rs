//! Which addresses a call may lead to when somebody other than the operator chose them. Addresses inside (loopback,
//! private, link-local with the metadata services of clouds, and everything else that is not a unicast address of the
//! public Internet) are refused unless the operator allows them. Pure: names are resolved elsewhere, and every
//! address that a name resolves to is asked about here (IANA's special-purpose registries, RFC 6890).

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where calls may lead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Reach {
    /// `None`: anywhere.
    allowed: Option<Vec<IpNet>>,
}

/// An entry of `allowAddresses` that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address: write an IP address, a CIDR block such as 10.1.0.0/16, `loopback` or `private`")]
pub struct NoAddress(pub String);

/// An address that may not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside(pub IpAddr);

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a public address ({})", self.0, kind(self.0).unwrap_or("public"))
    }
}

impl std::error::Error for Inside {}

/// Blocks that stand behind the word `private`: RFC 1918, RFC 6598 and RFC 4193.
const PRIVATE: [IpNet; 5] = [
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([100, 64, 0, 0], 10),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7)),
];
/// Blocks that stand behind the word `loopback`.
const LOOPBACK: [IpNet; 2] = [v4([127, 0, 0, 0], 8), IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128))];

const fn v4(octets: [u8; 4], length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]), length))
}

/// What an entry of `allowAddresses` stands for.
pub fn blocks(entry: &str) -> Result<Vec<IpNet>, NoAddress> {
    match entry {
        "loopback" => Ok(LOOPBACK.to_vec()),
        "private" => Ok(PRIVATE.to_vec()),
        _ => match (entry.parse::<IpNet>(), entry.parse::<IpAddr>()) {
            (Ok(block), _) => Ok(vec![block]),
            (_, Ok(address)) => Ok(vec![address.into()]),
            _ => Err(NoAddress(entry.to_owned())),
        },
    }
}

/// `anywhere`, or `public` and what is allowed beside it.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(allowed) = &self.allowed else { return f.write_str("anywhere") };
        f.write_str("public")?;
        allowed.iter().try_for_each(|block| write!(f, ",{block}"))
    }
}

impl Reach {
    /// Anywhere: the operator chose the target.
    pub const ANYWHERE: Self = Self { allowed: None };

    /// Public addresses, and those in these blocks. An entry that can't be read allows nothing.
    pub fn public_and<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        Self { allowed: Some(entries.into_iter().filter_map(|entry| blocks(entry).ok()).flatten().collect()) }
    }

    /// Nothing is refused.
    pub fn is_anywhere(&self) -> bool {
        self.allowed.is_none()
    }

    /// May this address be called?
    pub fn check(&self, address: IpAddr) -> Result<(), Inside> {
        let Some(allowed) = &self.allowed else { return Ok(()) };
        let plain = address.to_canonical();
        if kind(address).is_none() || allowed.iter().any(|block| block.contains(&plain)) {
            return Ok(());
        }
        Err(Inside(address))
    }

    /// The same for the host of a URL, when it is an address and no name.
    pub fn check_host(&self, host: &str) -> Result<(), Inside> {
        match host.trim_matches(['[', ']']).parse() {
            Ok(address) => self.check(address),
            Err(_) => Ok(()),
        }
    }
}

/// What kind of address it is; `None` for unicast addresses of the public Internet.
fn kind(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [127, ..] => "loopback",
        [169, 254, ..] => "link-local, where clouds keep their metadata services",
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => "private",
        // This network; protocol assignments; documentation; 6to4 relays; benchmarks; multicast and reserved.
        [0, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => "special purpose",
        _ => return None,
    })
}

fn kind_of_v6(address: Ipv6Addr) -> Option<&'static str> {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        kind_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        // IPv4 in IPv6 clothes: mapped, NAT64 and 6to4 lead to the address inside them.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, ..] => Some("special purpose"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Some("private"),
        // Documentation, and Teredo, whose packets end wherever their sender said.
        [0x2001, 0xdb8 | 0, ..] => Some("special purpose"),
        // Only 2000::/3 is given out.
        [0x2000..=0x3fff, ..] => None,
        _ => Some("special purpose"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn may(reach: &Reach, address: &str) -> bool {
        reach.check(address.parse().expect("an address")).is_ok()
    }

    /// Issue 5, point 7: every way to write an address inside.
    #[test]
    fn nothing_inside_is_reached_unless_it_is_allowed() {
        let reach = Reach::public_and([]);
        for inside in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:0:1::",
            "::127.0.0.1",
            "2001:db8::1",
        ] {
            assert!(!may(&reach, inside), "{inside}");
            assert!(may(&Reach::ANYWHERE, inside), "{inside}");
        }
        for public in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
        {
            assert!(may(&reach, public), "{public}");
        }
    }

    #[test]
    fn what_is_allowed_is_reached_and_nothing_beside_it() {
        for (entry, reached, refused) in [
            ("loopback", "127.0.0.1", "10.0.0.1"),
            ("loopback", "::1", "169.254.169.254"),
            ("private", "10.0.0.1", "127.0.0.1"),
            ("private", "fd00::1", "fe80::1"),
            ("10.1.0.0/16", "10.1.2.3", "10.2.0.1"),
            ("10.1.0.0/16", "::ffff:10.1.2.3", "::ffff:10.2.0.1"),
            ("169.254.169.254", "169.254.169.254", "169.254.169.253"),
        ] {
            let reach = Reach::public_and([entry]);
            assert!(may(&reach, reached), "{entry} {reached}");
            assert!(!may(&reach, refused), "{entry} {refused}");
        }
        assert!(blocks("10.0.0.0/33").is_err() && blocks("localhost").is_err() && blocks("").is_err());
        assert!(!may(&Reach::public_and(["nonsense"]), "10.0.0.1"));
    }

    #[test]
    fn hosts_that_are_addresses_are_checked_and_names_are_left_to_resolution() {
        let reach = Reach::public_and([]);
        assert!(reach.check_host("[::1]").is_err() && reach.check_host("127.0.0.1").is_err());
        assert!(reach.check_host("api.example.com").is_ok() && reach.check_host("1.1.1.1").is_ok());
    }

    proptest! {
        /// However an IPv4 address is dressed up, it is what it is.
        #[test]
        fn ipv4_in_ipv6_clothes_is_judged_alike(bits: u32) {
            let reach = Reach::public_and([]);
            let plain = Ipv4Addr::from_bits(bits);
            let is_public = reach.check(plain.into()).is_ok();
            let [a, b, c, d] = plain.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            for dressed in [
                plain.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 0),
            ] {
                prop_assert_eq!(reach.check(dressed.into()).is_ok(), is_public, "{} {}", plain, dressed);
            }
        }
    }
}
