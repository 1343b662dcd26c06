//! Words that are written short. A first set: the names that communes write every day.

/// Abbreviations and what they stand for. Spelling counts: `TT` is a township, `tt` is nothing.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("ANTT", "an ninh trật tự"),
    ("ATGT", "an toàn giao thông"),
    ("ATTP", "an toàn thực phẩm"),
    ("BCĐ", "Ban chỉ đạo"),
    ("BCH", "Ban chấp hành"),
    ("BHXH", "bảo hiểm xã hội"),
    ("BHYT", "bảo hiểm y tế"),
    ("BQL", "Ban quản lý"),
    ("CA", "Công an"),
    ("CCB", "cựu chiến binh"),
    ("CCCD", "căn cước công dân"),
    ("CLB", "câu lạc bộ"),
    ("CMND", "chứng minh nhân dân"),
    ("CNCH", "cứu nạn cứu hộ"),
    ("CNTT", "công nghệ thông tin"),
    ("CSGT", "cảnh sát giao thông"),
    ("ĐBQH", "đại biểu Quốc hội"),
    ("ĐHQG", "Đại học Quốc gia"),
    ("DTTS", "dân tộc thiểu số"),
    ("GPLX", "giấy phép lái xe"),
    ("HĐND", "Hội đồng nhân dân"),
    ("HKTT", "hộ khẩu thường trú"),
    ("HS", "học sinh"),
    ("HTX", "hợp tác xã"),
    ("KHHGĐ", "kế hoạch hóa gia đình"),
    ("KHKT", "khoa học kỹ thuật"),
    ("KTTV", "khí tượng thủy văn"),
    ("LĐTBXH", "lao động, thương binh và xã hội"),
    ("LHPN", "liên hiệp phụ nữ"),
    ("MTTQ", "Mặt trận Tổ quốc"),
    ("NN", "nông nghiệp"),
    ("NN&PTNT", "nông nghiệp và phát triển nông thôn"),
    ("NTM", "nông thôn mới"),
    ("NVQS", "nghĩa vụ quân sự"),
    ("ÔNMT", "ô nhiễm môi trường"),
    ("PCCC", "phòng cháy chữa cháy"),
    ("PCLB", "phòng chống lụt bão"),
    ("PCTT", "phòng chống thiên tai"),
    ("PTDS", "phòng thủ dân sự"),
    ("PTDTNT", "phổ thông dân tộc nội trú"),
    ("QĐND", "Quân đội nhân dân"),
    ("SĐT", "số điện thoại"),
    ("SXH", "sốt xuất huyết"),
    ("SXKD", "sản xuất kinh doanh"),
    ("TAND", "Tòa án nhân dân"),
    ("TDP", "tổ dân phố"),
    ("THCS", "trung học cơ sở"),
    ("THPT", "trung học phổ thông"),
    ("TKCN", "tìm kiếm cứu nạn"),
    ("TNCS", "Thanh niên Cộng sản"),
    ("TNHH", "trách nhiệm hữu hạn"),
    ("TNGT", "tai nạn giao thông"),
    ("TT&TT", "Thông tin và Truyền thông"),
    ("TTHC", "thủ tục hành chính"),
    ("UBBC", "Ủy ban bầu cử"),
    ("UBDT", "Ủy ban Dân tộc"),
    ("UBMTTQ", "Ủy ban Mặt trận Tổ quốc"),
    ("UBND", "Ủy ban nhân dân"),
    ("VHTT", "văn hóa thông tin"),
    ("VKSND", "Viện kiểm sát nhân dân"),
    ("VSMT", "vệ sinh môi trường"),
    ("VTNN", "vật tư nông nghiệp"),
    ("XHCN", "xã hội chủ nghĩa"),
    ("YTDP", "y tế dự phòng"),
    ("COVID", "cô vít"),
    ("Covid", "cô vít"),
    ("VNeID", "vi nét i đi"),
];

/// Abbreviations that take a dot, which never ends a sentence; only in front of a capital or a number.
const DOTTED: &[(&str, &str)] = &[
    ("BS", "bác sĩ"),
    ("CN", "cử nhân"),
    ("Đ", "đường"),
    ("GS", "giáo sư"),
    ("H", "huyện"),
    ("KS", "kỹ sư"),
    ("P", "phường"),
    ("PGS", "phó giáo sư"),
    ("Q", "quận"),
    ("QL", "quốc lộ"),
    ("T", "tỉnh"),
    ("TL", "tỉnh lộ"),
    ("TP", "thành phố"),
    ("Tp", "thành phố"),
    ("TS", "tiến sĩ"),
    ("TT", "thị trấn"),
    ("TX", "thị xã"),
    ("ThS", "thạc sĩ"),
    ("Ths", "thạc sĩ"),
    ("X", "xã"),
    ("Tr", "trang"),
];

/// Of the dotted ones, those that are also written without a dot.
const DOT_OPTIONAL: &[&str] = &["BS", "GS", "PGS", "QL", "TL", "TP", "Tp", "TS", "TT", "TX", "ThS", "Ths"];

/// Abbreviated place names.
const PLACES: &[(&str, &str)] = &[("HCM", "Hồ Chí Minh"), ("HN", "Hà Nội"), ("BMT", "Buôn Ma Thuột")];

/// Who issues legal documents, by the last part of the number.
const ISSUERS: &[(&str, &str)] = &[
    ("BCA", "Bộ Công an"),
    ("BCT", "Bộ Công thương"),
    ("BGDĐT", "Bộ Giáo dục và Đào tạo"),
    ("BNV", "Bộ Nội vụ"),
    ("BQP", "Bộ Quốc phòng"),
    ("BTC", "Bộ Tài chính"),
    ("BTTTT", "Bộ Thông tin và Truyền thông"),
    ("BYT", "Bộ Y tế"),
    ("CP", "Chính phủ"),
    ("HĐND", "Hội đồng nhân dân"),
    ("QH", "Quốc hội"),
    ("TTg", "Thủ tướng Chính phủ"),
    ("TU", "Tỉnh ủy"),
    ("TW", "Trung ương"),
    ("UBDT", "Ủy ban Dân tộc"),
    ("UBND", "Ủy ban nhân dân"),
    ("UBTVQH", "Ủy ban Thường vụ Quốc hội"),
];

/// Units behind a number. Spelling counts, except that two or more letters may be capitals.
const UNITS: &[(&str, &str)] = &[
    ("mm", "mi li mét"),
    ("cm", "xăng ti mét"),
    ("dm", "đề xi mét"),
    ("m", "mét"),
    ("km", "ki lô mét"),
    ("mg", "mi li gam"),
    ("g", "gam"),
    ("kg", "ki lô gam"),
    ("ha", "héc ta"),
    ("ml", "mi li lít"),
    ("l", "lít"),
    ("kw", "ki lô oát"),
    ("kwh", "ki lô oát giờ"),
    ("mw", "mê ga oát"),
    ("kv", "ki lô vôn"),
    ("V", "vôn"),
    ("W", "oát"),
    ("hz", "hẹc"),
    ("mhz", "mê ga hẹc"),
    ("ghz", "gi ga hẹc"),
    ("mb", "mê ga bai"),
    ("gb", "gi ga bai"),
    ("h", "giờ"),
    ("s", "giây"),
    ("p", "phút"),
    ("đ", "đồng"),
    ("vnđ", "đồng"),
    ("vnd", "đồng"),
    ("usd", "đô la"),
    ("k", "nghìn"),
    ("K", "nghìn"),
    ("tr", "triệu"),
];

const LETTERS: &[(char, &str)] = &[
    ('A', "a"),
    ('Ă', "á"),
    ('Â', "ớ"),
    ('B', "bê"),
    ('C', "xê"),
    ('D', "dê"),
    ('Đ', "đê"),
    ('E', "e"),
    ('Ê', "ê"),
    ('F', "ép"),
    ('G', "giê"),
    ('H', "hát"),
    ('I', "i"),
    ('J', "gi"),
    ('K', "ca"),
    ('L', "e lờ"),
    ('M', "em mờ"),
    ('N', "en nờ"),
    ('O', "o"),
    ('Ô', "ô"),
    ('Ơ', "ơ"),
    ('P', "pê"),
    ('Q', "quy"),
    ('R', "e rờ"),
    ('S', "ét sì"),
    ('T', "tê"),
    ('U', "u"),
    ('Ư', "ư"),
    ('V', "vê"),
    ('W', "vê kép"),
    ('X', "ích xì"),
    ('Y', "y"),
    ('Z', "dét"),
];

fn find<'t>(table: &[(&str, &'t str)], key: &str) -> Option<&'t str> {
    table.iter().find(|(short, _)| *short == key).map(|(_, long)| *long)
}

pub(super) fn abbreviation(word: &str) -> Option<&'static str> {
    find(ABBREVIATIONS, word)
}

pub(super) fn dotted(word: &str) -> Option<&'static str> {
    find(DOTTED, word)
}

pub(super) fn dot_is_optional(word: &str) -> bool {
    DOT_OPTIONAL.contains(&word)
}

pub(super) fn place(word: &str) -> Option<&'static str> {
    find(PLACES, word)
}

pub(super) fn issuer(word: &str) -> Option<&'static str> {
    find(ISSUERS, word)
}

pub(super) fn unit(word: &str) -> Option<&'static str> {
    find(UNITS, word).or_else(|| {
        let long = (2..=3).contains(&word.chars().count());
        long.then(|| word.to_lowercase()).and_then(|lower| find(UNITS, &lower))
    })
}

/// A word of capitals that can't be a syllable is spelled: "BNN" is "bê en nờ en nờ". Nothing for other words.
pub(super) fn spelled(word: &str) -> Option<String> {
    let count = word.chars().count();
    let is_acronym = (2..=6).contains(&count)
        && word.chars().all(|c| c.is_uppercase())
        && !word.chars().any(|c| "AĂÂEÊIOÔƠUƯY".contains(c));
    is_acronym.then(|| spell(word)).flatten()
}

/// The names of the letters; nothing where one has no Vietnamese name.
pub(super) fn spell(word: &str) -> Option<String> {
    let names: Option<Vec<&str>> = word
        .chars()
        .map(|c| {
            let upper = c.to_uppercase().next().unwrap_or(c);
            LETTERS.iter().find(|(letter, _)| *letter == upper).map(|(_, name)| *name)
        })
        .collect();
    names.map(|names| names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_short_form_stands_twice_and_none_leaves_a_digit() {
        for table in [ABBREVIATIONS, DOTTED, PLACES, ISSUERS, UNITS] {
            let mut keys: Vec<&str> = table.iter().map(|(short, _)| *short).collect();
            let count = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), count);
            assert!(table.iter().all(|(_, long)| !long.contains(|c: char| c.is_ascii_digit())));
        }
        assert!(DOT_OPTIONAL.iter().all(|short| dotted(short).is_some()));
    }

    #[test]
    fn only_what_cannot_be_a_syllable_is_spelled() {
        assert_eq!(spelled("BNN").as_deref(), Some("bê en nờ en nờ"));
        for word in ["HỌP", "TỔ", "ASEAN", "xã", "A"] {
            assert_eq!(spelled(word), None, "{word}");
        }
    }
}
