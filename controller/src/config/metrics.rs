//! Where the figures for Prometheus are served.

use std::net::{Ipv4Addr, SocketAddr};

use loa_speech::Secret;
use serde::{Deserialize, Deserializer};

/// The figures.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Address and port to listen on, which serve `/metrics` and nothing else; empty: nowhere.
    #[serde(deserialize_with = "address_or_none")]
    pub listen: Option<SocketAddr>,
    /// What a reader must show as `Authorization: Bearer …`; empty: nothing, and then only this machine may reach `listen`.
    pub token: Secret,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464))), token: Secret::default() }
    }
}

fn address_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("{text:?} is no address and port")))
}
