//! Where requests may go: host names and addresses, checked after names are resolved and on every redirect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Rules for the addresses that requests may go to.
///
/// Link-local addresses (the metadata services of clouds) are denied unless [`HttpPolicy::link_local`] is set. A proxy
/// resolves names itself: behind one, only host names and literal addresses are checked.
#[derive(Clone, Default, Debug)]
pub struct HttpPolicy {
    allowed_hosts: Vec<String>,
    denied_networks: Vec<IpNet>,
    /// Whether link-local addresses are allowed.
    pub link_local: bool,
}

/// A text that is no network.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} is no network; write one such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork {
    /// The text.
    pub text: String,
}

/// A request went where it may not go.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{host} is not allowed: {rule}")]
pub struct NetworkDenied {
    /// Host name or address.
    pub host: String,
    /// The rule that forbids it.
    pub rule: String,
}

impl HttpPolicy {
    /// Rules from settings.
    ///
    /// `allowed_hosts`: the only hosts that may be named, `*.example.org` for all below; empty allows all.
    /// `denied_networks`: networks such as `10.0.0.0/8`, or single addresses.
    ///
    /// # Errors
    /// A network that cannot be read.
    pub fn new(allowed_hosts: Vec<String>, denied_networks: &[String]) -> Result<Self, InvalidNetwork> {
        let denied_networks = denied_networks.iter().map(|text| network(text)).collect::<Result<_, _>>()?;
        let allowed_hosts = allowed_hosts.into_iter().map(|host| host.to_lowercase()).collect();
        Ok(Self { allowed_hosts, denied_networks, link_local: false })
    }

    /// Checks the host of a URL: its name, and its address if it is written as one.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn check_url(&self, url: &Url) -> Result<(), NetworkDenied> {
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_lowercase();
        if !self.allowed_hosts.is_empty() && !self.allowed_hosts.iter().any(|allowed| matches(allowed, &host))
        {
            return Err(NetworkDenied { host, rule: "it is not among http.allowed_hosts".into() });
        }
        match url.host() {
            Some(Host::Ipv4(address)) => self.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.check_address(address.into()),
            _ => Ok(()),
        }
    }

    /// Checks an address.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn check_address(&self, address: IpAddr) -> Result<(), NetworkDenied> {
        let real = embedded_v4(address).map_or(address, IpAddr::V4);
        let denied = |rule: String| Err(NetworkDenied { host: address.to_string(), rule });
        if !self.link_local && (is_link_local(real) || is_link_local(address)) {
            return denied("link-local addresses are refused".into());
        }
        match self
            .denied_networks
            .iter()
            .find(|network| network.contains(&real) || network.contains(&address))
        {
            Some(network) => denied(format!("it is in {network} of http.denied_networks")),
            None => Ok(()),
        }
    }
}

/// Resolves names with the system, keeping only the addresses that a policy allows.
pub(super) struct GuardedResolver(pub Arc<HttpPolicy>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(allowed(&policy, name.as_str(), found)?.into_iter()) as Addrs)
        })
    }
}

fn allowed(
    policy: &HttpPolicy,
    name: &str,
    found: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, NetworkDenied> {
    let (mut kept, mut denied) = (Vec::new(), None);
    for address in found {
        match policy.check_address(address.ip()) {
            Ok(()) => kept.push(address),
            Err(why) => denied = Some(why),
        }
    }
    match denied {
        Some(why) if kept.is_empty() => {
            Err(NetworkDenied { host: format!("{name} ({})", why.host), rule: why.rule })
        }
        _ => Ok(kept),
    }
}

fn network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let wrong = |_| InvalidNetwork { text: text.into() };
    match text.trim().parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => text.trim().parse().map_err(wrong),
    }
}

fn matches(allowed: &str, host: &str) -> bool {
    match allowed.strip_prefix("*.") {
        Some(domain) => {
            host.strip_suffix(domain).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        }
        None => allowed == host,
    }
}

/// The IPv4 address inside an IPv6 one: mapped (`::ffff:a.b.c.d`), compatible (`::a.b.c.d`), NAT64 (`64:ff9b::a.b.c.d`).
fn embedded_v4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(last_four(v6)),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => Some(last_four(v6)),
        _ => None,
    }
}

fn last_four(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        // fd00:ec2::254 is where a cloud serves its metadata over IPv6
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(policy: &HttpPolicy, url: &str) -> bool {
        policy.check_url(&Url::parse(url).unwrap()).is_err()
    }

    #[test]
    fn link_local_addresses_are_refused_however_they_are_written() {
        let policy = HttpPolicy::default();
        for url in [
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "http://0xA9FEA9FE/",
            "http://169.254.43518/",
            "http://[fe80::1]/",
            "http://[febf::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[::169.254.169.254]/",
            "http://[64:ff9b::169.254.169.254]/",
            "http://[fd00:ec2::254]/",
        ] {
            assert!(denied(&policy, url), "{url}");
            assert!(!denied(&HttpPolicy { link_local: true, ..HttpPolicy::default() }, url), "{url}");
        }
        for url in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://10.0.0.1/",
            "http://example.org/",
            "http://[fd00::1]/",
        ] {
            assert!(!denied(&policy, url), "{url}");
        }
    }

    #[test]
    fn networks_and_hosts_restrict_further() {
        let hosts = vec!["API.example.org".to_owned(), "*.shop.test".into(), "10.1.2.3".into()];
        let policy =
            HttpPolicy::new(hosts, &["10.0.0.0/8".into(), "fd00::/8".into(), "192.0.2.7".into()]).unwrap();
        assert!(!denied(&policy, "http://api.example.org./x"));
        assert!(!denied(&policy, "http://eu.shop.test/x"));
        for url in ["http://example.org/", "http://shop.test/", "http://evilshop.test/", "http://10.1.2.3/"] {
            assert!(denied(&policy, url), "{url}");
        }
        for address in ["10.9.9.9", "::ffff:10.9.9.9", "fd12::1", "192.0.2.7"] {
            assert!(policy.check_address(address.parse().unwrap()).is_err(), "{address}");
        }
        assert!(policy.check_address("192.0.2.8".parse().unwrap()).is_ok());
        assert_eq!(HttpPolicy::new(vec![], &["10.0.0.0/40".into()]).unwrap_err().text, "10.0.0.0/40");
    }

    #[test]
    fn a_name_keeps_the_addresses_that_are_allowed() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let policy = HttpPolicy::default();
        let kept = allowed(&policy, "x.test", vec![at("169.254.1.1"), at("192.0.2.1")]).unwrap();
        assert_eq!(kept, [at("192.0.2.1")]);
        let error = allowed(&policy, "x.test", vec![at("169.254.1.1")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.test (169.254.1.1) is not allowed: link-local addresses are refused"
        );
    }
}
