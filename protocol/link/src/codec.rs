//! MQTT 5 packets to and from bytes, by the codec of rumqttc (`rumqttc::v5::mqttbytes`).
//!
//! The codec is used with four precautions, each found by reading it:
//! - inside a complete packet it can report "insufficient bytes" (a property length that runs over the end); a frame
//!   loop that takes this as "wait for more" would wait for ever, so here it is a malformed packet;
//! - it refuses a server's DISCONNECT without properties, two or three bytes long, which the standard allows (sections
//!   3.14.2.1 and 3.14.2.2.1), and writes one with a wrong length; such packets are read here, and the only one that
//!   is ever sent is the plain goodbye;
//! - it writes string lengths modulo 65536, so lengths are checked before (see [`crate::options`] and
//!   [`crate::publication`]);
//! - it sizes a QoS 1 PUBLISH without packet id two bytes short, so [`publish_size`] sets one.

use bytes::{Buf, BytesMut};
use rumqttc::v5::mqttbytes::v5::{Disconnect, DisconnectReasonCode, Packet, Publish, check};
use rumqttc::v5::mqttbytes::{Error, QoS};

use crate::event::DisconnectReason;

/// Takes the next packet off the front of `input`, or `None` until enough bytes are there.
///
/// A packet whose length field exceeds `max_bytes` is refused before its bytes are read. For a packet that is partly
/// there, room for the rest is reserved, at most `max_bytes`.
pub(crate) fn decode(input: &mut BytesMut, max_bytes: u32) -> Result<Option<Packet>, DisconnectReason> {
    match check(input.iter(), Some(max_bytes)) {
        Ok(_) => {}
        Err(Error::InsufficientBytes(missing)) => {
            input.reserve(missing);
            return Ok(None);
        }
        Err(error) => return Err(malformed(error)),
    }
    if let Some(disconnect) = short_disconnect(input)? {
        return Ok(Some(Packet::Disconnect(disconnect)));
    }
    Packet::read(input, Some(max_bytes)).map(Some).map_err(malformed)
}

/// Takes a DISCONNECT without properties off the front of `input`, which begins with a whole packet.
fn short_disconnect(input: &mut BytesMut) -> Result<Option<Disconnect>, DisconnectReason> {
    let (reason, bytes) = match input[..] {
        [0xE0, 0, ..] => (DisconnectReasonCode::NormalDisconnection, 2),
        [0xE0, 1, code, ..] => (DisconnectReasonCode::try_from(code).map_err(malformed)?, 3),
        _ => return Ok(None),
    };
    input.advance(bytes);
    Ok(Some(Disconnect::new(reason)))
}

/// Appends `packet` to `output`. An error means that the caller built a packet that cannot be expressed.
pub(crate) fn encode(packet: &Packet, output: &mut BytesMut) -> Result<(), DisconnectReason> {
    packet.write(output, None).map(|_| ()).map_err(malformed)
}

/// Bytes that `publish` takes on the wire (fixed header, topic, packet id, properties, payload).
pub(crate) fn publish_size(publish: &Publish) -> usize {
    if publish.qos == QoS::AtMostOnce || publish.pkid != 0 {
        return publish.size();
    }
    let mut sized = publish.clone();
    sized.pkid = 1;
    sized.size()
}

fn malformed(error: Error) -> DisconnectReason {
    DisconnectReason::Malformed(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rumqttc::v5::mqttbytes::v5::{PingResp, PublishProperties};

    #[test]
    fn a_packet_in_two_halves_arrives_once_whole() {
        let publish = Publish::new("a/b", QoS::AtMostOnce, vec![7_u8; 300], None);
        let mut wire = BytesMut::new();
        encode(&Packet::Publish(publish.clone()), &mut wire).unwrap();
        let mut input = BytesMut::from(&wire[..100]);
        assert_eq!(decode(&mut input, 1000).unwrap(), None);
        input.extend_from_slice(&wire[100..]);
        assert_eq!(decode(&mut input, 1000).unwrap(), Some(Packet::Publish(publish)));
        assert!(input.is_empty());
    }

    #[test]
    fn two_packets_in_one_read_come_out_one_by_one() {
        let mut input = BytesMut::from(&[0xD0, 0x00, 0xD0, 0x00][..]);
        assert_eq!(decode(&mut input, 10).unwrap(), Some(Packet::PingResp(PingResp)));
        assert_eq!(decode(&mut input, 10).unwrap(), Some(Packet::PingResp(PingResp)));
        assert_eq!(decode(&mut input, 10).unwrap(), None);
    }

    #[test]
    fn a_disconnect_may_be_two_three_or_more_bytes_long() {
        for (bytes, reason) in [
            (&[0xE0, 0x00][..], DisconnectReasonCode::NormalDisconnection),
            (&[0xE0, 0x01, 0x8E][..], DisconnectReasonCode::SessionTakenOver),
            (&[0xE0, 0x02, 0x8B, 0x00][..], DisconnectReasonCode::ServerShuttingDown),
        ] {
            let mut input = BytesMut::from(bytes);
            let expected = Packet::Disconnect(Disconnect::new(reason));
            assert_eq!(decode(&mut input, 10).unwrap(), Some(expected), "{bytes:?}");
            assert!(input.is_empty());
        }
    }

    #[test]
    fn a_length_field_over_the_limit_is_refused_before_the_bytes_come() {
        let mut input = BytesMut::from(&[0x30, 0xFF, 0xFF, 0x7F][..]);
        assert!(matches!(decode(&mut input, 1024), Err(DisconnectReason::Malformed(_))));
    }

    #[test]
    fn a_property_length_over_the_end_is_malformed_and_not_waited_for() {
        // PUBLISH QoS 0, topic "a", then a property length whose continuation byte is missing.
        let mut input = BytesMut::from(&[0x30, 0x04, 0x00, 0x01, b'a', 0x80][..]);
        assert!(matches!(decode(&mut input, 1024), Err(DisconnectReason::Malformed(_))));
    }

    #[test]
    fn the_size_of_a_publish_is_what_it_takes_on_the_wire() {
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
            let properties =
                PublishProperties { message_expiry_interval: Some(60), ..PublishProperties::default() };
            let mut publish = Publish::new("loa/1/t/x", qos, vec![0_u8; 200], Some(properties));
            let size = publish_size(&publish);
            publish.pkid = u16::from(qos == QoS::AtLeastOnce);
            let mut wire = BytesMut::new();
            encode(&Packet::Publish(publish), &mut wire).unwrap();
            assert_eq!(size, wire.len());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut input = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = decode(&mut input, 1024) {}
        }

        #[test]
        fn no_body_behind_a_right_header_makes_the_decoder_panic(
            first in any::<u8>(),
            body in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let mut input = BytesMut::from(&[first, u8::try_from(body.len()).unwrap()][..]);
            input.extend_from_slice(&body);
            prop_assert!(!matches!(decode(&mut input, 1024), Ok(None)), "a complete frame was waited for");
        }
    }
}
