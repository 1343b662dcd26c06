//! Marked text to sound, with the real engine.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use loa_speech::master::{LOUDNESS_TOLERANCE_LU, measure};
use loa_speech::synthesize::{Pauses, speak_text};
use loa_speech::text::{self, DEFAULT_MAX_BYTES};
use loa_speech::{
    AudioObject, Engine, Espeak, EspeakConfig, Normalizer, Pcm, Recipe, Reporter, SoundCache, SpeechError,
    SynthesisError, Synthesizer, Voice, VoiceInfo, WithGuest, opus, speak,
};

async fn espeak() -> Espeak {
    Espeak::find(EspeakConfig::default()).await.unwrap()
}

async fn say_with(engine: &dyn Synthesizer, normalizer: &Normalizer, raw: &str, voice: &Voice) -> Pcm {
    let spoken = normalizer.normalize(raw);
    speak_text(engine, &spoken, voice, &Pauses::default(), &Reporter::silent()).await.unwrap()
}

async fn say(raw: &str) -> Pcm {
    say_with(&espeak().await, &Normalizer::default(), raw, &Voice::default()).await
}

async fn made(
    engine: &dyn Synthesizer,
    raw: &str,
    cache: Option<&Arc<SoundCache>>,
) -> Result<AudioObject, SpeechError> {
    let text = text::check(raw, DEFAULT_MAX_BYTES).unwrap().text;
    speak(&text, &Recipe::default(), &Normalizer::default(), engine, cache, &Reporter::silent()).await
}

/// Milliseconds of each silence of at least 300 ms between sounds: below -54 dBFS.
fn silences_ms(pcm: &Pcm) -> Vec<u64> {
    let heard = |sample: &f32| sample.abs() >= 0.002;
    let samples = pcm.samples();
    let (first, last) = (samples.iter().position(heard).unwrap(), samples.iter().rposition(heard).unwrap());
    let per_ms = u64::from(pcm.sample_rate_hz() / 1_000);
    samples[first..=last]
        .split(heard)
        .map(|silence| silence.len() as u64 / per_ms)
        .filter(|ms| *ms >= 300)
        .collect()
}

#[tokio::test]
async fn a_pause_lasts_as_long_as_it_says() {
    let engine = espeak().await;
    for (plain, marked, more_ms) in [
        ("Kính thưa bà con. Mời về họp thôn.", "Kính thưa bà con. [nghỉ 2 giây] Mời về họp thôn.", 2_000),
        (
            "Kính thưa bà con. Mời về họp thôn.",
            "[nghỉ 1,5 giây] Kính thưa bà con. Mời về họp thôn. [nghỉ 0,5s]",
            2_000,
        ),
        ("Kính thưa [nghỉ 1 giây] bà con.", "Kính thưa [nghỉ 3 giây] bà con.", 2_000),
        ("Kính thưa bà con. Hết.", "Kính thưa bà con. [nghỉ 30 giây] Hết.", 30_000),
    ] {
        let (plain, object) =
            (made(&engine, plain, None).await.unwrap(), made(&engine, marked, None).await.unwrap());
        let more = object.duration_ms.abs_diff(plain.duration_ms);
        assert!(more.abs_diff(more_ms) <= 50, "{marked}: {more} ms more");
        let heard = measure(&opus::decode(&object.bytes).unwrap()).unwrap();
        assert!((heard.integrated_lufs + 16.0).abs() <= LOUDNESS_TOLERANCE_LU, "{marked}: {heard:?}");
        assert!(heard.true_peak_dbtp <= -1.5, "{marked}: {heard:?}");
    }
    let object = made(&engine, "Kính thưa [nghỉ 2 giây] bà con.", None).await.unwrap();
    let silences = silences_ms(&opus::decode(&object.bytes).unwrap());
    // The engine's own edges, 15 ms on each side, and what fades out below the threshold.
    assert!(silences.len() == 1 && (1_950..2_150).contains(&silences[0]), "{silences:?}");
}

#[tokio::test]
async fn what_is_emphasised_is_slower_and_stands_alone() {
    let words = "khẩn trương sơ tán ngay ra nhà văn hóa";
    let (plain, slow) = (say(words).await, say(&format!("[nhấn: {words}]")).await);
    let ratio = slow.duration_ms() as f64 / plain.duration_ms() as f64;
    assert!((1.12..1.4).contains(&ratio), "{ratio}");
    let around = say(&format!("Đề nghị bà con [nhấn: {words}] và giữ trật tự.")).await;
    let heard = |sample: &f32| sample.abs() >= 0.002;
    let longest =
        around.samples().split(heard).map(<[f32]>::len).filter(|length| *length >= 16 * 200).count();
    assert!(longest >= 2, "{longest} pauses of 200 ms");
}

#[tokio::test]
async fn another_language_has_its_own_voice() {
    let (vietnamese, english) =
        (say("hotline number one").await, say("[tiếng Anh: hotline number one]").await);
    assert!(vietnamese != english);
    let voice = Voice { id: "en".to_owned(), ..Voice::default() };
    let by_itself = say_with(&espeak().await, &Normalizer::as_written(), "hotline number one", &voice).await;
    assert!(by_itself == english, "the English voice, at the track's pace");
    for word in [
        "[fr: bonjour]",
        "[zh: 你好]",
        "[ko: 안녕]",
        "[ru: привет]",
        "[de: Guten Tag]",
        "[es: hola]",
        "[it: ciao]",
    ] {
        let pcm = say(word).await;
        assert!(pcm.duration_ms() > 200, "{word}: {} ms", pcm.duration_ms());
    }
}

#[tokio::test]
async fn no_phonemes_get_in_through_a_command() {
    let plain = say("[nhấn: h@l'oU]").await;
    assert!(say("[nhấn: [[h@l'oU]]]").await == plain);
    let english = say("[en: hello] h@l'oU").await;
    assert!(say("[en: hello] [[h@l'oU]]").await == english);
}

/// An engine with Vietnamese voices alone, which notes what it is asked.
struct Cloud {
    engine: Engine,
    espeak: Espeak,
    voices: Vec<VoiceInfo>,
    asked: Mutex<Vec<String>>,
    count: AtomicUsize,
}

impl Cloud {
    async fn new() -> Self {
        let espeak = espeak().await;
        let voices = espeak.voices().iter().filter(|voice| voice.language == "vi").cloned().collect();
        let engine = Engine { name: "cloud".to_owned(), version: "1".to_owned() };
        Self { engine, espeak, voices, asked: Mutex::default(), count: AtomicUsize::new(0) }
    }
}

#[async_trait::async_trait]
impl Synthesizer for Cloud {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn voices(&self) -> &[VoiceInfo] {
        &self.voices
    }

    fn parallel(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    async fn synthesize(&self, text: &str, voice: &Voice) -> Result<Vec<u8>, SynthesisError> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.asked.lock().unwrap().push(format!("{text} {}", voice.words_per_minute));
        self.espeak.synthesize(text, voice).await
    }
}

#[tokio::test]
async fn a_guest_speaks_what_the_engine_cannot() {
    let cloud = Arc::new(Cloud::new().await);
    let raw = "Xin gọi [tiếng Anh: hotline] nhé. [nhấn: Gọi ngay]. Xin cảm ơn.";
    let error = made(&*cloud, raw, None).await.unwrap_err();
    let SpeechError::Synthesis(error) = error else { panic!("{error}") };
    assert!(matches!(&error, SynthesisError::NoVoiceOf { language, .. } if language == "en"), "{error}");
    cloud.asked.lock().unwrap().clear();
    let engine = WithGuest::new(Arc::clone(&cloud) as Arc<dyn Synthesizer>, Arc::new(espeak().await));
    let object = made(&engine, raw, None).await.unwrap();
    assert_eq!(
        *cloud.asked.lock().unwrap(),
        ["Xin gọi, 125", "nhé. 125", "Gọi ngay. 100", "Xin cảm ơn. 125"]
    );
    assert!(object.duration_ms > 2_000);
}

#[tokio::test]
async fn editing_one_sentence_makes_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(SoundCache::open(folder.path(), 100_000_000).unwrap());
    let engine = Cloud::new().await;
    let taken = || engine.count.swap(0, Ordering::SeqCst);
    let before = "Kính thưa bà con. Sáng mai mất điện. [nghỉ 1 giây] Đề nghị chuẩn bị đèn. Xin cảm ơn.";
    let first = made(&engine, before, Some(&cache)).await.unwrap();
    assert_eq!(taken(), 4);
    assert!(made(&engine, before, Some(&cache)).await.unwrap() == first);
    assert_eq!(taken(), 0, "all of it is remembered");
    let longer = before.replace("1 giây", "2 giây");
    let edited = made(&engine, &longer, Some(&cache)).await.unwrap();
    assert_eq!(taken(), 0, "another silence needs no voice");
    assert!(made(&engine, &longer, None).await.unwrap() == edited && edited.sha256 != first.sha256);
    taken();
    let stressed = before.replace("Sáng mai mất điện", "[nhấn: Sáng mai mất điện]");
    assert!(made(&engine, &stressed, Some(&cache)).await.unwrap().sha256 != first.sha256);
    assert_eq!(taken(), 1, "what is slower is spoken again");
}
