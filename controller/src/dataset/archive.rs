//! An export as one stream: a tar archive (POSIX ustar), made while it is read, so that neither memory nor disk holds it twice.

use std::io;
use std::path::PathBuf;

use axum::body::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, BufReader};

/// Bytes of a block of the format.
const BLOCK: usize = 512;
/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

/// A file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name in the archive: relative, at most 100 bytes.
    pub name: String,
    /// Where it lies.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// Bytes of the archive of these files.
pub(super) fn size_bytes(entries: &[Entry]) -> u64 {
    let blocks = |bytes: u64| bytes.div_ceil(BLOCK as u64);
    (entries.iter().map(|entry| 1 + blocks(entry.size_bytes)).sum::<u64>() + 2) * BLOCK as u64
}

/// The archive. A file that has changed its size meanwhile ends it with an error: the reader has an archive that is cut off.
pub(super) fn stream(entries: Vec<Entry>) -> impl Stream<Item = io::Result<Bytes>> {
    let state = Reading { left: entries.into_iter(), open: None, ended: false };
    unfold(Some(state), |state| async move {
        let mut state = state?;
        match state.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(state))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Reading {
    left: std::vec::IntoIter<Entry>,
    /// The file that is read, what of it is still to come, and how much of the last block nothing fills.
    open: Option<(BufReader<File>, u64, usize)>,
    ended: bool,
}

impl Reading {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if let Some((file, left, padding)) = &mut self.open {
            if *left == 0 {
                let padding = Bytes::from(vec![0; *padding]);
                self.open = None;
                if !padding.is_empty() {
                    return Ok(Some(padding));
                }
            } else {
                let mut chunk = vec![0; usize::try_from(*left).unwrap_or(CHUNK).min(CHUNK)];
                file.read_exact(&mut chunk).await?;
                *left -= chunk.len() as u64;
                return Ok(Some(Bytes::from(chunk)));
            }
        }
        if let Some(entry) = self.left.next() {
            let file = File::open(&entry.file).await?;
            if file.metadata().await?.len() != entry.size_bytes {
                return Err(io::Error::other(format!("{} has changed", entry.name)));
            }
            let over = (entry.size_bytes % BLOCK as u64) as usize;
            self.open = Some((BufReader::new(file), entry.size_bytes, (BLOCK - over) % BLOCK));
            return Ok(Some(Bytes::copy_from_slice(&header(&entry.name, entry.size_bytes))));
        }
        if self.ended {
            return Ok(None);
        }
        self.ended = true;
        Ok(Some(Bytes::from(vec![0; 2 * BLOCK])))
    }
}

/// The block before a file's bytes. Fields are those of POSIX.1-2001, `pax` interchange format, section ustar.
fn header(name: &str, size_bytes: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size_bytes:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(156, b"0");
    put(257, b"ustar\0");
    put(263, b"00");
    // The sum counts its own eight bytes as blanks.
    put(148, b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use futures_util::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn tar_takes_it_apart_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut entries = Vec::new();
        for (name, bytes) in [("a/empty.wav", 0), ("a/block.wav", 512), ("b.wav", 200_001)] {
            let file = folder.path().join(name.replace('/', "-"));
            let content: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
            std::fs::write(&file, content).unwrap();
            entries.push(Entry { name: name.to_owned(), file, size_bytes: bytes });
        }
        let chunks: Vec<Bytes> = stream(entries.clone()).try_collect().await.unwrap();
        let archive = chunks.concat();
        assert_eq!(archive.len() as u64, size_bytes(&entries));
        let (tar, out) = (folder.path().join("x.tar"), folder.path().join("out"));
        std::fs::write(&tar, archive).unwrap();
        std::fs::create_dir(&out).unwrap();
        assert!(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&out).status().unwrap().success());
        for entry in &entries {
            assert_eq!(std::fs::read(out.join(&entry.name)).unwrap(), std::fs::read(&entry.file).unwrap());
        }
        std::fs::write(&entries[2].file, b"shorter").unwrap();
        assert!(stream(entries).try_collect::<Vec<_>>().await.is_err());
    }
}
