//! What the operator sets: defaults < one TOML file < environment.
//!
//! One small struct for each concern composes into [`Config`]. Every key has a default, so an empty file is a
//! working configuration for one machine. A key that is not in [`keys::KEYS`] is refused with the nearest known
//! name: a misspelt setting must never be ignored in silence.
//!
//! In the environment a key is written in capitals after `LOA_`, with `_` for the dot: `http.public_url` is
//! `LOA_HTTP_PUBLIC_URL`.

mod broker;
mod clock;
mod database;
mod error;
mod http;
mod keys;
mod languages;
mod limits;
mod load;
mod metrics;
mod speech;
mod text;

use std::path::PathBuf;

use chrono_tz::Tz;
use loa_protocol::ids::TenantId;
use serde::Deserialize;

pub use broker::{BrokerConfig, BrokerMode};
pub use clock::{ClockConfig, ClockTrust};
pub use database::DatabaseConfig;
pub use error::ConfigError;
pub use http::HttpConfig;
pub use keys::{KEYS, Key, KeyKind};
pub use languages::LanguageConfig;
pub use limits::Limits;
pub use loa_speech::Secret;
pub use metrics::MetricsConfig;
pub use speech::{EMBEDDED, EngineConfig, EngineKind, Offered, OrderConfig, SpeechConfig, VoiceConfig};

use crate::domain::language::Languages;

/// The whole configuration of one controller.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the database (unless it is elsewhere), the audio objects and the keys. Made when absent.
    pub data_dir: PathBuf,
    /// The installation's name in MQTT topics: `loa/1/{tenant}/...`.
    #[serde(deserialize_with = "text::parsed")]
    pub tenant: TenantId,
    /// IANA time zone of areas that name none of their own.
    #[serde(deserialize_with = "text::parsed")]
    pub zone: Tz,
    /// Languages of broadcasts that the built-in table lacks.
    pub languages: Vec<LanguageConfig>,
    /// Where the rows are kept.
    pub database: DatabaseConfig,
    /// The pages and the API.
    pub http: HttpConfig,
    /// The MQTT broker, embedded or another.
    pub broker: BrokerConfig,
    /// This machine's clock.
    pub clock: ClockConfig,
    /// Figures for Prometheus.
    pub metrics: MetricsConfig,
    /// Making speech from text.
    pub speech: SpeechConfig,
    /// What staff may send at most, and how long things last.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("loa-data"),
            tenant: text::constant("loa"),
            zone: Tz::Asia__Ho_Chi_Minh,
            languages: Vec::new(),
            database: DatabaseConfig::default(),
            http: HttpConfig::default(),
            broker: BrokerConfig::default(),
            clock: ClockConfig::default(),
            metrics: MetricsConfig::default(),
            speech: SpeechConfig::default(),
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// The languages of broadcasts: the built-in table and what the operator added.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for an addition that cannot be used.
    pub fn listed_languages(&self) -> Result<Languages, ConfigError> {
        languages::listed(&self.languages).map_err(load::wrong)
    }
}
