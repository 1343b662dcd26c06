//! How audio crosses MQTT.
//!
//! An object is a file named by its SHA-256. Its [`Manifest`] comes inside a signed plan and carries a hash for each
//! block, so each block is checked as it arrives and a bad one costs one block. A node *pulls*: it sends a [`Want`]
//! with a bitmap of what it lacks, and the controller answers with [`Block`]s at QoS 0. What is lost is simply still
//! lacking in the next want, so a transfer resumes after anything.
//!
//! Where many nodes of an area lack the same, the controller sends it once for all of them: a *wave*, one pass over the
//! object's blocks, ascending, on a topic of the area. A node on a line that carries it subscribes to the waves of what it
//! asks for, before it asks, and says so in its want; while blocks come by a wave it asks for nothing of that object, and
//! afterwards for what is still lacking.

use minicbor::{Decode, Encode};

use crate::ids::{Digest, ObjectHash};
use crate::time::UnixMs;
use crate::wire::{Wire, WireError, require};

/// Largest object, in bytes.
pub const OBJECT_MAX_BYTES: u32 = 16 * 1024 * 1024;
/// Block sizes that a manifest may name, in bytes: the small one suits poor links.
pub const BLOCK_SIZES_BYTES: [u32; 2] = [4 * 1024, 16 * 1024];
/// Most blocks that a node may ask for at once.
pub const WINDOW_MAX_BLOCKS: u8 = 16;
/// The slowest line on which a node subscribes to waves, in kbit/s. A wave is as fast as the slowest of those who hear it can
/// take; a slower line would hold up a whole area, or be drowned, and is served by itself.
pub const WAVE_LINE_MIN_KBIT_S: u32 = 512;

/// How an object's samples are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Codec {
    /// Opus (RFC 6716) in Ogg (RFC 7845).
    #[n(0)]
    OggOpus,
}

/// What a node must know of an object to fetch, check and play it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Manifest {
    /// SHA-256 of the whole object.
    #[n(0)]
    pub object: ObjectHash,
    /// Length of the object in bytes, 1 to [`OBJECT_MAX_BYTES`].
    #[n(1)]
    pub size_bytes: u32,
    /// Length of every block but the last, one of [`BLOCK_SIZES_BYTES`].
    #[n(2)]
    pub block_size_bytes: u32,
    /// For each block in order, the first 16 bytes of its SHA-256.
    #[n(3)]
    pub blocks: Vec<Digest>,
    /// Coding of the samples.
    #[n(4)]
    pub codec: Codec,
    /// Length of the sound in milliseconds.
    #[n(5)]
    pub duration_ms: u32,
}

impl Manifest {
    /// The manifest of an object held in memory.
    ///
    /// # Errors
    /// [`WireError::Rule`] when the object is empty, too large, or the block size is not one of [`BLOCK_SIZES_BYTES`].
    pub fn of(
        bytes: &[u8],
        block_size_bytes: u32,
        codec: Codec,
        duration_ms: u32,
    ) -> Result<Self, WireError> {
        require(BLOCK_SIZES_BYTES.contains(&block_size_bytes), "block_size_bytes", "is 4096 or 16384")?;
        let size_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let manifest = Self {
            object: ObjectHash::of(bytes),
            size_bytes,
            block_size_bytes,
            blocks: bytes.chunks(block_size_bytes as usize).map(Digest::of).collect(),
            codec,
            duration_ms,
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Number of blocks.
    pub fn block_count(&self) -> u32 {
        self.size_bytes.div_ceil(self.block_size_bytes)
    }

    /// Where block `index` lies in the object: offset and length in bytes. `None` past the end.
    pub fn block_range(&self, index: u32) -> Option<(u32, u32)> {
        let offset = index.checked_mul(self.block_size_bytes).filter(|o| *o < self.size_bytes)?;
        Some((offset, self.block_size_bytes.min(self.size_bytes - offset)))
    }

    /// Whether these bytes are block `index`.
    pub fn block_matches(&self, index: u32, bytes: &[u8]) -> bool {
        let Some((_, length)) = self.block_range(index) else { return false };
        let expected = usize::try_from(index).ok().and_then(|i| self.blocks.get(i));
        bytes.len() == length as usize && expected == Some(&Digest::of(bytes))
    }

    pub(crate) fn check(&self) -> Result<(), WireError> {
        require((1..=OBJECT_MAX_BYTES).contains(&self.size_bytes), "size_bytes", "is from 1 byte to 16 MiB")?;
        require(BLOCK_SIZES_BYTES.contains(&self.block_size_bytes), "block_size_bytes", "is 4096 or 16384")?;
        let count = usize::try_from(self.block_count()).unwrap_or(usize::MAX);
        require(self.blocks.len() == count, "blocks", "has one hash for each block")
    }
}

/// A set of block numbers, one bit each; bit `i` of the set is bit `i % 8` (least significant first) of byte `i / 8`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Bitmap {
    bytes: Vec<u8>,
}

impl Bitmap {
    /// A set with no block in it, with room for `count` blocks.
    pub fn empty(count: u32) -> Self {
        Self { bytes: vec![0; count.div_ceil(8) as usize] }
    }

    /// A set from its bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether block `index` is in the set.
    pub fn contains(&self, index: u32) -> bool {
        self.bytes.get((index / 8) as usize).is_some_and(|byte| byte & (1 << (index % 8)) != 0)
    }

    /// Puts block `index` into the set; outside the room of the set it does nothing.
    pub fn insert(&mut self, index: u32) {
        if let Some(byte) = self.bytes.get_mut((index / 8) as usize) {
            *byte |= 1 << (index % 8);
        }
    }

    /// Takes block `index` out of the set.
    pub fn remove(&mut self, index: u32) {
        if let Some(byte) = self.bytes.get_mut((index / 8) as usize) {
            *byte &= !(1 << (index % 8));
        }
    }

    /// Number of blocks in the set.
    pub fn len(&self) -> u32 {
        self.bytes.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Whether no block is in the set.
    pub fn is_empty(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == 0)
    }

    /// The blocks of the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let bits = u32::try_from(self.bytes.len().saturating_mul(8)).unwrap_or(u32::MAX);
        (0..bits).filter(|index| self.contains(*index))
    }
}

/// What a node lacks of one object and how much of it to send now. Topic `u/{node}/want`, QoS 1.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Want {
    /// The object.
    #[n(0)]
    pub object: ObjectHash,
    /// Number of the block that bit 0 of `lacking` stands for.
    #[n(1)]
    pub base: u32,
    /// The blocks that are lacking, from `base` on: see [`Bitmap`].
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub lacking: Vec<u8>,
    /// How many blocks to send for this want, 1 to [`WINDOW_MAX_BLOCKS`].
    #[n(3)]
    pub window: u8,
    /// When the object is first due to sound; the controller serves earlier deadlines first.
    #[n(4)]
    pub deadline: UnixMs,
    /// Whether the node is subscribed to the object's waves in every area on its path.
    #[n(5)]
    #[cbor(skip_if = "is_false")]
    pub hears_waves: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Want {
    /// The blocks to send for this want, ascending, at most `window` of them.
    pub fn blocks(&self) -> Vec<u32> {
        let lacking = Bitmap::from_bytes(self.lacking.clone());
        let numbers = lacking.iter().filter_map(|i| self.base.checked_add(i));
        numbers.take(usize::from(self.window)).collect()
    }
}

impl Wire for Want {
    fn check(&self) -> Result<(), WireError> {
        require((1..=WINDOW_MAX_BLOCKS).contains(&self.window), "window", "is from 1 to 16 blocks")?;
        require(self.lacking.len() <= 512, "lacking", "has at most 512 bytes")?;
        require(self.lacking.iter().any(|byte| *byte != 0), "lacking", "names at least one block")
    }
}

/// One block of an object. Topics `d/{node}/blk` and `x/{area}/{object}`, QoS 0.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Block {
    /// The object.
    #[n(0)]
    pub object: ObjectHash,
    /// Number of the block.
    #[n(1)]
    pub index: u32,
    /// The block's bytes.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
}

impl Wire for Block {
    fn check(&self) -> Result<(), WireError> {
        let longest = BLOCK_SIZES_BYTES[1] as usize;
        require((1..=longest).contains(&self.bytes.len()), "bytes", "is from 1 to 16384 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_knows_its_blocks() {
        let object: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
        let manifest = Manifest::of(&object, 4096, Codec::OggOpus, 1).unwrap();
        assert_eq!(manifest.block_count(), 3);
        assert_eq!(manifest.block_range(2), Some((8192, 1808)));
        assert_eq!(manifest.block_range(3), None);
        assert_eq!(manifest.block_range(u32::MAX), None);
        assert!(manifest.block_matches(2, &object[8192..]));
        assert!(!manifest.block_matches(1, &object[8192..]) && !manifest.block_matches(0, &object[..4095]));
        assert!(Manifest::of(&[], 4096, Codec::OggOpus, 1).is_err());
        assert!(Manifest::of(&[1], 5000, Codec::OggOpus, 1).is_err());
    }

    #[test]
    fn a_want_asks_for_the_first_lacking_blocks() {
        let mut lacking = Bitmap::empty(20);
        for i in [1, 3, 19] {
            lacking.insert(i);
        }
        let want = Want {
            object: ObjectHash::of(b"x"),
            base: 100,
            lacking: lacking.as_bytes().to_vec(),
            window: 2,
            deadline: UnixMs(0),
            hears_waves: false,
        };
        assert_eq!(want.blocks(), [101, 103]);
        assert_eq!(lacking.len(), 3);
        lacking.remove(3);
        assert_eq!(lacking.iter().collect::<Vec<_>>(), [1, 19]);
    }
}
