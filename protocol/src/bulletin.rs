//! What a bulletin is, in the words of the regulation.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Decoder, Encode, Encoder};

/// The three classes of Thông tư 39/2020/TT-BTTTT. The order of the variants is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Class {
    /// *Thông thường*: the commune picks the time.
    #[n(0)]
    Normal,
    /// *Ưu tiên*: goes before normal items.
    #[n(1)]
    Priority,
    /// *Khẩn cấp*: sounds at once.
    #[n(2)]
    Emergency,
}

impl Class {
    /// All classes, lowest precedence first.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Priority, Self::Emergency];

    /// The class's word in the API, the database and the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Priority => "priority",
            Self::Emergency => "emergency",
        }
    }
}

/// Whether a message is meant, as the status of CAP (OASIS Common Alerting Protocol 1.2, section 3.2.1). What sounds of an exercise
/// says so in its own words; this is for displays and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Status {
    /// *Thật*: people shall act on it.
    #[n(0)]
    #[default]
    Actual,
    /// *Diễn tập*: for those who take part in an exercise.
    #[n(1)]
    Exercise,
    /// *Thử thiết bị*: nobody shall act on it.
    #[n(2)]
    Test,
}

impl Status {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Actual, Self::Exercise, Self::Test];

    /// The word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Exercise => "exercise",
            Self::Test => "test",
        }
    }

    /// Whether people shall act on it.
    pub fn is_actual(&self) -> bool {
        *self == Self::Actual
    }
}

/// What a bulletin is about; the topics by which reach is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Category {
    /// *Tin tức chung*.
    #[n(0)]
    General,
    /// *Chính sách, pháp luật*.
    #[n(1)]
    PolicyAndLaw,
    /// *An ninh, trật tự*.
    #[n(2)]
    Security,
    /// *Phòng chống thiên tai*.
    #[n(3)]
    DisasterPrevention,
    /// *Bảo vệ rừng*.
    #[n(4)]
    ForestProtection,
    /// *Y tế, sức khỏe*.
    #[n(5)]
    Health,
    /// *Khoa học, kỹ thuật, nông nghiệp*.
    #[n(6)]
    ScienceAndFarming,
    /// *Giá cả, thị trường*.
    #[n(7)]
    Market,
    /// *Văn hóa, giáo dục, thể thao*.
    #[n(8)]
    CultureAndEducation,
    /// *Thông báo của địa phương*: power cuts, meetings, obituaries.
    #[n(9)]
    LocalNotice,
}

impl Category {
    /// All categories, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::General,
        Self::PolicyAndLaw,
        Self::Security,
        Self::DisasterPrevention,
        Self::ForestProtection,
        Self::Health,
        Self::ScienceAndFarming,
        Self::Market,
        Self::CultureAndEducation,
        Self::LocalNotice,
    ];

    /// The category's word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::PolicyAndLaw => "policy_and_law",
            Self::Security => "security",
            Self::DisasterPrevention => "disaster_prevention",
            Self::ForestProtection => "forest_protection",
            Self::Health => "health",
            Self::ScienceAndFarming => "science_and_farming",
            Self::Market => "market",
            Self::CultureAndEducation => "culture_and_education",
            Self::LocalNotice => "local_notice",
        }
    }
}

/// A word that names no class, category or status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not known here")]
pub struct UnknownWord(pub String);

macro_rules! words {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.into_iter().find(|v| v.as_str() == word).ok_or_else(|| UnknownWord(word.to_owned()))
            }
        }
    };
}
words!(Class);
words!(Category);
words!(Status);

/// The language of a track: a BCP 47 tag of a language and nothing more, such as `vi`, `kpm` (K'Ho), `cma` (Mạ),
/// `cje` (Chu Ru). Two or three lower-case letters (ISO 639-1 or 639-3).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language([u8; 3]);

/// A text that is no language tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a language tag of two or three lower-case letters")]
pub struct LanguageError(pub String);

impl Language {
    /// Checks the tag.
    pub fn new(tag: impl Into<String>) -> Result<Self, LanguageError> {
        let tag = tag.into();
        // Two letters have a zero behind them, which comes before all letters.
        let letters = match tag.as_bytes() {
            [a, b] => [*a, *b, 0],
            [a, b, c] => [*a, *b, *c],
            _ => return Err(LanguageError(tag)),
        };
        let has_others = tag.bytes().any(|letter| !letter.is_ascii_lowercase());
        if has_others { Err(LanguageError(tag)) } else { Ok(Self(letters)) }
    }

    /// Vietnamese.
    pub fn vietnamese() -> Self {
        Self(*b"vi\0")
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        let letters = if self.0[2] == 0 { &self.0[..2] } else { &self.0[..] };
        // They were letters of ASCII when they came.
        std::str::from_utf8(letters).unwrap_or_default()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Language({self})")
    }
}

impl FromStr for Language {
    type Err = LanguageError;
    fn from_str(tag: &str) -> Result<Self, LanguageError> {
        Self::new(tag)
    }
}

impl<C> Encode<C> for Language {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Language {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::new(d.str()?).map_err(|e| minicbor::decode::Error::message(e.to_string()))
    }
}
