//! An Ogg Opus object back to sound, for previews and tests.

use crate::media::{self, MediaError};
use crate::pcm::{Pcm, StreamResampler};

use super::{GRANULE_RATE_HZ, OpusError};

/// Decodes an object that [`encode`](super::encode) made to mono at 48 kHz, as a node plays it.
///
/// # Errors
/// [`OpusError::NoTrack`] for bytes that are no Ogg Opus, [`OpusError::Read`] for damaged ones.
pub fn decode(bytes: &[u8]) -> Result<Pcm, OpusError> {
    // The page's header of 27 bytes, one lacing value, and the packet.
    let is_opus = bytes.starts_with(b"OggS") && bytes.get(28..36) == Some(b"OpusHead");
    if !is_opus {
        return Err(OpusError::NoTrack);
    }
    let mut media = media::open(bytes.to_vec()).map_err(read)?;
    let mut samples = StreamResampler::new(GRANULE_RATE_HZ, GRANULE_RATE_HZ).map_err(OpusError::Pcm)?;
    let mut mono = Vec::new();
    while media.next(&mut mono).map_err(read)? {
        samples.push(&mono).map_err(OpusError::Pcm)?;
    }
    samples.finish().map_err(OpusError::Pcm)
}

fn read(error: MediaError) -> OpusError {
    match error {
        MediaError::NoTrack => OpusError::NoTrack,
        MediaError::Symphonia { action, source } => OpusError::Read { action, source },
    }
}
