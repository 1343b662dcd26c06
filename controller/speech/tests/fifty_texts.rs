//! Fifty texts of a commune, from three words to two minutes, by every voice and at every pace: each leaves as loud as the
//! others and clips nowhere, measured on the object as a loudspeaker plays it.

use loa_speech::master::{Loudness, measure};
use loa_speech::text::{self, DEFAULT_MAX_BYTES};
use loa_speech::{Espeak, EspeakConfig, Normalizer, Recipe, Reporter, Voice, opus, speak};

/// What communes say, by kind, sentence by sentence. A text takes as many of them as it is long.
const KINDS: [&[&str]; 10] = [
    &[
        "Họp thôn tối nay.",
        "Đúng 19h30 ngày 12/10/2026, mời đại diện mỗi hộ gia đình đến nhà văn hóa thôn 3 dự họp.",
        "Nội dung: bình xét hộ nghèo, hộ cận nghèo và bàn về ngày hội Đại đoàn kết toàn dân tộc.",
        "Đề nghị bà con đến dự đông đủ, đúng giờ!",
    ],
    &[
        "Bão số 4!",
        "Hồi 4 giờ sáng nay, vị trí tâm bão ở khoảng 16,2 độ vĩ Bắc; 111,5 độ kinh Đông, gió mạnh cấp 11-12, giật cấp 15.",
        "Các hộ sống ven suối, chân đồi phải chủ động di dời người và tài sản đến nơi an toàn.",
        "Tuyệt đối không vớt củi, không lội qua suối khi nước đang lên.",
        "Khi cần cứu nạn, bà con gọi 114.",
    ],
    &[
        "Mời đi tiêm.",
        "Trạm Y tế xã tổ chức tiêm chủng cho trẻ dưới 5 tuổi, từ 7h30 đến 11h00 thứ Tư.",
        "Nếu trẻ sốt trên 38,5°C, quấy khóc kéo dài hoặc khó thở, phải đưa ngay đến trạm y tế.",
    ],
    &[
        "Giá cà phê.",
        "Giá cà phê nhân xô sáng nay là 118.500 đồng/kg, tăng 1.200 đồng so với hôm qua.",
        "Hồ tiêu 147.000 đ/kg; lúa tươi 7.500 đ/kg; heo hơi 62.000 đ/kg.",
        "Bà con không phơi cà phê trên quốc lộ, tỉnh lộ.",
    ],
    &[
        "Cắt điện.",
        "Điện lực huyện thông báo: ngừng cấp điện thôn 1, thôn 2 và thôn 5 từ 8h đến 16h30 ngày 15/11 để sửa chữa lưới điện.",
        "Mọi thắc mắc xin gọi 1900 1006.",
    ],
    &[
        "Nghe tin pháp luật.",
        "Theo Nghị định số 168/2024/NĐ-CP, người đi xe máy không đội mũ bảo hiểm bị phạt từ 400.000 đến 600.000 đồng.",
        "Luật Đất đai số 31/2024/QH15 có hiệu lực từ ngày 01/8/2024.",
        "Bà con có ý kiến xin gửi về UBND xã hoặc Ban công tác Mặt trận.",
    ],
    &[
        "Cây lúa: rầy nâu!",
        "Rầy nâu đang ở tuổi 1-2, mật độ 1.500 con/m2, cục bộ trên 3.000 con/m2.",
        "Phun thuốc theo nguyên tắc 4 đúng: đúng thuốc, đúng lúc, đúng liều lượng và đúng cách.",
    ],
    &[
        "Tin buồn.",
        "Gia đình chúng tôi vô cùng thương tiếc báo tin cụ ông K'Brèo, hưởng thọ 91 tuổi, đã từ trần.",
        "Lễ viếng bắt đầu lúc 7 giờ; lễ an táng tại nghĩa trang thôn.",
        "Xin kính báo.",
    ],
    &[
        "Chúc mừng năm mới!",
        "Nhân dịp Tết Nguyên đán, Đảng ủy, HĐND, UBND và UBMTTQ xã kính chúc toàn thể bà con sức khỏe, hạnh phúc, an khang, thịnh vượng.",
        "Trân trọng kính chào.",
    ],
    &[
        "Cảnh giác lừa đảo!",
        "Kẻ xấu tự xưng là công an, ngân hàng, yêu cầu bà con chuyển tiền hoặc cung cấp mã OTP.",
        "Bà con tuyệt đối không làm theo, không bấm vào đường dẫn lạ và gọi ngay 113.",
        "Ai ơi, xin nhớ cho kỹ: không quen thì không chuyển!",
    ],
];
const VOICES: [&str; 3] = ["vi", "vi-vn-x-central", "vi-vn-x-south"];
const PACES: [u16; 4] = [100, 125, 145, 170];

/// The text of a number: one sentence, a whole notice, several of them, and at last a bulletin of some two minutes.
fn written(number: usize) -> String {
    let kind = |at: usize| KINDS[at % KINDS.len()];
    match number {
        0..20 => kind(number)[number / 10 % 2..][..1].join(" "),
        20..40 => kind(number)[..1 + number % 3].join(" "),
        40..48 => (number..number + 2).map(|at| kind(at).join(" ")).collect::<Vec<_>>().join("\n\n"),
        _ => (number..number + 6).map(|at| kind(at).join(" ")).collect::<Vec<_>>().join("\n\n"),
    }
}

#[tokio::test]
async fn each_measures_what_was_asked_for_once_it_is_decoded() {
    let engine = Espeak::find(EspeakConfig::default()).await.unwrap();
    let (mut shortest_ms, mut longest_ms) = (u64::MAX, 0);
    for number in 0..50 {
        let words = written(number);
        let text = text::check(&words, DEFAULT_MAX_BYTES).unwrap().text;
        let voice = Voice {
            id: VOICES[number % VOICES.len()].to_owned(),
            words_per_minute: PACES[number % PACES.len()],
        };
        let recipe = Recipe { voice, ..Recipe::default() };
        let made =
            speak(&text, &recipe, &Normalizer::default(), &engine, None, &Reporter::silent()).await.unwrap();
        let Loudness { integrated_lufs, true_peak_dbtp } =
            measure(&opus::decode(&made.bytes).unwrap()).unwrap();
        let told = format!("{integrated_lufs:.2} LUFS, {true_peak_dbtp:.2} dBTP: {words}");
        assert!((integrated_lufs + 16.0).abs() <= 0.5, "{told}");
        assert!(true_peak_dbtp <= -1.5, "{told}");
        shortest_ms = shortest_ms.min(made.duration_ms);
        longest_ms = longest_ms.max(made.duration_ms);
    }
    assert!(shortest_ms < 1_500 && longest_ms > 110_000, "{shortest_ms} to {longest_ms} ms");
}
