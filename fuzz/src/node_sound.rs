//! The sound file that a node plays. Its hash was checked, so only a file that the controller signed gets here;
//! what a disk makes of it afterwards is another matter.

use std::cell::RefCell;
use std::io::{Seek as _, SeekFrom, Write as _};

use loa_node::audio::opus_file::OpusFile;
use tempfile::NamedTempFile;

/// The longest packet of Opus (RFC 6716, section 2.1.4): 120 ms at 48 kHz. A packet has at least one byte.
const PACKET_MAX_FRAMES: usize = 5_760;

thread_local! {
    /// One file for all runs of a thread.
    static FILE: RefCell<Option<NamedTempFile>> = const { RefCell::new(None) };
}

/// Plays the bytes from the beginning and from somewhere within.
pub fn hold(bytes: &[u8]) {
    FILE.with_borrow_mut(|slot| {
        let file = match slot.take() {
            Some(file) => file,
            None => NamedTempFile::new().unwrap_or_else(|e| panic!("no temporary file: {e}")),
        };
        let written = write(&file, bytes);
        assert!(written.is_ok(), "{written:?}");
        for from_ms in [0, 700] {
            play(&file, from_ms, bytes.len());
        }
        *slot = Some(file);
    });
}

fn write(file: &NamedTempFile, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = file.as_file();
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)
}

fn play(file: &NamedTempFile, from_ms: u64, bytes: usize) {
    let Ok(mut sound) = OpusFile::open(file.path(), from_ms) else { return };
    let mut frames = 0;
    while let Some(block) = sound.next_block() {
        assert!(!block.is_empty(), "a block of nothing is not the end");
        assert!(block.iter().all(|sample| sample.is_finite()), "a sample that is no number");
        frames += block.len();
        assert!(frames <= bytes * PACKET_MAX_FRAMES, "more sound than {bytes} bytes can hold");
    }
    if sound.outcome().is_ok() {
        assert!(sound.expected_ms().is_some(), "complete without a stated end");
    }
}
