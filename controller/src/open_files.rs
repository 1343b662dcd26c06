//! How many files may be open at once: with the embedded broker each connection of a node is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A node's own, and the second one over which it fetches audio.
const CONNECTIONS_PER_NODE: u64 = 2;
/// The database, pages that are open, sounds that are being made.
const OTHERS: u64 = 512;

/// Lets this process open as many files as the system allows it, and gives how many that are; `None`: there is no limit.
pub fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            current
        }
    }
}

/// Raises the limit, and says in the log what to do where it is too low for the embedded broker of so many nodes.
pub(crate) fn prepare(nodes: u64) {
    let Some(allowed) = raise() else { return };
    let Some(short) = Short::of(nodes, allowed) else { return };
    let needed = short.needed;
    if short.connected < nodes {
        tracing::error!(
            nodes,
            allowed,
            needed,
            "too few open files are allowed: only {} of {nodes} nodes can be connected. Set LimitNOFILE={needed} in the service, give a \
             container --ulimit nofile={needed}, or run `ulimit -n {needed}` as root in the shell that starts it; then start it anew",
            short.connected
        );
    } else {
        tracing::warn!(
            nodes,
            allowed,
            needed,
            "too few open files are allowed for all nodes to fetch audio at a time: {} can, the others wait. To change it set \
             LimitNOFILE={needed} in the service, give a container --ulimit nofile={needed}, or run `ulimit -n {needed}` as root in the \
             shell that starts it; then start it anew",
            short.fetching
        );
    }
}

/// What a limit that is too low leaves.
#[derive(Debug, PartialEq, Eq)]
struct Short {
    /// What all nodes would need.
    needed: u64,
    /// How many can be connected.
    connected: u64,
    /// How many of these can fetch audio at a time.
    fetching: u64,
}

impl Short {
    fn of(nodes: u64, allowed: u64) -> Option<Self> {
        let needed = nodes * CONNECTIONS_PER_NODE + OTHERS;
        let room = allowed.saturating_sub(OTHERS);
        let connected = room.min(nodes);
        (allowed < needed).then(|| Self { needed, connected, fetching: room - connected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        let before = getrlimit(Resource::Nofile);
        assert_eq!(raise(), before.maximum);
        assert_eq!(getrlimit(Resource::Nofile), Rlimit { current: before.maximum, ..before });
    }

    #[test]
    fn what_a_limit_leaves_is_told() {
        assert_eq!(Short::of(10_000, 20_512), None);
        let told = |allowed| Short::of(10_000, allowed).map(|short| (short.connected, short.fetching));
        assert_eq!(told(20_000), Some((10_000, 9_488)));
        assert_eq!(told(1_024), Some((512, 0)));
        assert_eq!(told(100), Some((0, 0)));
        assert_eq!(Short::of(10_000, 1_024).map(|short| short.needed), Some(20_512));
        assert_eq!(Short::of(0, 1_024), None, "an installation without nodes needs little");
    }
}
