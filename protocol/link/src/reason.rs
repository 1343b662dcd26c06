//! MQTT 5 reason codes (section 2.4 of the standard): one number space for CONNACK, PUBACK, SUBACK and DISCONNECT.
//!
//! A newtype over the byte rather than the codec's own enums, so that no type of the codec leaks into the API of this crate.

use std::fmt;

use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, DisconnectReasonCode, PubAckReason, SubscribeReasonCode, UnsubAckReason,
};

/// Why the broker refused or ended something: the code byte as the MQTT 5 standard defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReasonCode(pub u8);

impl ReasonCode {
    /// The broker gives no particular reason (for SUBACK in old brokers: plain failure).
    pub const UNSPECIFIED: Self = Self(0x80);
    /// The user name, password or certificate is not known.
    pub const BAD_CREDENTIALS: Self = Self(0x86);
    /// The broker's access rules do not allow it; what a revoked node sees.
    pub const NOT_AUTHORIZED: Self = Self(0x87);
    /// The client is banned by an administrator.
    pub const BANNED: Self = Self(0x8A);
    /// Another connection with the same client id took over.
    pub const SESSION_TAKEN_OVER: Self = Self(0x8E);
    /// A packet is larger than the receiver accepts.
    pub const PACKET_TOO_LARGE: Self = Self(0x95);
    /// A limit of the broker is reached.
    pub const QUOTA_EXCEEDED: Self = Self(0x97);

    fn name(self) -> Option<&'static str> {
        let name = match self.0 {
            0x00 => "success",
            0x04 => "disconnect with will message",
            0x10 => "no matching subscribers",
            0x11 => "no subscription existed",
            0x80 => "unspecified error",
            0x81 => "malformed packet",
            0x82 => "protocol error",
            0x83 => "implementation specific error",
            0x84 => "unsupported protocol version",
            0x85 => "client identifier not valid",
            0x86 => "bad user name or password",
            0x87 => "not authorized",
            0x88 => "server unavailable",
            0x89 => "server busy",
            0x8A => "banned",
            0x8B => "server shutting down",
            0x8C => "bad authentication method",
            0x8D => "keep alive timeout",
            0x8E => "session taken over",
            0x8F => "topic filter invalid",
            0x90 => "topic name invalid",
            0x91 => "packet identifier in use",
            0x93 => "receive maximum exceeded",
            0x94 => "topic alias invalid",
            0x95 => "packet too large",
            0x96 => "message rate too high",
            0x97 => "quota exceeded",
            0x98 => "administrative action",
            0x99 => "payload format invalid",
            0x9A => "retain not supported",
            0x9B => "QoS not supported",
            0x9C => "use another server",
            0x9D => "server moved",
            0x9E => "shared subscriptions not supported",
            0x9F => "connection rate exceeded",
            0xA0 => "maximum connect time",
            0xA1 => "subscription identifiers not supported",
            0xA2 => "wildcard subscriptions not supported",
            _ => return None,
        };
        Some(name)
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(formatter, "{name} (0x{:02X})", self.0),
            None => write!(formatter, "reason code 0x{:02X}", self.0),
        }
    }
}

impl From<ConnectReturnCode> for ReasonCode {
    fn from(code: ConnectReturnCode) -> Self {
        Self(match code {
            ConnectReturnCode::Success => 0x00,
            ConnectReturnCode::UnspecifiedError => 0x80,
            ConnectReturnCode::MalformedPacket => 0x81,
            ConnectReturnCode::ProtocolError => 0x82,
            ConnectReturnCode::ImplementationSpecificError => 0x83,
            ConnectReturnCode::RefusedProtocolVersion | ConnectReturnCode::UnsupportedProtocolVersion => 0x84,
            ConnectReturnCode::BadClientId | ConnectReturnCode::ClientIdentifierNotValid => 0x85,
            ConnectReturnCode::BadUserNamePassword => 0x86,
            ConnectReturnCode::NotAuthorized => 0x87,
            ConnectReturnCode::ServiceUnavailable | ConnectReturnCode::ServerUnavailable => 0x88,
            ConnectReturnCode::ServerBusy => 0x89,
            ConnectReturnCode::Banned => 0x8A,
            ConnectReturnCode::BadAuthenticationMethod => 0x8C,
            ConnectReturnCode::TopicNameInvalid => 0x90,
            ConnectReturnCode::PacketTooLarge => 0x95,
            ConnectReturnCode::QuotaExceeded => 0x97,
            ConnectReturnCode::PayloadFormatInvalid => 0x99,
            ConnectReturnCode::RetainNotSupported => 0x9A,
            ConnectReturnCode::QoSNotSupported => 0x9B,
            ConnectReturnCode::UseAnotherServer => 0x9C,
            ConnectReturnCode::ServerMoved => 0x9D,
            ConnectReturnCode::ConnectionRateExceeded => 0x9F,
        })
    }
}

impl From<DisconnectReasonCode> for ReasonCode {
    fn from(code: DisconnectReasonCode) -> Self {
        Self(code as u8)
    }
}

impl From<PubAckReason> for ReasonCode {
    fn from(reason: PubAckReason) -> Self {
        Self(match reason {
            PubAckReason::Success => 0x00,
            PubAckReason::NoMatchingSubscribers => 0x10,
            PubAckReason::UnspecifiedError => 0x80,
            PubAckReason::ImplementationSpecificError => 0x83,
            PubAckReason::NotAuthorized => 0x87,
            PubAckReason::TopicNameInvalid => 0x90,
            PubAckReason::PacketIdentifierInUse => 0x91,
            PubAckReason::QuotaExceeded => 0x97,
            PubAckReason::PayloadFormatInvalid => 0x99,
        })
    }
}

impl From<SubscribeReasonCode> for ReasonCode {
    fn from(reason: SubscribeReasonCode) -> Self {
        Self(match reason {
            SubscribeReasonCode::Success(qos) => qos as u8,
            SubscribeReasonCode::Failure | SubscribeReasonCode::Unspecified => 0x80,
            SubscribeReasonCode::ImplementationSpecific => 0x83,
            SubscribeReasonCode::NotAuthorized => 0x87,
            SubscribeReasonCode::TopicFilterInvalid => 0x8F,
            SubscribeReasonCode::PkidInUse => 0x91,
            SubscribeReasonCode::QuotaExceeded => 0x97,
            SubscribeReasonCode::SharedSubscriptionsNotSupported => 0x9E,
            SubscribeReasonCode::SubscriptionIdNotSupported => 0xA1,
            SubscribeReasonCode::WildcardSubscriptionsNotSupported => 0xA2,
        })
    }
}

impl From<UnsubAckReason> for ReasonCode {
    fn from(reason: UnsubAckReason) -> Self {
        Self(match reason {
            UnsubAckReason::Success => 0x00,
            UnsubAckReason::NoSubscriptionExisted => 0x11,
            UnsubAckReason::UnspecifiedError => 0x80,
            UnsubAckReason::ImplementationSpecificError => 0x83,
            UnsubAckReason::NotAuthorized => 0x87,
            UnsubAckReason::TopicFilterInvalid => 0x8F,
            UnsubAckReason::PacketIdentifierInUse => 0x91,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_name_of_the_standard_and_the_byte() {
        assert_eq!(ReasonCode::NOT_AUTHORIZED.to_string(), "not authorized (0x87)");
        assert_eq!(ReasonCode(0xEE).to_string(), "reason code 0xEE");
    }

    #[test]
    fn every_code_space_maps_not_authorized_to_the_same_byte() {
        let expected = ReasonCode::NOT_AUTHORIZED;
        assert_eq!(ReasonCode::from(ConnectReturnCode::NotAuthorized), expected);
        assert_eq!(ReasonCode::from(DisconnectReasonCode::NotAuthorized), expected);
        assert_eq!(ReasonCode::from(PubAckReason::NotAuthorized), expected);
        assert_eq!(ReasonCode::from(SubscribeReasonCode::NotAuthorized), expected);
        assert_eq!(ReasonCode::from(UnsubAckReason::NotAuthorized), expected);
    }
}
