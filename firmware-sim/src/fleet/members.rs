//! Where the identities of a fleet come from: a folder that holds one for each node, filled by enrolling with tokens.
//!
//! ```text
//! FOLDER/{node}/identity.toml      as `loa-node enrol` writes it
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loa_node::clock::{NodeClock, build_time};
use loa_node::enrol::{EnrolError, enrol};
use loa_node::identity::{Identity, IdentityError};
use loa_protocol::enrolment::{EnrolmentError, EnrolmentToken};
use loa_protocol::ids::NodeId;
use tokio::task::JoinSet;

use crate::board_sim::clock::SimClock;
use crate::node::{Member, MemberError, Reach};

/// Enrolments under way at a time.
const AT_A_TIME: usize = 8;

/// Why there is no fleet.
#[derive(Debug, thiserror::Error)]
pub enum MembersError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A line of the file of tokens is no token.
    #[error("line {line} of the file of tokens is not a token")]
    Token {
        /// Its number, from 1.
        line: usize,
        /// Why not.
        #[source]
        source: EnrolmentError,
    },
    /// A node was not enrolled.
    #[error("{node} could not be enrolled")]
    Enrol {
        /// The node.
        node: NodeId,
        /// Why not.
        #[source]
        source: EnrolError,
    },
    /// Enrolling broke off.
    #[error("enrolling broke off")]
    Interrupted,
    /// An identity cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// An identity cannot be used.
    #[error("the identity of {node} cannot be used")]
    Member {
        /// The node.
        node: NodeId,
        /// Why not.
        #[source]
        source: MemberError,
    },
    /// There are not enough.
    #[error("{} holds {found} identities, {wanted} are wanted: enrol more with --tokens", folder.display())]
    TooFew {
        /// The folder.
        folder: PathBuf,
        /// How many there are.
        found: usize,
        /// How many are wanted.
        wanted: usize,
    },
}

/// Enrols a node into `folder` for each line of the file of tokens, except those that are there already. `controller`
/// replaces the address that the tokens carry. Gives how many were enrolled.
///
/// It may be repeated after a failure: tokens whose node is there are passed over, and an unfinished enrolment goes on with
/// the same request.
///
/// # Errors
/// [`MembersError`] at the first that fails.
pub async fn enrol_all(
    folder: &Path,
    tokens: &Path,
    controller: Option<&str>,
) -> Result<usize, MembersError> {
    let read = |source| MembersError::Read { path: tokens.to_owned(), source };
    let text = std::fs::read_to_string(tokens).map_err(read)?;
    let mut waiting = tokens_in(&text)?;
    waiting.retain(|token| !Identity::path(&folder.join(token.node_id.as_str())).exists());
    let count = waiting.len();
    let clock = NodeClock::new(build_time());
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < AT_A_TIME
            && let Some(mut token) = waiting.pop()
        {
            if let Some(controller) = controller {
                controller.clone_into(&mut token.controller_url);
            }
            let (folder, clock) = (folder.join(token.node_id.as_str()), Arc::clone(&clock));
            under_way.spawn_blocking(move || match enrol(&folder, &token.to_text(), false, &clock) {
                Ok(_) => Ok(()),
                Err(source) => Err(MembersError::Enrol { node: token.node_id, source }),
            });
        }
        match under_way.join_next().await {
            Some(enrolled) => enrolled.map_err(|_| MembersError::Interrupted)??,
            None => return Ok(count),
        }
    }
}

/// The tokens of a text: one a line; empty lines and those that begin with `#` are passed over.
fn tokens_in(text: &str) -> Result<Vec<EnrolmentToken>, MembersError> {
    let lines = text.lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(text, line)| {
            EnrolmentToken::from_text(text).map_err(|source| MembersError::Token { line, source })
        })
        .collect()
}

/// The first `count` nodes of `folder`, by name.
///
/// # Errors
/// [`MembersError`].
pub fn load(folder: &Path, count: usize, reach: &Reach) -> Result<Vec<Member>, MembersError> {
    let folders =
        enrolled(folder).map_err(|source| MembersError::Read { path: folder.to_owned(), source })?;
    if folders.len() < count {
        return Err(MembersError::TooFew { folder: folder.to_owned(), found: folders.len(), wanted: count });
    }
    let clock = SimClock::system();
    let member = |folder: &PathBuf| {
        let identity = Identity::load(folder)?;
        Member::enrolled(&identity, reach, &clock)
            .map_err(|source| MembersError::Member { node: identity.node.clone(), source })
    };
    folders.iter().take(count).map(member).collect()
}

/// The folders in it that hold an identity, by name; none where it does not exist.
fn enrolled(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if Identity::path(&path).exists() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use loa_protocol::enrolment::EnrolmentSecret;

    use super::*;

    #[test]
    fn a_file_of_tokens_is_read_and_a_wrong_line_named() {
        let token = |node: &str| EnrolmentToken {
            controller_url: "http://127.0.0.1:1".to_owned(),
            secret: EnrolmentSecret::from_random(&[1; 32]),
            root_key_sha256: [0; 32],
            node_id: NodeId::new(node).unwrap(),
            expires_unix_s: 0,
        };
        let text = format!("# two\n{}\n\n  {}\n", token("n-1").to_text(), token("n-2").to_text());
        assert_eq!(tokens_in(&text).unwrap(), [token("n-1"), token("n-2")]);
        let error = tokens_in(&format!("{text}loa1.nonsense\n")).unwrap_err();
        assert!(matches!(error, MembersError::Token { line: 5, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn tokens_of_nodes_that_are_there_ask_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        std::fs::write(&tokens, "# none\n").unwrap();
        assert_eq!(enrol_all(folder.path(), &tokens, None).await.unwrap(), 0);
        let error = load(&folder.path().join("none"), 1, &Reach::AsEnrolled).unwrap_err();
        assert!(matches!(error, MembersError::TooFew { found: 0, wanted: 1, .. }));
        assert!(load(folder.path(), 0, &Reach::AsEnrolled).unwrap().is_empty());
    }
}
