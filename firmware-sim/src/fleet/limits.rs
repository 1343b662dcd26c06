//! How many files may be open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Too few files may be open.
#[derive(Debug, thiserror::Error)]
#[error(
    "this fleet opens up to {needed} files at a time, and the system allows {allowed}; run `ulimit -n {needed}` as root in the \
     same shell first, set LimitNOFILE={needed} for a service, or run fewer nodes"
)]
pub struct LimitError {
    /// What the fleet needs.
    pub needed: u64,
    /// What is allowed.
    pub allowed: u64,
}

/// Makes room for `needed` open files, within what the system allows this process.
///
/// # Errors
/// [`LimitError`] says what to do.
pub fn raise_open_files(needed: u64) -> Result<(), LimitError> {
    // Without a number there is no limit.
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(allowed) = current.filter(|current| *current < needed) else { return Ok(()) };
    let wanted = Rlimit { current: Some(needed), maximum: maximum.map(|maximum| maximum.max(needed)) };
    setrlimit(Resource::Nofile, wanted)
        .map_err(|_| LimitError { needed, allowed: maximum.unwrap_or(allowed) })
}

/// Makes room for a control connection of each of so many boards, and for as many bulk connections as the system allows; gives how
/// many of these there may be at a time.
///
/// # Errors
/// [`LimitError`] where not even the control connections fit.
pub fn raise_for_boards(boards: u64, other_files: u64) -> Result<u64, LimitError> {
    let all = 2 * boards + other_files;
    match raise_open_files(all) {
        Ok(()) => Ok(boards),
        // What the system never gives more than.
        Err(LimitError { allowed, .. }) if allowed > boards + other_files => {
            raise_open_files(allowed)?;
            Ok(allowed - boards - other_files)
        }
        Err(error) => Err(LimitError { needed: all, ..error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_rises_and_the_impossible_is_refused() {
        let Rlimit { current, .. } = getrlimit(Resource::Nofile);
        raise_open_files(current.unwrap_or(0)).unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current, current);
        // Beyond what Linux knows at all (fs.nr_open).
        let error = raise_open_files(1 << 40).unwrap_err();
        assert_eq!(error.needed, 1 << 40);
        assert!(error.to_string().contains("ulimit -n 1099511627776"), "{error}");
    }

    #[test]
    fn where_not_all_can_fetch_at_a_time_some_can() {
        assert_eq!(raise_for_boards(10, 4).unwrap(), 10);
        let Some(allowed) = getrlimit(Resource::Nofile).maximum else { return };
        let boards = allowed - 20;
        assert_eq!(raise_for_boards(boards, 4).unwrap(), 16);
        assert_eq!(raise_for_boards(allowed, 4).unwrap_err().needed, 2 * allowed + 4);
    }
}
