//! Loudspeaker clusters: their record, and what they last said.

use std::str::FromStr;

use loa_protocol::area::AreaPath;
use loa_protocol::ids::{AreaId, NodeId};
use loa_protocol::time::UnixMs;

use super::area::check_name;
use super::message::{FieldErrors, Message};

/// Volume of a node that was never adjusted, in percent.
pub const VOLUME_DEFAULT_PERCENT: u8 = 80;

/// How far a node has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeState {
    /// Entered by staff; no board has enrolled yet.
    Pending,
    /// A board has a certificate for it.
    Enrolled,
    /// Its certificate is worth nothing any more.
    Revoked,
}

impl NodeState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Enrolled, Self::Revoked];

    /// The state's word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Enrolled => "enrolled",
            Self::Revoked => "revoked",
        }
    }
}

/// A word that names no state of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state of a node")]
pub struct UnknownNodeState(pub String);

impl FromStr for NodeState {
    type Err = UnknownNodeState;
    fn from_str(word: &str) -> Result<Self, UnknownNodeState> {
        Self::ALL.into_iter().find(|s| s.as_str() == word).ok_or_else(|| UnknownNodeState(word.to_owned()))
    }
}

/// What a node's line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LineClass {
    /// Nobody has said; taken for 4G.
    #[default]
    Unknown,
    /// Optical fibre.
    Fibre,
    /// 4G.
    Mobile,
    /// 2G, satellite, a radio modem: 64 kbit/s.
    Thin,
}

impl LineClass {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Fibre, Self::Mobile, Self::Thin];

    /// The class's word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Fibre => "fibre",
            Self::Mobile => "mobile",
            Self::Thin => "thin",
        }
    }

    /// What such a line carries, in kbit/s, as its node is told; `None` where nobody has said.
    pub fn kbit_s(self) -> Option<u32> {
        match self {
            Self::Unknown => None,
            Self::Fibre => Some(100_000),
            Self::Mobile => Some(4_000),
            Self::Thin => Some(64),
        }
    }
}

/// A word that names no class of lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no class of lines")]
pub struct UnknownLineClass(pub String);

impl FromStr for LineClass {
    type Err = UnknownLineClass;
    fn from_str(word: &str) -> Result<Self, UnknownLineClass> {
        Self::ALL.into_iter().find(|c| c.as_str() == word).ok_or_else(|| UnknownLineClass(word.to_owned()))
    }
}

/// The certificate that a node may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRecord {
    /// SHA-256 of its DER, lower-case hex.
    pub fingerprint: String,
    /// Its serial number, lower-case hex: what the broker knows it by.
    pub serial: String,
    /// When it ends.
    pub expires: UnixMs,
}

/// A node as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id, which never changes.
    pub id: NodeId,
    /// The areas from the root to the one in which it stands.
    pub path: AreaPath,
    /// Its name: `Cụm loa nhà văn hóa thôn 3`.
    pub name: String,
    /// The maker's serial number of its board, where staff know it.
    pub serial: Option<String>,
    /// How far it has come.
    pub state: NodeState,
    /// Loudness of the horn, 0 to 100.
    pub volume_percent: u8,
    /// What its line carries.
    pub line: LineClass,
    /// The certificate that it may show.
    pub certificate: Option<CertificateRecord>,
    /// When staff entered it.
    pub created: UnixMs,
    /// When its board enrolled.
    pub enrolled: Option<UnixMs>,
}

/// What a node last said of itself, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeStatus {
    /// Whether it is connected.
    pub online: bool,
    /// When that last changed.
    pub online_changed: Option<UnixMs>,
    /// When anything was last heard of it.
    pub seen: Option<UnixMs>,
    /// Version of its program.
    pub firmware: Option<String>,
    /// How far it trusts its clock; see [`loa_protocol::report::ClockTrust`].
    pub clock: Option<String>,
    /// Whether it can store audio; see [`loa_protocol::report::StorageState`].
    pub storage: Option<String>,
    /// Objects that are whole in its cache.
    pub objects_ready: Option<u32>,
    /// Objects that it is fetching.
    pub objects_fetching: Option<u32>,
}

/// A node as a person types it.
#[derive(Debug, Clone)]
pub struct NodeDraft {
    /// Its name.
    pub name: String,
    /// The area in which it stands.
    pub area: AreaId,
    /// The board's serial number; empty: not known yet.
    pub serial: String,
    /// Loudness of the horn, 0 to 100; `None`: [`VOLUME_DEFAULT_PERCENT`].
    pub volume_percent: Option<u8>,
    /// What its line carries.
    pub line: LineClass,
}

/// A node's own values, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeValues {
    /// Its name.
    pub name: String,
    /// The board's serial number.
    pub serial: Option<String>,
    /// Loudness of the horn, 0 to 100.
    pub volume_percent: u8,
    /// What its line carries.
    pub line: LineClass,
}

impl NodeDraft {
    /// Checks every field.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(&self) -> Result<NodeValues, FieldErrors> {
        let mut errors = FieldErrors::new();
        let name = errors.keep("name", check_name(&self.name));
        let serial = errors.keep("serial", check_serial(&self.serial));
        let volume_percent = self.volume_percent.unwrap_or(VOLUME_DEFAULT_PERCENT);
        errors.keep("volume_percent", check_volume(volume_percent));
        let line = self.line;
        errors.finish(name.zip(serial).map(|(name, serial)| NodeValues {
            name,
            serial,
            volume_percent,
            line,
        }))
    }
}

fn check_serial(serial: &str) -> Result<Option<String>, Message> {
    let serial = serial.trim();
    if serial.is_empty() {
        return Ok(None);
    }
    if serial.len() <= 128 && serial.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(Some(serial.to_owned()));
    }
    Err(Message::fixed(
        "serial.invalid",
        "Số sê-ri gồm tối đa 128 chữ cái không dấu, chữ số và dấu, không có khoảng trắng.",
        "A serial number has at most 128 plain characters without blanks.",
    ))
}

fn check_volume(volume_percent: u8) -> Result<(), Message> {
    if volume_percent <= 100 {
        return Ok(());
    }
    Err(Message::fixed(
        "volume_percent.out_of_range",
        "Âm lượng phải từ 0 đến 100.",
        "The volume is from 0 to 100.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_of_a_form_come_at_once() {
        let draft = NodeDraft {
            name: String::new(),
            area: AreaId::new("xa").unwrap(),
            serial: "SN 1".to_owned(),
            volume_percent: Some(101),
            line: LineClass::default(),
        };
        assert_eq!(
            draft.check().unwrap_err().to_string(),
            "name: name.empty, serial: serial.invalid, volume_percent: volume_percent.out_of_range"
        );
    }
}
