//! Where each target begins: real messages, files and texts, taken from where the repository already keeps them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use data_encoding::HEXLOWER_PERMISSIVE;
use loa_protocol::enrolment::{SignedTrustAnchor, TrustAnchor};
use loa_protocol::wire::Wire as _;

use crate::keys;

/// Only so much of a text file, from its beginning.
const TEXT_BYTES: usize = 1_500;

/// The seeds of a target.
///
/// # Errors
/// When a file of the repository cannot be read.
pub fn of(target: &str) -> Result<Vec<Vec<u8>>> {
    match target {
        "messages" => Ok([golden()?, enrolment()].concat()),
        "documents" => golden(),
        "timeline" => Ok(patterns()),
        "text" => texts(),
        "recording" => audio(&["wav", "mp3", "flac", "ogg", "m4a", "mp4", "webm"]),
        "node_sound" => audio(&["ogg"]),
        "mqtt" => Ok(packets()),
        _ => anyhow::bail!("there is no target {target}"),
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of a folder, in the order of their names.
fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = repository().join(folder);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("no folder {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn golden() -> Result<Vec<Vec<u8>>> {
    let decode = |path: &PathBuf| {
        let mut digits = read(path)?;
        digits.retain(u8::is_ascii_hexdigit);
        HEXLOWER_PERMISSIVE.decode(&digits).with_context(|| format!("no hex in {}", path.display()))
    };
    files("protocol/golden")?.iter().map(decode).collect()
}

fn enrolment() -> Vec<Vec<u8>> {
    let token = keys::token();
    let anchor =
        TrustAnchor { tenant: keys::tenant(), broker_name: "loa-broker".to_owned(), ca_pem: "CA".to_owned() };
    let signed = SignedTrustAnchor::sign(&anchor, &keys::root());
    vec![
        token.to_text().into_bytes(),
        b"loa/1/lam-dong/u/k-nai-1/receipt".to_vec(),
        b"loa/1/lam-dong/x/bon-dung/0123456789abcdef".to_vec(),
        anchor.to_cbor(),
        signed.to_cbor(),
        keys::request().to_cbor(),
    ]
}

/// Patterns in zones that skip and repeat hours, in the layout of [`timeline`](crate::timeline).
fn patterns() -> Vec<Vec<u8>> {
    let zones =
        ["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia"];
    let patterns = [
        "30 17 * * 1-5",
        "*/20 2,3 * * *",
        "0 0 1 * sun",
        "0 6 29 2 *",
        "15,30 2 30 3,10 *",
        "0 6 31 11 0-7/2",
        "59 23 */2 dec MON",
    ];
    let zone_index = |name| chrono_tz::TZ_VARIANTS.iter().position(|zone| zone.name() == name);
    let mut seeds = Vec::new();
    for (number, zone) in (0_i64..).zip(zones) {
        for pattern in patterns {
            let index = zone_index(zone).and_then(|index| u16::try_from(index).ok()).unwrap_or(0);
            let mut seed = index.to_le_bytes().to_vec();
            seed.extend(((keys::ISSUED_AT_S + number * 10_000_000) * 1000).to_le_bytes());
            seed.extend(31_536_000_u32.to_le_bytes());
            seed.extend([0, 0, 0, 0, 0, u8::try_from(number).unwrap_or(0)]);
            seed.extend(pattern.as_bytes());
            seeds.push(seed);
        }
    }
    seeds
}

/// What is written in Vietnamese here, and what reaches the normaliser's rules.
fn texts() -> Result<Vec<Vec<u8>>> {
    let mut seeds: Vec<Vec<u8>> = [
        "Ngày 12/10/2025, lúc 7h30 - 11h00, UBND xã họp. Quý IV/2025.",
        "Giá 1.250.000đ/kg, giảm 25%; gió cấp 8-9, 62 km/h, mưa 120-150 mm, 38,5°C.",
        "Gọi 0263.3822.111 hoặc 113; Nghị định số 15/2020/NĐ-CP; QĐ 123/QĐ-UBND.",
        "Bà con thôn K'Ho, Đạ Nhim [[h@l'oU]] 🎉 1️⃣ ① Ⅳ ½ ²",
        "Xin mời [nghỉ 2 giây] bà con [nhấn: gọi [từng số: 115] ngay], họp [đọc ngày: 12/10] lúc [đọc giờ: 7:30].",
        "[đánh vần: BHXH] [đọc số: 1.250] [đọc số La Mã: XIV] [đọc điện thoại: 0263 3822 456] [đọc tỷ số: 2-1]",
        "[đọc là: K'Brêm = cơ brêm] [tiếng Anh: hotline 24/7] [en-GB: at 5] [tiếng K'Ho: niam sa] [xã] [Ghi chú: 3]",
        "ngày [nhấn: 12/10] [nghỉ: 0,5 giây][nghỉ nửa giây] [nghỉ 99 phút] [nhấn [nhan: [spell: A1] [[ ]] [pause 2",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    for file in
        ["docs/glossary.md", "controller/web/locales/vi.ftl", "controller/speech/tests/normalize/cases.tsv"]
    {
        let text =
            String::from_utf8(read(&repository().join(file))?).with_context(|| format!("no text: {file}"))?;
        seeds.push(text.chars().take(TEXT_BYTES).collect::<String>().into_bytes());
    }
    Ok(seeds)
}

/// What bytes alone would hardly become: the words of the mark-up, and the signs that join numbers.
const WORDS_OF_TEXTS: [&str; 48] = [
    "[nghỉ]",
    "[nghỉ ",
    "[pause ",
    "giây",
    "ms",
    "phút",
    "nửa giây",
    "[nhấn: ",
    "[emphasis: ",
    "[đánh vần: ",
    "[từng số: ",
    "[spell: ",
    "[đọc là: ",
    " = ",
    "[read as: ",
    "[đọc số: ",
    "[đọc ngày: ",
    "[đọc giờ: ",
    "[đọc số La Mã: ",
    "[đọc điện thoại: ",
    "[đọc tỷ số: ",
    "[as number: ",
    "[tiếng Anh: ",
    "[en: ",
    "[fr-CA: ",
    "[tiếng Việt: ",
    "[vi: ",
    "[tiếng K'Ho: ",
    "[kpm: ",
    "]",
    "[[",
    "]]",
    "ngày ",
    "tháng ",
    "lúc ",
    "số ",
    "từ ",
    "thứ ",
    "/2025",
    "/NĐ-CP",
    "QĐ-UBND",
    "7h30",
    "1.250.000",
    "đ/kg",
    "°C",
    "XIV",
    "12/10",
    "0263.3822.456",
];

/// What libFuzzer may put into the bytes of a target as a whole.
#[must_use]
pub fn words_of(target: &str) -> &'static [&'static str] {
    if target == "text" { &WORDS_OF_TEXTS } else { &[] }
}

fn audio(endings: &[&str]) -> Result<Vec<Vec<u8>>> {
    let wanted = |path: &&PathBuf| {
        path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending))
    };
    files("audio-samples")?.iter().filter(wanted).map(|path| read(path)).collect()
}

/// Packets of a broker (MQTT 5, chapter 3), one after another.
fn packets() -> Vec<Vec<u8>> {
    let publish = [&[0x32, 0x0d, 0x00, 0x05][..], b"loa/1", &[0x00, 0x09, 0x00], b"abc"].concat();
    let retained = [&[0x31, 0x0f, 0x00, 0x05][..], b"loa/1", &[0x05, 0x02, 0, 0, 0, 60], b"ab"].concat();
    let granted = vec![0x90, 0x04, 0x00, 0x01, 0x00, 0x01];
    let taken = vec![0x40, 0x02, 0x00, 0x02];
    let refused = vec![0x40, 0x04, 0x00, 0x03, 0x87, 0x00];
    let taken_over = vec![0xE0, 0x02, 0x8E, 0x00];
    let connack = vec![0x20, 0x09, 0x00, 0x00, 0x06, 0x21, 0x00, 0x10, 0x13, 0x00, 0x3c];
    let pong = vec![0xD0, 0x00];
    let parts = [&granted, &taken, &refused, &publish, &retained, &pong, &taken_over];
    let all: Vec<u8> = parts.into_iter().flatten().copied().collect();
    let session = connack.iter().chain(&all).copied().collect();
    vec![session, all, granted, taken, refused, publish, retained, taken_over, connack]
}
