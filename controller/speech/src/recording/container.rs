//! What a file is by its first bytes, and whether its end is there.
//!
//! A container's own headers are trusted for neither: the reader behind this takes a cut-off Ogg file for a shorter
//! one, and a streamed WAV (whose length was never filled in) for one of 13 hours.

use super::webm;

/// Whether the end of a file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its last part is whole.
    There,
    /// The bytes stop within a part, or before one that has to come.
    Missing,
    /// The structure doesn't tell.
    Unclear,
}

/// What the structure of a file tells before anything is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) end: End,
    /// It can be seen that there is a head and nothing behind it.
    pub(super) is_empty: bool,
    /// The sound lasts at least so long, where that can be seen.
    pub(super) at_least_ms: u64,
}

/// Kinds of file that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Wav,
    Mp3,
    Flac,
    Ogg,
    Mp4,
    Adts,
    WebM,
}

impl Container {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let after_tag = skip_id3(bytes);
        match bytes {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Self::Wav),
            [b'O', b'g', b'g', b'S', ..] => Some(Self::Ogg),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Self::Mp4),
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Some(Self::WebM),
            _ => match after_tag {
                [b'f', b'L', b'a', b'C', ..] => Some(Self::Flac),
                // MPEG audio sync: layer 0 is ADTS (AAC), the others are MP1 to MP3.
                [0xff, second, ..] if second & 0xf6 == 0xf0 => Some(Self::Adts),
                [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => Some(Self::Mp3),
                // A tag and then padding: the probe will tell.
                _ if bytes.starts_with(b"ID3") => Some(Self::Mp3),
                _ => None,
            },
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Wav => "WAV",
            Self::Mp3 => "MP3",
            Self::Flac => "FLAC",
            Self::Ogg => "Ogg",
            Self::Mp4 => "M4A",
            Self::Adts => "AAC",
            Self::WebM => "WebM",
        }
    }

    pub(super) fn outline(self, bytes: &[u8]) -> Outline {
        let end = match self {
            Self::Ogg => ogg_end(bytes),
            Self::Mp4 => mp4_end(bytes),
            Self::WebM => return webm::outline(bytes),
            // These state a number of frames, which is compared with what was decoded.
            Self::Wav | Self::Flac | Self::Mp3 | Self::Adts => End::Unclear,
        };
        Outline { end, is_empty: false, at_least_ms: 0 }
    }
}

fn skip_id3(bytes: &[u8]) -> &[u8] {
    let Some((header, _)) = bytes.split_first_chunk::<10>() else { return bytes };
    if !header.starts_with(b"ID3") {
        return bytes;
    }
    // Four bytes of seven bits.
    let size = header[6..].iter().fold(0_usize, |size, byte| (size << 7) | usize::from(byte & 0x7f));
    bytes.get(10 + size..).unwrap_or_default()
}

/// Walks the pages: the last one must be complete and say that it is the last (RFC 3533).
fn ogg_end(bytes: &[u8]) -> End {
    const LAST_PAGE: u8 = 0x04;
    let mut rest = bytes;
    let mut last = false;
    while rest.starts_with(b"OggS") {
        let (Some(&flags), Some(&segments)) = (rest.get(5), rest.get(26)) else { return End::Missing };
        let Some(lacing) = rest.get(27..27 + usize::from(segments)) else { return End::Missing };
        let length = 27 + lacing.len() + lacing.iter().map(|&byte| usize::from(byte)).sum::<usize>();
        let Some(next) = rest.get(length..) else { return End::Missing };
        last = flags & LAST_PAGE != 0;
        rest = next;
    }
    if last { End::There } else { End::Missing }
}

/// Walks the boxes (ISO/IEC 14496-12): each must fit, and the index (`moov`) must be among them; recorders write it
/// last. A file in fragments has it first, and behind each fragment's own index (`moof`) its sound.
fn mp4_end(bytes: &[u8]) -> End {
    let mut rest = bytes;
    let (mut has_index, mut sound_is_due) = (false, false);
    while let Some((header, _)) = rest.split_first_chunk::<8>() {
        let length = match u32::from_be_bytes([header[0], header[1], header[2], header[3]]) {
            // To the end of the file.
            0 => rest.len() as u64,
            // The length stands behind the name.
            1 => match rest.get(8..16).and_then(|long| <[u8; 8]>::try_from(long).ok()) {
                Some(long) => u64::from_be_bytes(long),
                None => return End::Missing,
            },
            length => u64::from(length),
        };
        let next =
            usize::try_from(length).ok().filter(|length| *length >= 8).and_then(|length| rest.get(length..));
        match &header[4..] {
            b"moov" => has_index = true,
            b"moof" => sound_is_due = true,
            b"mdat" => sound_is_due = false,
            _ => {}
        }
        let Some(next) = next else { return End::Missing };
        rest = next;
    }
    // The index may still point beyond the end.
    if has_index && !sound_is_due { End::Unclear } else { End::Missing }
}

/// Fills in the length of a WAV file that was streamed, so that its real length is read: a writer to a pipe leaves
/// zero, or the largest number that it knows.
pub(super) fn mend_streamed_lengths(bytes: &mut [u8]) {
    const NEVER_FILLED_IN: u32 = 0x7fff_0000;
    if Container::of(bytes) != Some(Container::Wav) {
        return;
    }
    let mut at = 12;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        if header.starts_with(b"data") {
            let real = bytes.len() - at - 8;
            if length == 0 || length >= NEVER_FILLED_IN {
                let real = u32::try_from(real & !1).unwrap_or(u32::MAX);
                bytes[at + 4..at + 8].copy_from_slice(&real.to_le_bytes());
                let whole = u32::try_from(bytes.len() - 8).unwrap_or(u32::MAX);
                bytes[4..8].copy_from_slice(&whole.to_le_bytes());
            }
            return;
        }
        let length = length as usize;
        at = at.saturating_add(8).saturating_add(length).saturating_add(length & 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        assert_eq!(Container::of(b"RIFF\0\0\0\0WAVEfmt "), Some(Container::Wav));
        assert_eq!(Container::of(b"ID3\x04\0\0\0\0\0\x02xxfLaC"), Some(Container::Flac));
        assert_eq!(Container::of(&[0xff, 0xfb, 0x90]), Some(Container::Mp3));
        assert_eq!(Container::of(&[0xff, 0xf1, 0x50]), Some(Container::Adts));
        assert_eq!(Container::of(b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81"), Some(Container::WebM));
        assert_eq!(Container::of(b"%PDF-1.7 and so on"), None);
        assert_eq!(Container::of(b"\x89PNG\r\n\x1a\n"), None);
        assert_eq!(Container::of(b"\xff\xd8\xff\xe0 a JPEG"), None);
        assert_eq!(Container::of(b"RIFF\0\0\0\0WEBPVP8 "), None);
    }

    #[test]
    fn a_streamed_wav_gets_its_real_length() {
        let mut bytes = b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff1234567".to_vec();
        mend_streamed_lengths(&mut bytes);
        assert_eq!(bytes[16..20], 6_u32.to_le_bytes());
        let honest = b"RIFF\0\0\0\0WAVEdata\x09\0\0\0abc".to_vec();
        let mut untouched = honest.clone();
        mend_streamed_lengths(&mut untouched);
        assert_eq!(untouched, honest, "a length that is merely too great means a cut-off file");
    }
}
