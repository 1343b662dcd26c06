//! Opus packets to an Ogg stream (RFC 7845).

use ogg::{PacketWriteEndInfo, PacketWriter};
use sha2::{Digest, Sha256};

use super::encode::Packets;
use super::{OpusError, VENDOR};

/// A page a second: what is lost with a damaged page stays short.
const PACKETS_PER_PAGE: usize = 50;

pub(super) fn to_ogg(stream: &Packets) -> Result<Vec<u8>, OpusError> {
    let serial = serial(stream);
    let mut writer = PacketWriter::new(Vec::new());
    let mut write = |packet: Vec<u8>, end, granule| {
        writer.write_packet(packet, serial, end, granule).map_err(OpusError::Mux)
    };
    write(head(stream), PacketWriteEndInfo::EndPage, 0)?;
    write(tags(), PacketWriteEndInfo::EndPage, 0)?;
    let last = stream.packets.len() - 1;
    for (index, packet) in stream.packets.iter().enumerate() {
        let (end, granule) = if index == last {
            // The last page states the true end, which tells the decoder what to cut off.
            (PacketWriteEndInfo::EndStream, u64::from(stream.pre_skip) + stream.kept_granules)
        } else {
            let end = if (index + 1) % PACKETS_PER_PAGE == 0 {
                PacketWriteEndInfo::EndPage
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            (end, (index as u64 + 1) * stream.packet_granules)
        };
        write(packet.clone(), end, granule)?;
    }
    Ok(writer.into_inner())
}

/// The serial number names the stream by its content, so that the same sound is the same file.
fn serial(stream: &Packets) -> u32 {
    let mut hash = Sha256::new();
    for packet in &stream.packets {
        hash.update((packet.len() as u32).to_le_bytes());
        hash.update(packet);
    }
    let digest: [u8; 32] = hash.finalize().into();
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// RFC 7845 section 5.1.
fn head(stream: &Packets) -> Vec<u8> {
    let mut head = b"OpusHead".to_vec();
    head.extend([1, 1]);
    head.extend(stream.pre_skip.to_le_bytes());
    head.extend(stream.input_rate_hz.to_le_bytes());
    // No output gain, mapping family 0.
    head.extend([0, 0, 0]);
    head
}

/// RFC 7845 section 5.2, without comments.
fn tags() -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    tags.extend((VENDOR.len() as u32).to_le_bytes());
    tags.extend(VENDOR.as_bytes());
    tags.extend(0_u32.to_le_bytes());
    tags
}
