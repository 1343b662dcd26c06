//! A WAV file as a speech engine streams it.
//!
//! Quirk: an engine that writes to a pipe can't know the length, so the sizes in its header are false
//! (espeak-ng: 2,147,479,552 bytes of data). What counts is what arrived.

/// 16-bit mono samples and their rate, or a sentence on what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<(Vec<f32>, u32), String> {
    if bytes.len() < 12 || &bytes[..4] != b"RIFF" || &bytes[8..12] != b"WAVE" {
        return Err(format!("{} bytes that are no WAV file", bytes.len()));
    }
    let mut rest = &bytes[12..];
    let mut sample_rate_hz = None;
    while let Some((header, body)) = rest.split_first_chunk::<8>() {
        let [i0, i1, i2, i3, l0, l1, l2, l3] = *header;
        let stated = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let length = stated.min(body.len());
        match &[i0, i1, i2, i3] {
            b"fmt " => sample_rate_hz = Some(format(&body[..length])?),
            b"data" => {
                let rate = sample_rate_hz.ok_or("a WAV file whose sound comes before its format")?;
                let samples = body[..length]
                    .chunks_exact(2)
                    .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
                    .collect();
                return Ok((samples, rate));
            }
            _ => {}
        }
        // Chunks start at even offsets.
        rest = body.get(length + (length & 1)..).unwrap_or_default();
    }
    Err("a WAV file without sound".to_owned())
}

fn format(chunk: &[u8]) -> Result<u32, String> {
    let Some((fields, _)) = chunk.split_first_chunk::<16>() else {
        return Err("a WAV file with a short format".to_owned());
    };
    let short = |at: usize| u16::from_le_bytes([fields[at], fields[at + 1]]);
    let (tag, channels, bits) = (short(0), short(2), short(14));
    if (tag, channels, bits) != (1, 1, 16) {
        return Err(format!(
            "a WAV file of format {tag} with {channels} channels and {bits} bits, not 16-bit mono"
        ));
    }
    Ok(u32::from_le_bytes([fields[4], fields[5], fields[6], fields[7]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wav(stated_len: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        bytes.extend(22_050_u32.to_le_bytes());
        bytes.extend(44_100_u32.to_le_bytes());
        bytes.extend([2, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(stated_len.to_le_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn a_false_length_is_not_believed() {
        let data = [0, 0x40, 0, 0xc0];
        for stated in [4, 0x7fff_f000, u32::MAX] {
            assert_eq!(parse(&wav(stated, &data)), Ok((vec![0.5, -0.5], 22_050)));
        }
        assert_eq!(parse(&wav(2, &data)), Ok((vec![0.5], 22_050)));
    }

    #[test]
    fn what_is_no_wav_says_so() {
        assert_eq!(parse(b"<html>"), Err("6 bytes that are no WAV file".to_owned()));
        assert_eq!(parse(&wav(0, &[])[..36]), Err("a WAV file without sound".to_owned()));
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_verdict(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
            bytes.extend(tail);
            let _verdict = parse(&bytes);
        }
    }
}
