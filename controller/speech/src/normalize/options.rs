//! How numbers are said: what differs from region to region, and from one broadcaster's house style to another's.

/// Where the listeners live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Region {
    /// Hà Nội and the national broadcaster.
    #[default]
    North,
    /// Huế, Đà Nẵng, the Central Highlands.
    Central,
    /// Thành phố Hồ Chí Minh and the Mekong delta.
    South,
}

impl std::str::FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "north" => Ok(Self::North),
            "central" => Ok(Self::Central),
            "south" => Ok(Self::South),
            other => Err(UnknownRegion(other.to_owned())),
        }
    }
}

/// No region has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no region {0:?}: say north, central or south")]
pub struct UnknownRegion(String);

/// The word for 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thousand {
    /// nghìn
    Nghin,
    /// ngàn
    Ngan,
}

/// What is said for a missing ten: 105 is "một trăm linh năm" or "một trăm lẻ năm".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MissingTen {
    /// linh
    Linh,
    /// lẻ
    Le,
}

/// The four behind twenty and more: 24 is "hai mươi tư" or "hai mươi bốn". The fourth month is "tháng tư" everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Four {
    /// tư
    Tu,
    /// bốn
    Bon,
}

/// How a year is said; here 2024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum YearStyle {
    /// hai nghìn không trăm hai mươi tư
    Full,
    /// hai nghìn hai mươi tư
    Short,
    /// hai không hai tư
    Digits,
}

/// The stroke in a house number: 12/5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HouseStroke {
    /// trên
    Tren,
    /// xẹt
    Xet,
}

/// Every choice that the normaliser leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// 1,000.
    pub thousand: Thousand,
    /// 105.
    pub missing_ten: MissingTen,
    /// 24.
    pub four: Four,
    /// The year 2024.
    pub year: YearStyle,
    /// House number 12/5.
    pub house_stroke: HouseStroke,
}

impl Default for Options {
    /// As the national broadcaster speaks.
    fn default() -> Self {
        Self::of(Region::North)
    }
}

impl Options {
    /// The habits of a region.
    #[must_use]
    pub const fn of(region: Region) -> Self {
        let north = Self {
            thousand: Thousand::Nghin,
            missing_ten: MissingTen::Linh,
            four: Four::Tu,
            year: YearStyle::Full,
            house_stroke: HouseStroke::Tren,
        };
        let central = Self { thousand: Thousand::Ngan, missing_ten: MissingTen::Le, ..north };
        match region {
            Region::North => north,
            Region::Central => central,
            Region::South => Self { four: Four::Bon, house_stroke: HouseStroke::Xet, ..central },
        }
    }

    pub(super) const fn thousand(&self) -> &'static str {
        match self.thousand {
            Thousand::Nghin => "nghìn",
            Thousand::Ngan => "ngàn",
        }
    }

    pub(super) const fn missing_ten(&self) -> &'static str {
        match self.missing_ten {
            MissingTen::Linh => "linh",
            MissingTen::Le => "lẻ",
        }
    }

    pub(super) const fn four(&self) -> &'static str {
        match self.four {
            Four::Tu => "tư",
            Four::Bon => "bốn",
        }
    }

    pub(super) const fn house_stroke(&self) -> &'static str {
        match self.house_stroke {
            HouseStroke::Tren => "trên",
            HouseStroke::Xet => "xẹt",
        }
    }
}
