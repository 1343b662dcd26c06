//! Where an address that an engine answered with may lead: to the Internet, or back to the engine.
//!
//! The controller stands in a network of its own, with a broker, routers and other people's machines in it, and fetches
//! what the answer of a far server names. So such an address has to be on the Internet, whatever name it goes by and
//! wherever it is redirected to; or on the host that the operator configured. It is https, or http where the operator
//! configured http.
//!
//! Names are looked at when they are resolved, by the very look-up that the connection uses: one that changes its mind
//! between check and connection gains nothing. Behind a proxy that the environment names, the proxy looks names up.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// An address that leads where it should not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address that is neither on the Internet nor the engine's own host")]
pub(super) struct Outside;

/// The operator's address, and what goes beyond it.
#[derive(Clone, Debug)]
pub(super) struct Reach(Arc<Own>);

#[derive(Debug)]
struct Own {
    scheme: String,
    /// The configured host, and the proxies that the system names.
    hosts: Vec<String>,
}

impl Reach {
    /// What the engine at this address may name.
    pub(super) fn of(base: &Url) -> Self {
        let own = base.host_str().map(str::to_owned);
        Self(Arc::new(Own {
            scheme: base.scheme().to_owned(),
            hosts: own.into_iter().chain(proxies()).collect(),
        }))
    }

    /// Whether an address may be fetched, as far as the address itself tells.
    pub(super) fn check(&self, url: &Url) -> Result<(), Outside> {
        let scheme = url.scheme() == "https" || url.scheme() == self.0.scheme;
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let reached = self.is_own(host) || literal.is_ok_and(is_public) || literal_is_name(host);
        if scheme && reached { Ok(()) } else { Err(Outside) }
    }

    fn is_own(&self, host: &str) -> bool {
        self.0.hosts.iter().any(|own| own == host)
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let own = self.is_own(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let usable: Vec<SocketAddr> = found.filter(|address| own || is_public(address.ip())).collect();
            if usable.is_empty() {
                return Err(Box::new(Outside) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// Whether a failure comes of an address that leads where it should not.
pub(super) fn is_outside(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<Outside>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// Whether a host is a name, which is looked at when it is resolved.
fn literal_is_name(host: &str) -> bool {
    !host.is_empty() && !host.starts_with('[') && host.parse::<Ipv4Addr>().is_err()
}

/// Hosts of the proxies in the variables that reqwest reads.
fn proxies() -> impl Iterator<Item = String> {
    const VARIABLES: [&str; 6] =
        ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    VARIABLES.into_iter().filter_map(|name| {
        let text = std::env::var(name).ok()?;
        let text = if text.contains("://") { text } else { format!("http://{text}") };
        Url::parse(&text).ok()?.host_str().map(str::to_owned)
    })
}

/// Whether an address is one of the Internet's: not of a private, local, shared, multicast, documentation or reserved
/// block (IANA's special-purpose registries, RFC 6890), nor an IPv6 dress of one.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // This network; shared by carriers (RFC 6598); protocol assignments; benchmarks; class E and broadcast.
        (0, ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _) | (240.., ..) => true,
        _ => false,
    };
    !(special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // IPv4-mapped, and translated by NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and other protocol assignments, and documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // The rest of what is given out for the Internet at large (2000::/3).
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_the_internet_or_back_to_the_engine() {
        let reach = Reach::of(&Url::parse("http://10.0.0.5:8000/tts").unwrap());
        for good in [
            "https://file01.fpt.ai/a.wav",
            "http://file01.fpt.ai/a.wav",
            "http://10.0.0.5:9000/a.wav",
            "https://8.8.8.8/a.wav",
            "https://[2606:4700::1111]/a.wav",
        ] {
            assert_eq!(reach.check(&Url::parse(good).unwrap()), Ok(()), "{good}");
        }
        for bad in [
            "http://127.0.0.1:1883/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://10.0.0.6/",
            "http://192.168.1.1/",
            "http://172.16.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://255.255.255.255/",
            "http://224.0.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[64:ff9b::a00:6]/",
            "http://[2002:a00:6::1]/",
            "ftp://file01.fpt.ai/a.wav",
        ] {
            assert_eq!(reach.check(&Url::parse(bad).unwrap()), Err(Outside), "{bad}");
        }
        let strict = Reach::of(&Url::parse("https://api.fpt.ai").unwrap());
        assert_eq!(strict.check(&Url::parse("http://file01.fpt.ai/a.wav").unwrap()), Err(Outside));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_resolved_unless_it_is_the_engines_own() {
        let resolved = async |base: &str| {
            let name = "localhost".parse().unwrap();
            Reach::of(&Url::parse(base).unwrap()).resolve(name).await.map(Iterator::count)
        };
        assert!(resolved("https://api.fpt.ai").await.unwrap_err().is::<Outside>());
        assert!(resolved("http://localhost:5000").await.unwrap() > 0);
    }
}
