//! Which frame of a recording was heard when.
//!
//! A text file: a first line `loa-timeline 1 48000` (format and rate), then for each chunk of frames a line
//! `FRAME HEARD_UNIX_NS ARRIVED_UNIX_NS DRY_NS`: its first frame, the instant at which that is heard, the instant at which
//! the chunk came out of the pipe, and the silence before it because nothing had come in time (0 nearly always).
//! A last line `end FRAMES` says that the player closed the card and that nothing is missing.

use std::fmt::Write as _;

/// The first line.
const HEADER: &str = "loa-timeline 1 48000";

/// One chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) frame: u64,
    pub(super) heard_unix_ns: i64,
    pub(super) arrived_unix_ns: i64,
    pub(super) dry_ns: i64,
}

/// A timeline as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Timeline {
    pub(super) marks: Vec<Mark>,
    /// Frames in all; `None` while the recorder runs, or where it was killed.
    pub(super) end_frame: Option<u64>,
}

/// The header line.
pub(super) fn header() -> String {
    format!("{HEADER}\n")
}

/// The last line.
pub(super) fn end(frames: u64) -> String {
    format!("end {frames}\n")
}

impl Mark {
    /// The line of this chunk.
    pub(super) fn line(self) -> String {
        let Self { frame, heard_unix_ns, arrived_unix_ns, dry_ns } = self;
        let mut line = String::with_capacity(64);
        // Writing to a string cannot fail.
        let _ = writeln!(line, "{frame} {heard_unix_ns} {arrived_unix_ns} {dry_ns}");
        line
    }
}

/// Reads a timeline. A last line that is cut off, as a killed recorder leaves it, is dropped.
///
/// Errors are the number (from 1) of the first line that is not understood.
pub(super) fn parse(text: &str) -> Result<Timeline, usize> {
    let mut lines = text.split_inclusive('\n').enumerate();
    if lines.next().map(|(_, line)| line.trim_end()) != Some(HEADER) {
        return Err(1);
    }
    let mut timeline = Timeline::default();
    for (index, line) in lines.filter(|(_, line)| line.ends_with('\n')) {
        let line = line.trim_end();
        match line.strip_prefix("end ") {
            Some(frames) => timeline.end_frame = Some(frames.parse().map_err(|_| index + 1)?),
            None => timeline.marks.push(mark(line).ok_or(index + 1)?),
        }
    }
    Ok(timeline)
}

fn mark(line: &str) -> Option<Mark> {
    let mut fields = line.split(' ');
    let mark = Mark {
        frame: fields.next()?.parse().ok()?,
        heard_unix_ns: fields.next()?.parse().ok()?,
        arrived_unix_ns: fields.next()?.parse().ok()?,
        dry_ns: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_last_line_is_dropped_and_a_strange_one_is_named() {
        let mark = Mark { frame: 480, heard_unix_ns: 12, arrived_unix_ns: 13, dry_ns: 0 };
        let text = header() + &mark.line();
        let running = Timeline { marks: vec![mark], end_frame: None };
        assert_eq!(parse(&text), Ok(running.clone()));
        assert_eq!(parse(&format!("{text}960 14")), Ok(running.clone()));
        assert_eq!(parse(&(text.clone() + &end(960))), Ok(Timeline { end_frame: Some(960), ..running }));
        assert_eq!(parse(&format!("{text}960 14\n")), Err(3));
        assert_eq!(parse("something else\n"), Err(1));
        assert_eq!(parse(""), Err(1));
    }
}
