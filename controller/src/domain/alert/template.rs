//! Prepared templates: what kinds there are, and the words with which each begins.
//!
//! The words are a beginning: staff put their own place names and gathering points into a copy, which is approved as it then stands. They say
//! what happens, what to do, what to take along, and whom to call, in this order, in sentences that can be read aloud once and understood.

use std::str::FromStr;

use loa_protocol::bulletin::Category;
use loa_protocol::timeline::Severity;

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TemplateKind {
    /// A storm or tropical depression.
    Storm,
    /// Flood, flash flood, landslide.
    Flood,
    /// Forest fire.
    ForestFire,
    /// Evacuation.
    Evacuation,
    /// Anything else.
    Other,
}

/// A word that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of template")]
pub struct UnknownKind(pub String);

impl TemplateKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Storm, Self::Flood, Self::ForestFire, Self::Evacuation, Self::Other];

    /// The kind's word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storm => "storm",
            Self::Flood => "flood",
            Self::ForestFire => "forest_fire",
            Self::Evacuation => "evacuation",
            Self::Other => "other",
        }
    }

    /// How severe it usually is.
    pub fn severity(self) -> Severity {
        match self {
            Self::Storm | Self::Flood | Self::ForestFire => Severity::Severe,
            Self::Evacuation => Severity::Extreme,
            Self::Other => Severity::Moderate,
        }
    }

    /// What it is about.
    pub fn category(self) -> Category {
        match self {
            Self::Storm | Self::Flood | Self::Evacuation => Category::DisasterPrevention,
            Self::ForestFire => Category::ForestProtection,
            Self::Other => Category::LocalNotice,
        }
    }

    /// The title and the text with which it begins; empty for [`TemplateKind::Other`].
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Storm => ("Cảnh báo bão", STORM),
            Self::Flood => ("Cảnh báo lũ quét, sạt lở đất", FLOOD),
            Self::ForestFire => ("Cảnh báo cháy rừng", FOREST_FIRE),
            Self::Evacuation => ("Lệnh sơ tán khẩn cấp", EVACUATION),
            Self::Other => ("", ""),
        }
    }
}

impl FromStr for TemplateKind {
    type Err = UnknownKind;
    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| UnknownKind(word.to_owned()))
    }
}

const STORM: &str = "\
Ủy ban nhân dân thông báo khẩn: bão sắp ảnh hưởng trực tiếp đến địa bàn, có gió giật mạnh và mưa to.
Đề nghị bà con ở yên trong nhà kiên cố, đóng chặt cửa, tránh xa cửa kính, cây to, cột điện và biển quảng cáo. Ngắt cầu dao điện nếu nước vào nhà.
Tàu thuyền, người làm nương, làm rẫy, trông coi lồng bè phải trở về nơi an toàn ngay. Gia đình ở nhà tạm, ven sông suối, dưới chân đồi dốc hãy chuyển đến nơi tránh trú theo hướng dẫn của thôn.
Không ra đường khi bão chưa tan, kể cả lúc trời bỗng lặng gió.
Cần cứu giúp, hãy báo ngay cho trưởng thôn, công an xã, hoặc gọi số 112.";

const FLOOD: &str = "\
Ủy ban nhân dân thông báo khẩn: mưa lớn, nước sông suối đang lên nhanh, nguy cơ lũ quét và sạt lở đất rất cao.
Bà con sống ven sông suối, dưới chân đồi dốc phải rời khỏi nhà ngay, đi lên nơi cao và chắc chắn. Giúp người già, trẻ em, người khuyết tật đi trước.
Tuyệt đối không đi qua ngầm, tràn, cầu tạm khi nước chảy xiết. Không vớt củi, không đánh bắt cá, không quay lại lấy tài sản.
Thấy đất nứt, cây nghiêng, nước suối đột ngột đục hoặc có tiếng ầm từ phía núi, hãy chạy ngay sang hai bên, tránh xa dòng chảy, và báo cho mọi người chung quanh.
Cần cứu giúp, hãy báo ngay cho trưởng thôn, công an xã, hoặc gọi số 112.";

const FOREST_FIRE: &str = "\
Ủy ban nhân dân thông báo khẩn: đang có cháy rừng trên địa bàn, lửa có thể lan rất nhanh theo gió.
Người đang ở trong rừng, trên nương rẫy gần khu vực cháy phải ra ngay, đi ngang hoặc ngược hướng gió, không chạy lên dốc trước ngọn lửa.
Gia đình ở gần rừng hãy dọn vật dễ cháy quanh nhà, đóng kín cửa, chuẩn bị nước và sẵn sàng rời đi khi có lệnh. Lấy khăn ướt che mũi, miệng nếu có khói.
Tuyệt đối không đốt nương, đốt rác, dùng lửa ngoài trời. Người không có nhiệm vụ không vào khu vực cháy; nhường đường cho xe chữa cháy.
Phát hiện đám cháy mới hoặc người bị nạn, hãy báo ngay cho kiểm lâm, công an xã, hoặc gọi số 114.";

const EVACUATION: &str = "\
Lệnh sơ tán khẩn cấp của Ủy ban nhân dân: bà con trong khu vực nguy hiểm phải rời khỏi nhà ngay bây giờ, đến điểm tập kết của thôn.
Mang theo giấy tờ tùy thân, thuốc đang dùng, nước uống, quần áo ấm, điện thoại và đèn pin. Ngắt điện, khóa bình ga, khóa cửa. Không mang đồ cồng kềnh.
Đưa người già, trẻ em, phụ nữ có thai, người khuyết tật và người ốm đi trước. Nhà nào có xe hãy chở giúp hàng xóm. Đi theo hướng dẫn của công an, quân đội và cán bộ thôn.
Không quay lại nhà khi chưa có thông báo an toàn.
Ai không tự đi được, hãy báo ngay cho trưởng thôn, công an xã, hoặc gọi số 112.";
