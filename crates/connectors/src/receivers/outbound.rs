//! Where calls may go: an address that somebody else can choose must not lead into the house.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Failed;

/// Which addresses of our own may be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// What is reached over the internet.
    Public,
    /// Also this machine and private networks, because the configuration says so.
    Private,
}

/// Resolves a name once and checks every address; the call then goes to these and nowhere else.
pub async fn resolve(host: &str, port: u16, reach: Reach) -> Result<Vec<SocketAddr>, Failed> {
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| Failed::again(format!("`{host}` cannot be resolved: {error}")))?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() {
        return Err(Failed::again(format!("`{host}` has no address")));
    }
    // One bad address among good ones is a name that somebody plays with.
    match found.iter().find_map(|one| refused(one.ip(), reach)) {
        Some(why) => Err(Failed::again(format!("`{host}` leads to {why}, and is not called"))),
        None => Ok(found),
    }
}

/// Why an address is not called, if so.
pub fn refused(address: IpAddr, reach: Reach) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => refused_v4(address, reach),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => refused_v4(inner, reach),
            None => refused_v6(address, reach),
        },
    }
}

/// An IPv4 address in the clothes of an IPv6 one: mapped, compatible, NAT64 or 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(w, x, y, z)
    };
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some(v4(high, low)),
        // `::` and `::1` are no IPv4 addresses.
        [0, 0, 0, 0, 0, 0] if high != 0 || low > 1 => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

fn refused_v4(address: Ipv4Addr, reach: Reach) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    if a == 0 {
        return Some("an unspecified address");
    }
    if address.is_link_local() {
        return Some("a link-local address");
    }
    if address.is_multicast() || a >= 240 {
        return Some("a multicast or reserved address");
    }
    if (a, b, c) == (192, 0, 0) || (a == 198 && (b & 0xfe) == 18) {
        return Some("a reserved address");
    }
    let private = if address.is_loopback() {
        "this machine"
    } else if address.is_private() {
        "a private network"
    } else if a == 100 && (64..128).contains(&b) {
        "a shared network of a provider"
    } else {
        return None;
    };
    (reach == Reach::Public).then_some(private)
}

fn refused_v6(address: Ipv6Addr, reach: Reach) -> Option<&'static str> {
    let [first, ..] = address.segments();
    if address.is_unspecified() {
        return Some("an unspecified address");
    }
    if (first & 0xffc0) == 0xfe80 {
        return Some("a link-local address");
    }
    if address.is_multicast() {
        return Some("a multicast or reserved address");
    }
    let private = if address.is_loopback() {
        "this machine"
    } else if (first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfec0 {
        "a private network"
    } else if (first & 0xe000) == 0x2000 {
        return None;
    } else {
        return Some("an address that is not routed");
    };
    (reach == Reach::Public).then_some(private)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_of_our_own_is_called_unless_it_is_said() {
        let check = |address: &str, public: bool, private: bool| {
            let ip: IpAddr = address.parse().expect("an address");
            assert_eq!(refused(ip, Reach::Public).is_none(), public, "{address}");
            assert_eq!(refused(ip, Reach::Private).is_none(), private, "{address}");
        };
        for open in ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::9.9.9.9"] {
            check(open, true, true);
        }
        for own in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fd00::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
        ] {
            check(own, false, true);
        }
        for never in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:169.254.169.254",
            "2002:a9fe:a9fe::",
            "100::1",
        ] {
            check(never, false, false);
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_refused() {
        let failed = resolve("localhost", 80, Reach::Public).await.expect_err("localhost");
        assert!(failed.why.contains("leads to this machine"), "{failed}");
        assert!(resolve("localhost", 80, Reach::Private).await.is_ok());
    }
}
