//! From a typed text to an object, with the real engine and with engines that fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loa_speech::master::{LOUDNESS_TOLERANCE_LU, measure};
use loa_speech::normalize::{Lexicon, Options, Region, Spoken};
use loa_speech::opus;
use loa_speech::synthesize::{Pauses, speak_text};
use loa_speech::text::{self, DEFAULT_MAX_BYTES};
use loa_speech::{
    CleanText, Engine, Espeak, EspeakConfig, Normalizer, Pcm, Piper, PiperConfig, Recipe, Reporter,
    SoundCache, Stage, SynthesisError, Synthesizer, Voice, VoiceInfo, speak,
};

fn clean(raw: &str) -> CleanText {
    text::check(raw, DEFAULT_MAX_BYTES).unwrap().text
}

fn normalize(raw: &str) -> Spoken {
    Normalizer::default().normalize(clean(raw).as_str())
}

async fn espeak() -> Espeak {
    Espeak::find(EspeakConfig::default()).await.unwrap()
}

async fn say(raw: &str, voice: &Voice) -> Result<Pcm, SynthesisError> {
    speak_text(&espeak().await, &normalize(raw), voice, &Pauses::default(), &Reporter::silent()).await
}

#[tokio::test]
async fn a_bulletin_becomes_an_object() {
    let text = clean(
        "Kính thưa bà con thôn 3!\nUBND xã thông báo: 7h30 ngày 12/10/2025, tiêm phòng tại nhà văn hóa thôn.\n\n\
         Mọi thắc mắc xin gọi 0263 3822 456. Trân trọng cảm ơn.",
    );
    let (reporter, progress) = Reporter::channel();
    let engine = espeak().await;
    let object =
        speak(&text, &Recipe::default(), &Normalizer::default(), &engine, None, &reporter).await.unwrap();
    assert_eq!(progress.borrow().stage, Stage::Done);
    assert_eq!(object.sample_rate_hz, 16_000);
    let pcm = opus::decode(&object.bytes).unwrap();
    assert!(
        pcm.duration_ms().abs_diff(object.duration_ms) <= 1,
        "{} and {}",
        pcm.duration_ms(),
        object.duration_ms
    );
    assert!((10_000..40_000).contains(&object.duration_ms), "{} ms", object.duration_ms);
    let heard = measure(&pcm).unwrap();
    assert!(
        (heard.integrated_lufs - object.loudness.integrated_lufs).abs() < 0.1,
        "{heard:?} {:?}",
        object.loudness
    );
    assert!((heard.integrated_lufs + 16.0).abs() <= LOUDNESS_TOLERANCE_LU);
    assert!(heard.true_peak_dbtp <= -1.5);

    let again = speak(&text, &Recipe::default(), &Normalizer::default(), &engine, None, &Reporter::silent())
        .await
        .unwrap();
    assert!(again == object, "same text, voice and settings: same object");
    let other =
        Recipe { voice: Voice { id: "vi-vn-x-south".to_owned(), ..Voice::default() }, ..Recipe::default() };
    let southern =
        speak(&text, &other, &Normalizer::default(), &engine, None, &Reporter::silent()).await.unwrap();
    assert_ne!(southern.sha256, object.sha256);
    let reader = Normalizer::default();
    let key = Recipe::default().key(&text, &reader, &engine);
    assert_ne!(other.key(&text, &reader, &engine), key);
    let southern = Normalizer::new(Options::of(Region::South), &Lexicon::default());
    assert_ne!(Recipe::default().key(&text, &southern, &engine), key, "other words, other object");
}

#[tokio::test]
async fn every_kind_of_text_is_equally_loud() {
    let engine = espeak().await;
    for raw in [
        "Á!",
        "A",
        "Alo, alo.",
        "Bão số 5 giật cấp 11, sóng cao 4-6 m.",
        "Cháy! Cháy! Mời bà con sơ tán ngay!",
        "Giá cà phê sáng nay 118.500 đồng/kg, tăng 1.200 đồng.",
        "Xin mời bà con đến nhà văn hóa thôn họp lúc 19h30 tối nay.",
        "Sss. Sss. Xì xào xôn xao. Sấm sét sáng sủa.",
        "Bập bà bập bùng, đùng đùng đùng.",
        "1 2 3 4 5 6 7 8 9 10",
        "Tin buồn: gia đình ông K'Brêm ở thôn 2 báo tin cụ bà đã từ trần, hưởng thọ 92 tuổi.",
        "Hello everybody, this is a test.",
    ] {
        let object = speak(
            &clean(raw),
            &Recipe::default(),
            &Normalizer::default(),
            &engine,
            None,
            &Reporter::silent(),
        )
        .await
        .unwrap();
        let heard = measure(&opus::decode(&object.bytes).unwrap()).unwrap();
        assert!((heard.integrated_lufs + 16.0).abs() <= LOUDNESS_TOLERANCE_LU, "{raw}: {heard:?}");
        assert!(heard.true_peak_dbtp <= -1.5, "{raw}: {heard:?}");
    }
}

#[tokio::test]
async fn order_and_pauses_do_not_depend_on_the_workers() {
    let text = normalize("Một. Hai ba bốn năm sáu bảy. Tám.\n\nChín mười. Hết.");
    let mut sounds = Vec::new();
    for workers in [1, 2, 8] {
        let config =
            EspeakConfig { parallel: NonZeroUsize::new(workers).unwrap(), ..EspeakConfig::default() };
        let engine = Espeak::find(config).await.unwrap();
        let (reporter, progress) = Reporter::channel();
        sounds.push(
            speak_text(&engine, &text, &Voice::default(), &Pauses::default(), &reporter).await.unwrap(),
        );
        let last = *progress.borrow();
        assert_eq!((last.stage, last.done, last.total), (Stage::Synthesizing, 5, 5));
    }
    assert!(sounds.windows(2).all(|pair| pair[0] == pair[1]));
    let silence = sounds[0].samples().split(|sample| *sample != 0.0).map(<[f32]>::len).max().unwrap();
    let paragraph = Pauses::default().paragraph_ms as usize * 16_000 / 1_000;
    // The engine's own edges, 15 ms on each side, may be silent too.
    assert!((paragraph..paragraph + 700).contains(&silence), "{silence} samples of silence, not {paragraph}");
}

#[tokio::test]
async fn brackets_inject_no_phonemes() {
    let plain = say("Họp  h@l'oU  tại xã", &Voice::default()).await.unwrap();
    let injected = say("Họp [[h@l'oU]] tại xã", &Voice::default()).await.unwrap();
    let expected = say("Họp h a còng l'oU tại xã", &Voice::default()).await.unwrap();
    assert!(injected == plain && plain == expected);
}

#[tokio::test]
async fn decomposed_letters_sound_like_composed_ones() {
    use unicode_normalization::UnicodeNormalization as _;
    let raw = "Đề nghị bà con phòng chống lũ quét";
    let decomposed: String = raw.nfd().collect();
    assert!(say(raw, &Voice::default()).await.unwrap() == say(&decomposed, &Voice::default()).await.unwrap());
}

#[tokio::test]
async fn a_missing_engine_says_how_to_install_it() {
    let config =
        EspeakConfig { program: PathBuf::from("espeak-ng-that-is-not-there"), ..EspeakConfig::default() };
    let error = Espeak::find(config).await.unwrap_err();
    assert!(matches!(error, SynthesisError::EngineMissing { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "the speech engine espeak-ng-that-is-not-there is not installed: run `sudo apt-get install espeak-ng`"
    );
}

#[tokio::test]
async fn a_voice_or_pace_that_is_not_there_is_refused() {
    let robot = Voice { id: "vi+robot; rm".to_owned(), ..Voice::default() };
    let error = say("xin chào", &robot).await.unwrap_err();
    assert!(matches!(error, SynthesisError::UnknownVoice { .. }), "{error}");
    let hasty = Voice { words_per_minute: 900, ..Voice::default() };
    let error = say("xin chào", &hasty).await.unwrap_err();
    assert!(matches!(error, SynthesisError::Pace { words_per_minute: 900, .. }), "{error}");
}

async fn failure(what: &str) -> SynthesisError {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bad-engine.sh");
    let timeout = if what == "hang" { Duration::from_millis(200) } else { Duration::from_secs(30) };
    let engine = Espeak::find(EspeakConfig { program, timeout, ..EspeakConfig::default() }).await.unwrap();
    let text = normalize(what);
    speak_text(&engine, &text, &Voice::default(), &Pauses::default(), &Reporter::silent()).await.unwrap_err()
}

#[tokio::test]
async fn an_engine_that_fails_is_quoted() {
    let error = failure("fail").await;
    assert!(
        matches!(&error, SynthesisError::EngineFailed { message, .. } if message == "no voice data"),
        "{error}"
    );
}

#[tokio::test]
async fn an_engine_that_hangs_is_stopped() {
    let error = failure("hang").await;
    assert!(matches!(error, SynthesisError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn an_engine_that_talks_nonsense_is_recognised() {
    for what in ["page", "half", "nothing"] {
        let error = failure(what).await;
        assert!(matches!(error, SynthesisError::BadAudio { .. }), "{what}: {error}");
    }
}

#[tokio::test]
async fn an_engine_that_never_ends_is_cut_off() {
    let error = failure("flood").await;
    let SynthesisError::BadAudio { reason, .. } = error else { panic!("{error}") };
    assert!(reason.starts_with("more than"), "{reason}");
}

#[tokio::test]
async fn piper_speaks_as_a_subprocess() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("vi_VN-vais1000-medium.onnx").display().to_string();
    let voice = |id: &str| VoiceInfo {
        id: id.to_owned(),
        language: "vi".to_owned(),
        label_vi: "Giọng".to_owned(),
        label_en: "Voice".to_owned(),
    };
    let engine = Piper::new(PiperConfig {
        name: "piper".to_owned(),
        program: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fake-piper.sh"),
        voices: vec![voice(&model)],
        timeout: Duration::from_secs(30),
        parallel: NonZeroUsize::MIN,
        natural_words_per_minute: 150,
    });
    let words = normalize("Xin chào bà con");
    let slow = Voice { id: model.clone(), words_per_minute: 120 };
    let pcm = speak_text(&engine, &words, &slow, &Pauses::default(), &Reporter::silent()).await.unwrap();
    assert!(pcm.duration_ms() > 1_000);
    let asked = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(asked("text"), "Xin chào bà con.\n");
    assert_eq!(asked("asked"), format!("--model {model} --output_file - --length_scale 1.250\n"));
}

#[tokio::test]
async fn english_has_a_voice() {
    let english = Voice { id: "en".to_owned(), ..Voice::default() };
    let pcm = say("Good morning everybody", &english).await.unwrap();
    assert!(pcm.duration_ms() > 500);
}

/// espeak-ng, with its sentences counted.
struct Counted {
    espeak: Espeak,
    sentences: AtomicUsize,
}

impl Counted {
    fn take(&self) -> usize {
        self.sentences.swap(0, Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Synthesizer for Counted {
    fn engine(&self) -> &Engine {
        self.espeak.engine()
    }

    fn voices(&self) -> &[VoiceInfo] {
        self.espeak.voices()
    }

    fn parallel(&self) -> NonZeroUsize {
        self.espeak.parallel()
    }

    async fn synthesize(&self, text: &str, voice: &Voice) -> Result<Vec<u8>, SynthesisError> {
        self.sentences.fetch_add(1, Ordering::SeqCst);
        self.espeak.synthesize(text, voice).await
    }
}

#[tokio::test]
async fn editing_one_sentence_makes_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(SoundCache::open(folder.path(), 100_000_000).unwrap());
    let engine = Counted { espeak: espeak().await, sentences: AtomicUsize::new(0) };
    let say = async |raw: &str, cache: Option<&Arc<SoundCache>>| {
        speak(&clean(raw), &Recipe::default(), &Normalizer::default(), &engine, cache, &Reporter::silent())
            .await
            .unwrap()
    };
    let before = "Kính thưa bà con. Sáng mai mất điện. Đề nghị bà con chuẩn bị đèn. Xin cảm ơn.";
    let after = "Kính thưa bà con. Chiều mai mất điện. Đề nghị bà con chuẩn bị đèn. Xin cảm ơn.";
    let first = say(before, Some(&cache)).await;
    assert_eq!(engine.take(), 4);
    assert!(say(before, Some(&cache)).await == first);
    assert_eq!(engine.take(), 0, "all of it is remembered");
    let edited = say(after, Some(&cache)).await;
    assert_eq!(engine.take(), 1, "one sentence was edited");
    assert!(say(after, None).await == edited, "what is remembered makes no difference to the bytes");
    assert_eq!(engine.take(), 4);

    // Every entry damaged in another way: all of it is made again, and sounds the same.
    for (index, entry) in std::fs::read_dir(folder.path()).unwrap().enumerate() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let damaged = [bytes[..bytes.len() / 2].to_vec(), Vec::new(), vec![b'<'; 5_000]];
        std::fs::write(path, &damaged[index % 3]).unwrap();
    }
    assert!(say(after, Some(&cache)).await == edited);
    assert_eq!(engine.take(), 4);
}

#[tokio::test]
async fn what_was_measured_on_the_sentences_is_what_the_whole_measures() {
    let engine = espeak().await;
    for raw in [
        "Cháy! Cháy! Cháy ở chợ! Mời bà con sơ tán ngay ra sân vận động xã!",
        "Á! Ồ! Ừ! Dạ, vâng, tôi xin nghe đây ạ!",
        "Một. Hai. Ba. Bốn. Năm. Sáu. Bảy. Tám. Chín. Mười.",
        "Kính thưa toàn thể bà con!\n\nUBND xã thông báo lịch tiêm phòng cho trẻ dưới 5 tuổi vào 7h30 ngày 12/10/2025 tại \
         nhà văn hóa thôn 3. Khi đi nhớ mang theo sổ tiêm chủng.\n\nXin cảm ơn.",
        "Giá cà phê hôm nay 118.500 đồng/kg. Giá tiêu 150.000 đồng/kg. Sss. Xì xào xôn xao, sấm sét sáng sủa.",
    ] {
        let made = speak(
            &clean(raw),
            &Recipe::default(),
            &Normalizer::default(),
            &engine,
            None,
            &Reporter::silent(),
        )
        .await;
        let object = made.unwrap_or_else(|error| panic!("{raw}: {error:?}"));
        let pcm = opus::decode(&object.bytes).unwrap();
        let heard = measure(&pcm).unwrap();
        assert!((heard.integrated_lufs + 16.0).abs() <= LOUDNESS_TOLERANCE_LU, "{raw}: {heard:?}");
        assert!(heard.true_peak_dbtp <= -1.5, "{raw}: {heard:?}");
        assert!(
            (heard.integrated_lufs - object.loudness.integrated_lufs).abs() < 0.1,
            "{raw}: {object:?} {heard:?}"
        );
        assert!((heard.true_peak_dbtp - object.loudness.true_peak_dbtp).abs() < 0.05, "{raw}: {heard:?}");
        assert!(pcm.duration_ms().abs_diff(object.duration_ms) <= 1, "{raw}");
    }
}

#[tokio::test]
async fn no_joint_clicks() {
    let raw = "Mời bà con họp. Xin mang theo giấy tờ. Trân trọng cảm ơn. Hết giờ thông báo. Chào bà con.";
    let object = speak(
        &clean(raw),
        &Recipe::default(),
        &Normalizer::default(),
        &espeak().await,
        None,
        &Reporter::silent(),
    )
    .await
    .unwrap();
    let pcm = opus::decode(&object.bytes).unwrap();
    let mut joints = 0;
    // A pause: 300 ms in which no sample exceeds -54 dBFS. A click in one would be a step.
    for (start, window) in pcm.samples().windows(14_400).enumerate().step_by(2_400) {
        if window.iter().all(|sample| sample.abs() < 0.002) {
            let step = window.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
            assert!(step < 5e-4, "a step of {step} at {} ms", start / 48);
            joints += 1;
        }
    }
    assert!(joints >= 4, "{joints} windows of silence between five sentences");
}
