//! Bytes that many boards in one process hold in common.
//!
//! Ten thousand boards that cache the same half megabyte would need five gigabytes. A block that passed its board's check
//! is the same for every board whose manifest is the same, so it is kept once; a document likewise. Each board still
//! knows for itself which blocks it has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use loa_protocol::ids::{Digest, ObjectHash};
use loa_protocol::transfer::Manifest;

/// What is held in common. What no board holds any more is freed.
#[derive(Debug, Default)]
pub struct Pool {
    objects: Mutex<BTreeMap<(ObjectHash, u32), Weak<SharedObject>>>,
    documents: Mutex<BTreeMap<Digest, Weak<[u8]>>>,
}

/// An object's blocks, as far as any board has received them.
#[derive(Debug)]
pub struct SharedObject {
    manifest: Arc<Manifest>,
    blocks: Mutex<Vec<Option<Box<[u8]>>>>,
    is_right: OnceLock<bool>,
}

impl Pool {
    /// The object of this manifest.
    pub fn object(&self, manifest: &Arc<Manifest>) -> Arc<SharedObject> {
        let key = (manifest.object, manifest.block_size_bytes);
        let mut objects = lock(&self.objects);
        match objects.get(&key).and_then(Weak::upgrade) {
            Some(shared) if *shared.manifest == **manifest => return shared,
            // Two manifests disagree about one object: nothing is held in common.
            Some(_) => return Arc::new(SharedObject::new(manifest)),
            None => {}
        }
        objects.retain(|_, object| object.strong_count() > 0);
        let shared = Arc::new(SharedObject::new(manifest));
        objects.insert(key, Arc::downgrade(&shared));
        shared
    }

    /// These bytes, kept once, of which this is the digest.
    pub fn document(&self, digest: Digest, bytes: Arc<[u8]>) -> Arc<[u8]> {
        let mut documents = lock(&self.documents);
        if let Some(kept) = documents.get(&digest).and_then(Weak::upgrade)
            && (Arc::ptr_eq(&kept, &bytes) || kept == bytes)
        {
            return kept;
        }
        documents.retain(|_, document| document.strong_count() > 0);
        documents.insert(digest, Arc::downgrade(&bytes));
        bytes
    }
}

impl SharedObject {
    fn new(manifest: &Arc<Manifest>) -> Self {
        let blocks = (0..manifest.block_count()).map(|_| None).collect();
        Self { manifest: Arc::clone(manifest), blocks: Mutex::new(blocks), is_right: OnceLock::new() }
    }

    /// What is known of the object.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Keeps a block that fits the manifest. Blocks past the end are left out.
    pub fn put(&self, index: u32, bytes: Vec<u8>) {
        if let Some(place) = lock(&self.blocks).get_mut(index as usize) {
            place.get_or_insert_with(|| bytes.into_boxed_slice());
        }
    }

    /// All of its bytes; shorter where blocks lack.
    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.blocks).iter().flatten().flat_map(|block| block.iter().copied()).collect()
    }

    /// Whether the whole object's hash is right. Ask only when every block was put; it is worked out once.
    pub fn is_right(&self) -> bool {
        *self.is_right.get_or_init(|| ObjectHash::of(&self.bytes()) == self.manifest.object)
    }
}

/// Held for moments; what a panicking holder leaves is whole, since each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use loa_protocol::transfer::Codec;

    use super::*;

    #[test]
    fn one_object_for_all_who_agree_on_its_manifest() {
        let pool = Pool::default();
        let bytes: Vec<u8> = (0..9_000u32).map(|i| i as u8).collect();
        let manifest = Arc::new(Manifest::of(&bytes, 4096, Codec::OggOpus, 1).unwrap());
        let (one, two) = (pool.object(&manifest), pool.object(&Arc::new((*manifest).clone())));
        assert!(Arc::ptr_eq(&one, &two));
        for (index, block) in bytes.chunks(4096).enumerate().rev() {
            one.put(index as u32, block.to_vec());
        }
        one.put(7, vec![1]);
        assert_eq!(two.bytes(), bytes);
        assert!(two.is_right());

        let mut other = (*manifest).clone();
        other.blocks[0] = Digest::of(b"another");
        assert!(!Arc::ptr_eq(&one, &pool.object(&Arc::new(other))));
        drop((one, two));
        assert!(pool.object(&manifest).bytes().is_empty());
    }

    #[test]
    fn a_document_is_kept_once_and_freed() {
        let pool = Pool::default();
        let document = |bytes: &[u8]| pool.document(Digest::of(bytes), bytes.into());
        let (one, two) = (document(b"plan"), document(b"plan"));
        assert!(Arc::ptr_eq(&one, &two) && *one == *b"plan");
        drop((one, two));
        document(b"other");
        assert_eq!(lock(&pool.documents).len(), 1);
    }
}
