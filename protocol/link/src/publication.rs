//! A message to send, and the rules that a topic or filter must keep before the codec sees it.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Publish, PublishProperties};

/// Longest topic, filter, user name or will that MQTT can carry (a 16-bit length), in bytes.
pub(crate) const MAX_FIELD_BYTES: usize = u16::MAX as usize;

/// Delivery level between a client and its broker. QoS 2 does not exist here: its guarantee ends at the broker, its
/// state is lost with the broker's, and messages carry their own id for idempotency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qos {
    /// QoS 0: sent once, never acknowledged.
    AtMostOnce,
    /// QoS 1: acknowledged by the broker; may arrive more than once.
    AtLeastOnce,
}

impl From<Qos> for QoS {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => Self::AtMostOnce,
            Qos::AtLeastOnce => Self::AtLeastOnce,
        }
    }
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Topic name: not empty, at most 65,535 bytes, without `+`, `#` and NUL.
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// Level.
    pub qos: Qos,
    /// Whether the broker keeps it for those who subscribe later. An empty payload deletes what it keeps.
    pub retain: bool,
    /// After how long the broker drops it if it could not be delivered. Whole seconds on the wire, rounded up;
    /// `None` = never.
    pub expiry: Option<Duration>,
    /// Number of the caller's choice, given back in `Acked`, `Rejected` and `Disconnected::unacked`. Unused at QoS 0.
    pub token: u64,
}

impl Publication {
    /// A QoS 1 publication, not retained, that does not expire.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>, token: u64) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            qos: Qos::AtLeastOnce,
            retain: false,
            expiry: None,
            token,
        }
    }

    /// As a packet, still without packet id.
    pub(crate) fn into_packet(self) -> Publish {
        let properties = self.expiry.map(|expiry| PublishProperties {
            message_expiry_interval: Some(whole_seconds(expiry)),
            ..PublishProperties::default()
        });
        Publish {
            dup: false,
            qos: self.qos.into(),
            retain: self.retain,
            topic: Bytes::from(self.topic),
            pkid: 0,
            payload: self.payload,
            properties,
        }
    }
}

/// Seconds for a 32-bit field, rounded up so that a short life does not become none.
pub(crate) fn whole_seconds(duration: Duration) -> u32 {
    let rounded_up = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    u32::try_from(rounded_up).unwrap_or(u32::MAX)
}

/// Whether a broker must accept `topic` as the name of a publication (MQTT 5, section 4.7).
pub(crate) fn valid_topic(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= MAX_FIELD_BYTES && !topic.contains(['+', '#', '\0'])
}

/// Whether a broker must accept `filter` in a subscription (MQTT 5, section 4.7).
pub(crate) fn valid_filter(filter: &str) -> bool {
    let levels = filter.split('/').count();
    !filter.is_empty()
        && filter.len() <= MAX_FIELD_BYTES
        && !filter.contains('\0')
        && filter.split('/').enumerate().all(|(index, level)| match level {
            "+" => true,
            "#" => index + 1 == levels,
            other => !other.contains(['+', '#']),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_checked() {
        for (topic, valid) in [
            ("loa/1/demo/u/n1/pres", true),
            ("/", true),
            ("", false),
            ("loa/+/x", false),
            ("loa/#", false),
            ("loa\0x", false),
        ] {
            assert_eq!(valid_topic(topic), valid, "{topic:?}");
        }
        assert!(!valid_topic(&"x".repeat(65_536)));
        assert!(valid_topic(&"x".repeat(65_535)));
    }

    #[test]
    fn filters_are_checked() {
        for (filter, valid) in [
            ("#", true),
            ("loa/1/demo/u/+/pres", true),
            ("loa/#", true),
            ("", false),
            ("loa/#/x", false),
            ("loa/a+/x", false),
            ("loa/a#", false),
            ("loa/\0", false),
        ] {
            assert_eq!(valid_filter(filter), valid, "{filter:?}");
        }
    }

    #[test]
    fn a_short_life_is_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(60)), 60);
        assert_eq!(whole_seconds(Duration::from_millis(60_001)), 61);
        assert_eq!(whole_seconds(Duration::MAX), u32::MAX);
    }
}
