//! How the line to the broker is while a board lives: mostly good, else as lines are in the mountains.

use std::fmt;

use loa_tests::line::Line;
use rand::RngExt as _;
use rand::rngs::StdRng;

/// So much that nobody notices the line.
pub(crate) const THICK_BYTES_PER_SECOND: u64 = 16 * 1024 * 1024;
/// 64 kbit/s: two blocks in a second, and half a second for a handshake.
const THIN_BYTES_PER_SECOND: u64 = 8_000;

/// How the line is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weather {
    /// Nothing is wrong with it.
    Good,
    /// The next connection is reset after so many bytes towards the board.
    Resets(u64),
    /// It is thin.
    Thin,
    /// What goes into it never comes out, and nobody is told.
    BlackHole,
}

impl Weather {
    /// Draws one.
    pub(crate) fn draw(rng: &mut StdRng) -> Self {
        match rng.random_range(0..100) {
            // From the midst of a handshake to the tenth block.
            0..15 => Self::Resets(rng.random_range(1_000..44_000)),
            15..25 => Self::Thin,
            25..32 => Self::BlackHole,
            _ => Self::Good,
        }
    }

    /// It comes over a line that is good.
    pub(crate) fn begin(self, line: &Line) {
        match self {
            Self::Good => {}
            Self::Resets(after_bytes) => line.break_off_after(&[after_bytes]),
            Self::Thin => line.set_bytes_per_second(THIN_BYTES_PER_SECOND),
            Self::BlackHole => line.swallow(),
        }
    }

    /// The line is good again for who connects from here on.
    pub(crate) fn end(self, line: &Line) {
        match self {
            Self::Good => {}
            Self::Resets(_) => line.break_off_after(&[]),
            Self::Thin => line.set_bytes_per_second(THICK_BYTES_PER_SECOND),
            Self::BlackHole => line.forget(),
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Resets(_) => "resets",
            Self::Thin => "thin",
            Self::BlackHole => "black hole",
        })
    }
}
