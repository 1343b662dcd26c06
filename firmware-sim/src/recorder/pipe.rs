//! The pipe that the sound comes through, made as small as a pipe can be.
//!
//! It begins with room for sixteen pages, and the player has filled them before the recorder runs. A pipe cannot be
//! made smaller than what it holds, and a player that waits for room refills it the moment that it is emptied. But
//! between two of its writes the player has other work: emptying again and again at once comes into that gap.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

/// One page: the least that a pipe can hold.
const PAGE_BYTES: usize = 4096;

/// What a pipe holds at first.
const FIRST_BYTES: usize = 65_536;

/// How often the pipe is emptied in a row to make it smaller.
const ATTEMPTS: usize = 16;

/// Most that [`Pipe::take`] takes at a time, in bytes.
pub(super) const MOST_BYTES: usize = 4 * FIRST_BYTES;

/// The reading end.
#[derive(Debug)]
pub(super) struct Pipe {
    file: File,
    bytes: usize,
}

impl Pipe {
    pub(super) fn new(file: File) -> Self {
        let mut pipe = Self { file, bytes: FIRST_BYTES };
        pipe.shrink();
        pipe
    }

    /// Waits for data and takes what there is, 0 bytes at the end; a page at a time once the pipe is that small.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = read(&mut self.file, buffer)?;
        for _ in 0..ATTEMPTS {
            self.shrink();
            let is_small = self.bytes == PAGE_BYTES;
            if is_small || count == 0 || count == buffer.len() {
                break;
            }
            // Without this check the read could wait, and the end would be taken for no more data.
            if rustix::io::ioctl_fionread(self.file.as_fd())? > 0 {
                count += read(&mut self.file, &mut buffer[count..])?;
            }
        }
        Ok(count)
    }

    /// Makes the pipe as small as it can be at this moment.
    fn shrink(&mut self) {
        let mut wanted = PAGE_BYTES;
        while wanted < self.bytes {
            match rustix::pipe::fcntl_setpipe_size(self.file.as_fd(), wanted) {
                Ok(_) => self.bytes = wanted,
                Err(rustix::io::Errno::BUSY) => wanted *= 2,
                // Not a pipe (a file): there is nothing to be made small.
                Err(_) => self.bytes = PAGE_BYTES,
            }
        }
    }
}

fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn a_pipe_that_its_writer_keeps_full_is_down_to_a_page_before_much_has_gone_through() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let flood = std::thread::spawn(move || {
            // As the player does: a period's worth of bytes, a little other work, the next; until nobody reads.
            let period: Vec<u8> = (0..30_720u32).map(|index| index as u8).collect();
            while writer.write_all(&period).is_ok() {
                std::hint::black_box(
                    period.iter().fold(0u32, |sum, &byte| sum.wrapping_mul(31) + u32::from(byte)),
                );
            }
        });
        let mut pipe = Pipe::new(File::from(OwnedFd::from(reader)));
        let mut buffer = vec![0u8; MOST_BYTES];
        let mut through = 0;
        while pipe.bytes > PAGE_BYTES {
            through += pipe.take(&mut buffer).unwrap();
            assert!(through < 100 * FIRST_BYTES, "still {} bytes long", pipe.bytes);
        }
        // What was in it came out in order, and goes on, a page at a time.
        let count = pipe.take(&mut buffer).unwrap();
        assert!((1..=PAGE_BYTES).contains(&count), "{count}");
        let follows = |pair: &[u8]| pair[1] == pair[0].wrapping_add(1);
        assert!(buffer[..count].windows(2).filter(|pair| !follows(pair)).count() <= 1);
        drop(pipe);
        flood.join().unwrap();
    }

    #[test]
    fn the_end_is_told_from_an_empty_pipe() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut pipe = Pipe::new(File::from(OwnedFd::from(reader)));
        writer.write_all(&[1, 2, 3]).unwrap();
        drop(writer);
        let mut buffer = vec![0u8; MOST_BYTES];
        assert_eq!(pipe.take(&mut buffer).unwrap(), 3);
        assert_eq!(pipe.take(&mut buffer).unwrap(), 0);
    }
}
