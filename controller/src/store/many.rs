//! Many rows in one statement.
//!
//! One statement a row is thirty to a hundred times slower (measured), and so is one whose text differs each time, for it is
//! prepared anew. So rows go in pieces of a few sizes.

use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;

/// Rows of the largest piece. Times the most columns of a table, it is well below SQLite's bound of 32,766 values.
const PIECE_ROWS: usize = 256;

/// What a node said, and when it counts as said. Functions of the store that take many of these take one of each node.
#[derive(Debug)]
pub struct Said<'a, T: ?Sized> {
    /// The node.
    pub node: &'a NodeId,
    /// When.
    pub at: UnixMs,
    /// What.
    pub word: &'a T,
}

impl<T: ?Sized> Clone for Said<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Said<'_, T> {}

/// Cuts rows into pieces of 256 and of powers of two below: nine statements in all, whatever comes.
pub(super) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = rows.len().min(PIECE_ROWS).checked_ilog2().map(|log| 1 << log)?;
        let (piece, rest) = rows.split_at(size);
        rows = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn pieces_are_of_few_sizes_and_hold_every_row_in_its_order() {
        for (count, sizes) in [
            (0, vec![]),
            (1, vec![1]),
            (255, vec![128, 64, 32, 16, 8, 4, 2, 1]),
            (600, vec![256, 256, 64, 16, 8]),
        ] {
            let rows: Vec<usize> = (0..count).collect();
            let cut: Vec<&[usize]> = pieces(&rows).collect();
            assert_eq!(cut.iter().map(|piece| piece.len()).collect::<Vec<_>>(), sizes);
            assert_eq!(cut.concat(), rows);
        }
    }
}
