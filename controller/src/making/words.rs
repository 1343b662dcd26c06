//! What is said to an author whose sound could not be made, and how progress becomes one number.

use loa_speech::master::MasterError;
use loa_speech::{FinishError, Progress, RecordingError, SpeechError, Stage, SynthesisError, TextError};

use super::MakingFailed;
use crate::domain::bulletin::MakingError;

fn words(code: &str, vi: impl Into<String>, en: impl Into<String>) -> MakingError {
    MakingError { code: code.to_owned(), vi: vi.into(), en: en.into() }
}

/// The words for a failure, kept with the job. Causes that an author cannot mend are for the log.
pub fn making_error(failed: &MakingFailed) -> MakingError {
    match failed {
        MakingFailed::Store(_) => words(
            "making.store",
            "Máy chủ chưa ghi được âm thanh (có thể ổ đĩa đã đầy). Hãy báo quản trị viên rồi bấm “Làm lại”.",
            "The server could not store the sound (the disk may be full). Tell the administrator, then try again.",
        ),
        MakingFailed::Text(error) => text(error),
        MakingFailed::Speech(SpeechError::Synthesis(error)) => synthesis(error),
        MakingFailed::Speech(SpeechError::Recording(error)) => recording(error),
        MakingFailed::Speech(SpeechError::Finish(error)) => finish(error),
        MakingFailed::Speech(SpeechError::Worker(_)) => words(
            "making.interrupted",
            "Việc tạo âm thanh bị gián đoạn. Hãy bấm “Làm lại”.",
            "The making of the sound was interrupted. Try again.",
        ),
        MakingFailed::Lost => words(
            "making.lost",
            "Đã thử nhiều lần nhưng không tạo được âm thanh. Hãy kiểm tra lại nội dung hoặc tệp thu âm rồi bấm “Làm lại”; nếu vẫn lỗi, báo quản trị viên.",
            "The sound was tried several times and never finished. Check the text or the recording and try again; if it fails again, tell the administrator.",
        ),
        MakingFailed::UploadMissing(_) => words(
            "recording.missing",
            "Tệp thu âm đã tải lên không còn trên máy chủ. Hãy tải lên lại.",
            "The uploaded file is no longer on the server. Upload it again.",
        ),
        MakingFailed::TooLarge => words(
            "sound.too_long",
            "Bản tiếng dài quá mức cụm loa nhận được (16 MB). Hãy chia thành nhiều bản tin.",
            "The sound is longer than loudspeakers take (16 MB). Cut it into several bulletins.",
        ),
    }
}

fn text(error: &TextError) -> MakingError {
    let vi = match error {
        TextError::Empty => "Chưa có nội dung để đọc.".to_owned(),
        TextError::TooLong { max_bytes, .. } => {
            format!("Nội dung dài quá {max_bytes} byte. Hãy chia thành nhiều bản tin.")
        }
        TextError::ControlCharacter { position, .. } => {
            format!(
                "Có ký tự điều khiển ở dòng {}, ký tự {}. Hãy xóa ký tự đó.",
                position.line, position.column
            )
        }
        TextError::Garbled { position } => {
            format!(
                "Chữ ở dòng {}, ký tự {} bị hỏng khi sao chép. Hãy gõ lại chữ đó.",
                position.line, position.column
            )
        }
        TextError::NothingToSay => "Nội dung không có chữ hay số nào để đọc.".to_owned(),
    };
    words("text.unspeakable", vi, error.to_string())
}

/// The words for an engine that did not speak.
pub(super) fn synthesis(error: &SynthesisError) -> MakingError {
    const RETRY: &str = "Hãy bấm “Làm lại”; nếu vẫn lỗi, báo quản trị viên.";
    const TELL: &str = "Hãy báo quản trị viên.";
    let (code, what, then) = match error {
        SynthesisError::EngineMissing { program, install, .. } => {
            return words(
                "voice.engine_missing",
                format!(
                    "Máy chủ chưa có bộ đọc {}. Quản trị viên chạy lệnh `{install}`, rồi bấm “Làm lại”.",
                    program.display()
                ),
                error.to_string(),
            );
        }
        SynthesisError::UnknownVoice { engine, voice, .. } => {
            ("voice.unknown", format!("Bộ đọc “{engine}” không có giọng “{voice}”."), "Hãy chọn giọng khác.")
        }
        SynthesisError::NoVoiceOf { engine, language } => (
            "voice.no_language",
            format!("Bộ đọc “{engine}” không có giọng cho đoạn đánh dấu là tiếng “{language}”."),
            "Hãy bỏ lệnh chọn ngôn ngữ, hoặc báo quản trị viên.",
        ),
        SynthesisError::Pace { min, max, .. } => (
            "voice.pace",
            format!("Tốc độ đọc phải từ {min} đến {max} từ mỗi phút."),
            "Hãy chọn tốc độ khác.",
        ),
        SynthesisError::Settings { engine, .. } => {
            ("voice.settings", format!("Bộ đọc “{engine}” chưa được cài đặt đúng."), TELL)
        }
        SynthesisError::Unreachable { engine, .. } => {
            ("voice.unreachable", format!("Không kết nối được tới máy chủ của bộ đọc “{engine}”."), RETRY)
        }
        SynthesisError::TimedOut { engine, .. } | SynthesisError::NotReady { engine, .. } => {
            ("voice.timed_out", format!("Bộ đọc “{engine}” không trả lời kịp."), RETRY)
        }
        SynthesisError::Refused { engine, status: 401 | 403, .. } => {
            ("voice.key_refused", format!("Bộ đọc “{engine}” không chấp nhận khóa truy cập."), TELL)
        }
        SynthesisError::Refused { engine, status: 402, .. } => {
            ("voice.unpaid", format!("Tài khoản của bộ đọc “{engine}” đã hết tiền."), TELL)
        }
        SynthesisError::Refused { engine, status: 429, .. } => {
            ("voice.busy", format!("Bộ đọc “{engine}” đang nhận quá nhiều yêu cầu."), RETRY)
        }
        SynthesisError::Refused { engine, status, .. } => {
            ("voice.refused", format!("Máy chủ của bộ đọc “{engine}” báo lỗi {status}."), RETRY)
        }
        SynthesisError::Declined { engine, code, message } => {
            ("voice.declined", format!("Bộ đọc “{engine}” từ chối đọc (mã {code}: {message})."), TELL)
        }
        SynthesisError::BadAudio { engine, .. } | SynthesisError::Pcm { engine, .. } => (
            "voice.bad_audio",
            format!("Bộ đọc “{engine}” gửi về dữ liệu không phải âm thanh hoặc bị thiếu."),
            RETRY,
        ),
        SynthesisError::NothingToSay => {
            ("voice.nothing", "Nội dung không có gì để đọc.".to_owned(), "Hãy sửa lại nội dung.")
        }
        SynthesisError::EngineIo { program, .. } | SynthesisError::EngineFailed { program, .. } => {
            ("voice.failed", format!("Bộ đọc {} gặp lỗi.", program.display()), RETRY)
        }
        SynthesisError::Worker(_) => ("voice.failed", "Bộ đọc gặp lỗi.".to_owned(), RETRY),
    };
    words(code, format!("{what} {then}"), error.to_string())
}

/// The note on a track that `engine` spoke because the preferred one did not, for the reason `why`.
pub(super) fn instead(engine: &str, why: MakingError) -> MakingError {
    // What its author should do about it falls away: the sound is there.
    let what = why.vi.split_once(" Hãy ").map_or(why.vi.as_str(), |(what, _)| what);
    let vi = format!("Đã đọc bằng “{engine}” thay cho giọng ưu tiên. Lý do: {what}");
    let en = format!("Spoken by {engine} in place of the preferred voice: {}", why.en);
    MakingError { code: why.code, vi, en }
}

fn recording(error: &RecordingError) -> MakingError {
    let (code, vi) = match error {
        RecordingError::Empty => ("recording.empty", "Tệp thu âm rỗng. Hãy chọn tệp khác.".to_owned()),
        RecordingError::TooManyBytes { max_bytes, .. } => (
            "recording.too_large",
            format!("Tệp thu âm lớn quá {} MB. Hãy lưu thành MP3 hoặc Opus.", max_bytes / (1024 * 1024)),
        ),
        RecordingError::TooLong { max_duration_ms, .. } => (
            "recording.too_long",
            format!("Bản thu âm dài quá {} phút. Hãy cắt ngắn.", max_duration_ms / 60_000),
        ),
        RecordingError::NotAudio => (
            "recording.not_audio",
            "Tệp này không phải âm thanh. Hãy gửi WAV, MP3, FLAC, Ogg, M4A hoặc WebM.".to_owned(),
        ),
        RecordingError::Unsupported { .. } => (
            "recording.unsupported",
            "Không đọc được loại tệp này. Hãy lưu thành WAV, MP3, FLAC, Ogg, M4A hoặc WebM.".to_owned(),
        ),
        RecordingError::Truncated { decoded_ms: 0..1000, .. } => {
            ("recording.truncated", "Tệp bị đứt, thiếu phần cuối. Hãy tải lên lại.".to_owned())
        }
        RecordingError::Truncated { decoded_ms, .. } => {
            ("recording.truncated", format!("Tệp bị đứt sau {} giây. Hãy tải lên lại.", decoded_ms / 1000))
        }
        RecordingError::Damaged { decoded_ms: 0..1000, .. } => {
            ("recording.damaged", "Tệp bị hỏng ngay từ đầu. Hãy lưu lại rồi tải lên.".to_owned())
        }
        RecordingError::Damaged { decoded_ms, .. } => (
            "recording.damaged",
            format!("Tệp bị hỏng sau {} giây. Hãy lưu lại rồi tải lên.", decoded_ms / 1000),
        ),
        RecordingError::Silent { .. } => {
            ("recording.silent", "Bản thu âm không có tiếng. Hãy kiểm tra micrô rồi thu lại.".to_owned())
        }
        RecordingError::NoSpeech { .. } => (
            "recording.no_speech",
            "Bản thu âm chỉ có tiếng ồn, không có tiếng nói. Hãy kiểm tra xem micrô có đang tắt không rồi thu lại."
                .to_owned(),
        ),
        RecordingError::Pcm(_) => {
            ("recording.unusable", "Âm thanh trong tệp không dùng được. Hãy lưu lại rồi tải lên.".to_owned())
        }
    };
    words(code, vi, error.to_string())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest are faults of the program: one sentence serves them all"
)]
fn finish(error: &FinishError) -> MakingError {
    let (code, vi) = match error {
        FinishError::Master(MasterError::Silent { .. }) => {
            ("sound.silent", "Bản thu âm không có tiếng. Hãy kiểm tra micrô rồi thu lại.")
        }
        FinishError::Master(MasterError::OutOfReach { .. }) => {
            ("sound.clicks", "Bản thu âm chỉ có tiếng lách cách, không nghe ra lời. Hãy thu lại.")
        }
        _ => {
            ("sound.failed", "Không xử lý được âm thanh. Hãy bấm “Làm lại”; nếu vẫn lỗi, báo quản trị viên.")
        }
    };
    words(code, vi, error.to_string())
}

/// Progress of a job in percent: speaking is the first 60, mastering to 75, coding the rest.
pub(super) fn percent(progress: Progress) -> u8 {
    let within = |from: u32, to: u32| {
        let part = (to - from) * progress.done.min(progress.total);
        from + part.checked_div(progress.total).unwrap_or(0)
    };
    let percent = match progress.stage {
        Stage::Waiting => 0,
        Stage::Decoding => 5,
        Stage::Synthesizing => within(5, 60),
        Stage::Mastering => 60,
        Stage::Encoding => within(75, 99),
        Stage::Done => 100,
    };
    u8::try_from(percent).unwrap_or(100)
}
