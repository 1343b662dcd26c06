//! WebM by its structure (RFC 8794, RFC 9559): whether the end is there, and how long it lasts.
//!
//! A browser that records cannot go back and fill in how large its segment and its clusters became: they are "of unknown
//! size", and reach as far as the file does. Whether the end is missing shows at the last element alone: it is there or it
//! isn't. How long the sound lasts is written nowhere; what is written is the time of each cluster.

use super::container::{End, Outline};

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x002a_d7b1;
const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;

/// Nanoseconds of a tick where the file doesn't say.
const USUAL_SCALE_NS: u64 = 1_000_000;

/// An element's header.
struct Element {
    id: u32,
    /// Where its content begins.
    content: usize,
    /// Where it ends; `None` where the writer did not know.
    end: Option<usize>,
}

/// Why there is no element at a place.
enum NoElement {
    /// The bytes end within its header.
    CutOff,
    /// No header begins so.
    Unreadable,
}

/// Walks the elements. Those that hold clusters and their times are entered, the others are passed over.
pub(super) fn outline(bytes: &[u8]) -> Outline {
    let (mut at, mut scale_ns, mut is_empty) = (0, USUAL_SCALE_NS, true);
    let mut times: Option<(u64, u64)> = None;
    let end = loop {
        if at == bytes.len() {
            break End::There;
        }
        let element = match element(bytes, at) {
            Ok(element) => element,
            Err(NoElement::CutOff) => break End::Missing,
            Err(NoElement::Unreadable) => break End::Unclear,
        };
        let Element { id, content, end } = element;
        if end.is_some_and(|end| end > bytes.len()) {
            break End::Missing;
        }
        let value = || number(&bytes[content..end?]);
        match id {
            SIMPLE_BLOCK | BLOCK_GROUP => is_empty = false,
            TIMESTAMP_SCALE => scale_ns = value().unwrap_or(USUAL_SCALE_NS),
            TIMESTAMP => {
                if let Some(time) = value() {
                    let (first, last) = times.unwrap_or((time, time));
                    times = Some((first.min(time), last.max(time)));
                }
            }
            _ => {}
        }
        at = match (id, end) {
            (SEGMENT | INFO | CLUSTER, _) => content,
            (_, Some(end)) => end,
            (_, None) => break End::Unclear,
        };
    };
    let span = times.map_or(0, |(first, last)| last - first);
    Outline { end, is_empty, at_least_ms: span.saturating_mul(scale_ns) / 1_000_000 }
}

fn element(bytes: &[u8], at: usize) -> Result<Element, NoElement> {
    let (id, id_length) = vint(&bytes[at..], 4)?;
    let (size, size_length) = vint(&bytes[at + id_length..], 8)?;
    let content = at + id_length + size_length;
    // Of the size's own bits the marker is none; all others set means that it's unknown.
    let bits = (1_u64 << (7 * size_length)) - 1;
    let size = size & bits;
    let end = (size != bits).then(|| usize::try_from(size).unwrap_or(usize::MAX).saturating_add(content));
    Ok(Element { id: u32::try_from(id).map_err(|_| NoElement::Unreadable)?, content, end })
}

/// A number whose first byte tells its length by its leading zeros, with that mark left in it, and the length.
fn vint(bytes: &[u8], longest: usize) -> Result<(u64, usize), NoElement> {
    let first = bytes.first().ok_or(NoElement::CutOff)?;
    let length = first.leading_zeros() as usize + 1;
    if length > longest {
        return Err(NoElement::Unreadable);
    }
    let bytes = bytes.get(..length).ok_or(NoElement::CutOff)?;
    Ok((bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)), length))
}

/// An unsigned number of up to eight bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"\x1a\x45\xdf\xa3\x84\x42\x82\x81x";
    const UNKNOWN: &[u8] = b"\x01\xff\xff\xff\xff\xff\xff\xff";

    /// A file as browsers write it, with a block at each of the times.
    fn streamed(times_ms: &[u16]) -> Vec<u8> {
        let mut bytes = [HEAD, b"\x18\x53\x80\x67", UNKNOWN].concat();
        for time in times_ms {
            bytes.extend([b"\x1f\x43\xb6\x75", UNKNOWN, b"\xe7\x82"].concat());
            bytes.extend(time.to_be_bytes());
            bytes.extend(b"\xa3\x86\x81\0\0\x80..");
        }
        bytes
    }

    #[test]
    fn an_end_of_unknown_size_is_there_when_the_last_element_is() {
        let bytes = streamed(&[40, 10_040, 20_040]);
        assert_eq!(outline(&bytes), Outline { end: End::There, is_empty: false, at_least_ms: 20_000 });
        for cut in 1..7 {
            assert_eq!(outline(&bytes[..bytes.len() - cut]).end, End::Missing, "{cut} bytes less");
        }
    }

    #[test]
    fn a_known_size_that_is_not_filled_is_a_missing_end() {
        let segment = b"\x18\x53\x80\x67\x88\xec\x83abc\xec\x81d";
        let whole = [HEAD, segment].concat();
        assert_eq!(outline(&whole), Outline { end: End::There, is_empty: true, at_least_ms: 0 });
        // Behind the first of its two elements, and at every other place.
        for cut in 1..8 {
            assert_eq!(outline(&whole[..whole.len() - cut]).end, End::Missing, "{cut} bytes less");
        }
    }

    #[test]
    fn bytes_that_are_no_elements_leave_the_verdict_to_the_reader() {
        assert_eq!(outline(&[HEAD, &[0; 40]].concat()).end, End::Unclear);
        assert_eq!(outline(&[HEAD, b"\xec\xff...."].concat()).end, End::Unclear);
    }

    #[test]
    fn times_count_in_the_files_own_ticks() {
        let scale = [b"\x15\x49\xa9\x66\x87\x2a\xd7\xb1\x83".as_slice(), &[0x98, 0x96, 0x80]].concat();
        let mut bytes = streamed(&[0, 500]);
        let at = HEAD.len() + 12;
        bytes.splice(at..at, scale);
        assert_eq!(outline(&bytes).at_least_ms, 5_000, "ticks of 10 ms");
    }
}
