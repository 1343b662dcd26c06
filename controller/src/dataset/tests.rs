//! Exports of real recordings.

use std::fs;
use std::path::PathBuf;

use loa_protocol::bulletin::Language;
use loa_protocol::ids::ObjectHash;
use serde_json::Value;

use super::*;
use crate::domain::bulletin::{BulletinDraft, ConsentDraft, SourceDraft, TrackDraft};
use crate::domain::role::Role;
use crate::services::BulletinView;
use crate::services::story::{Story, area, draft};

struct Archive {
    story: Story,
    author: Principal,
    approver: Principal,
    folder: tempfile::TempDir,
}

fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../audio-samples").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn breo() -> Option<ConsentDraft> {
    Some(ConsentDraft { speaker: "K' Brèo".to_owned(), place: "Bon Đưng".to_owned() })
}

impl Archive {
    async fn new() -> Self {
        let story = Story::new().await;
        let author = story.person("lan", Role::Author, "da-don").await;
        let approver = story.person("minh", Role::Approver, "da-don").await;
        Self { story, author, approver, folder: tempfile::tempdir().unwrap() }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("tieng-noi")
    }

    /// An approved bulletin with one recording.
    async fn read(
        &self,
        bytes: &[u8],
        language: &str,
        words: &str,
        consent: Option<ConsentDraft>,
    ) -> BulletinView {
        let services = &self.story.services;
        let mut writer = services.uploads.begin(&self.author, "thu-am").await.unwrap();
        writer.write(bytes).await.unwrap();
        let upload = writer.finish().await.unwrap().hash;
        let spoken = BulletinDraft { text: words.to_owned(), ..draft() };
        let view = services.bulletins.create(&self.author, &area("thon-1"), &spoken, None).await.unwrap();
        let source = SourceDraft::Recording {
            upload: upload.to_string(),
            file_name: "thu-am".to_owned(),
            transcript: words.to_owned(),
        };
        let track = TrackDraft { language: language.to_owned(), source };
        let id = &view.bulletin.id;
        let seen = view.seen_words();
        services.bulletins.put_track(&self.author, id, &seen, track, consent).await.unwrap();
        self.story.make_sounds().await;
        let view = services.bulletins.get(&self.author, id).await.unwrap();
        services.bulletins.submit(&self.author, id, &view.seen()).await.unwrap();
        services.bulletins.approve(&self.approver, id, &view.seen(), "").await.unwrap()
    }

    async fn export(&self, wish: &Wish) -> Exported {
        let operator = &self.story.operator;
        export(&self.story.services, operator, &self.place(), wish, "see README.md").await.unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        let manifest = fs::read_to_string(self.place().join(MANIFEST)).unwrap();
        manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Every file under the folder with its digest, by its path.
    fn files(&self) -> BTreeMap<String, ObjectHash> {
        let (mut files, mut folders) = (BTreeMap::new(), vec![self.place()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let inner = path.strip_prefix(self.place()).unwrap().to_string_lossy().into_owned();
                    files.insert(inner, ObjectHash::of(&fs::read(&path).unwrap()));
                }
            }
        }
        files
    }
}

#[tokio::test]
async fn what_was_agreed_to_is_exported_as_it_was_read_and_nothing_else_is() {
    let archive = Archive::new().await;
    let ogg = sample("phrase-opus.ogg");
    archive.read(&ogg, "kpm", "Ơ bol kòn bòn!\nMang do mìu dờng.", breo()).await;
    archive.read(&sample("phrase.m4a"), "cma", "Ơ bol.", breo()).await;
    archive.read(&sample("phrase.mp3"), "kpm", "Ơ bol.", None).await;
    archive.read(b"no sound at all", "kpm", "Ơ bol.", breo()).await;
    let taken_back = archive.read(&sample("phrase.flac"), "kpm", "Ơ bol.", breo()).await;
    let flac = ObjectHash::of(&sample("phrase.flac"));
    let bulletins = &archive.story.services.bulletins;
    bulletins.withdraw_consent(&archive.author, &taken_back.bulletin.id, &flac).await.unwrap();

    let exported = archive.export(&Wish::default()).await;
    assert_eq!((exported.recordings, exported.speakers), (2, 1));
    let left_out = LeftOut { without_consent: 1, withdrawn: 1, unreadable: 1, ..LeftOut::default() };
    assert_eq!(exported.left_out, left_out);

    let files = archive.files();
    let lines = archive.lines();
    for (line, (language, name, words)) in lines.iter().zip([
        ("cma", "phrase.m4a", "Ơ bol."),
        ("kpm", "phrase-opus.ogg", "Ơ bol kòn bòn! Mang do mìu dờng."),
    ]) {
        assert_eq!((line["language"].as_str(), line["text"].as_str()), (Some(language), Some(words)));
        assert_eq!(
            (&line["area"], &line["consent_date"]),
            (&Value::from("thon-1"), &Value::from("2026-11-22"))
        );
        assert_eq!(line["licence"], "see README.md");
        let path = line["audio_filepath"].as_str().unwrap();
        assert_eq!(files[path].to_string(), line["sha256"].as_str().unwrap());
        let mut wav = hound::WavReader::open(archive.place().join(path)).unwrap();
        let spec = wav.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 16_000, 16));
        let limits = RecordingLimits::default();
        let original = decode_recording(sample(name), &limits).unwrap();
        let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
        assert_eq!(samples.len(), original.samples().len(), "neither trimmed nor mastered");
        // Decoded AAC may go beyond full scale, which a WAV of integers cannot.
        let worst = samples
            .iter()
            .zip(original.samples())
            .map(|(a, b)| (f32::from(*a) / 32_767.0 - b.clamp(-1.0, 1.0)).abs());
        assert!(worst.fold(0.0, f32::max) < 1.0 / 32_767.0, "{name}");
        let seconds = line["duration_s"].as_f64().unwrap();
        assert!((seconds - samples.len() as f64 / 16_000.0).abs() < 0.001 && seconds > 1.0, "{seconds}");
    }
    assert_eq!(lines[0]["speaker_id"], lines[1]["speaker_id"]);
    assert_eq!(files.len(), 4, "{files:?}");
    let readme = fs::read_to_string(archive.place().join(folder::README)).unwrap();
    assert!(readme.contains("| kpm | 1 |") && !readme.contains('{') && !readme.contains("Brèo"), "{readme}");

    // The same again is the same, to the byte.
    assert_eq!(archive.export(&Wish::default()).await, exported);
    assert_eq!(archive.files(), files);
}

#[tokio::test]
async fn a_recording_whose_speaker_changed_their_mind_is_gone_from_the_next_export() {
    let archive = Archive::new().await;
    let ogg = sample("phrase-opus.ogg");
    let view = archive.read(&ogg, "kpm", "Ơ bol.", breo()).await;
    archive.read(&sample("phrase.m4a"), "kpm", "Ơ bol.", breo()).await;
    assert_eq!(archive.export(&Wish::default()).await.recordings, 2);
    let bulletins = &archive.story.services.bulletins;
    bulletins.withdraw_consent(&archive.author, &view.bulletin.id, &ObjectHash::of(&ogg)).await.unwrap();
    assert_eq!(archive.export(&Wish::default()).await.recordings, 1);
    let gone = ObjectHash::of(&ogg).to_string();
    assert!(archive.files().keys().all(|path| !path.contains(&gone[..16])), "{:?}", archive.files());
    assert_eq!(fs::read_dir(archive.folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[tokio::test]
async fn a_consent_that_is_taken_back_while_an_export_runs_counts() {
    let archive = Archive::new().await;
    let (ogg, flac) = (sample("phrase-opus.ogg"), sample("phrase.flac"));
    let view = archive.read(&ogg, "kpm", "Ơ bol.", breo()).await;
    archive.read(&flac, "kpm", "Ơ bol.", breo()).await;
    let (services, who) = (&archive.story.services, &archive.story.operator);
    let (progress, watched) = watch::channel(Progress::default());
    let prepared = prepare(services, who, &archive.place(), &Wish::default(), &progress).await.unwrap();
    assert_eq!(*watched.borrow(), Progress { done: 2, all: 2 });
    let bulletins = &services.bulletins;
    bulletins.withdraw_consent(&archive.author, &view.bulletin.id, &ObjectHash::of(&ogg)).await.unwrap();
    archive.read(&sample("phrase.m4a"), "cma", "Ơ bol.", breo()).await;
    let exported = prepared.publish(services, who, "").await.unwrap();
    assert_eq!(exported.recordings, 1);
    assert_eq!(exported.left_out, LeftOut { withdrawn: 1, since: 1, ..LeftOut::default() });
    let gone = ObjectHash::of(&ogg).to_string();
    assert!(archive.files().keys().all(|path| !path.contains(&gone[..16])), "{:?}", archive.files());
}

#[tokio::test]
async fn an_export_that_was_interrupted_goes_on_and_leaves_no_trace() {
    let archive = Archive::new().await;
    let ogg = sample("phrase-opus.ogg");
    archive.read(&ogg, "kpm", "Ơ bol.", breo()).await;
    let begun = Folder::begin(&archive.place()).unwrap();
    let pcm = decode_recording(ogg.clone(), &RecordingLimits::default()).unwrap();
    let id = ObjectHash::of(&ogg).to_string();
    let path = format!("audio/kpm/{}.wav", &id[..16]);
    let made = begun.write_wav(&path, &pcm).unwrap();
    // Of a speaker who has taken the consent back since, and a file that was being written.
    begun.write_wav("audio/kpm/0000000000000000.wav", &pcm).unwrap();
    let half = archive
        .folder
        .path()
        .join(format!(".tieng-noi.part-{}/audio/kpm/half.part", loa_speech::CHAIN_VERSION));
    fs::write(half, b"RIFF").unwrap();
    assert!(!archive.place().exists(), "what is not whole is not there");
    // Another version's, and what is no export's at all.
    let [older, foreign] =
        [".tieng-noi.part-0", ".tieng-noi.part-cu"].map(|name| archive.folder.path().join(name));
    for left in [&older, &foreign] {
        fs::create_dir_all(left.join("audio")).unwrap();
    }

    archive.export(&Wish::default()).await;
    assert_eq!(archive.files().keys().collect::<Vec<_>>(), ["README.md", path.as_str(), MANIFEST]);
    assert_eq!(archive.lines()[0]["sha256"], made.sha256.to_string());
    assert_eq!((older.exists(), foreign.exists()), (false, true));
}

#[tokio::test]
async fn another_folder_is_left_alone_and_only_the_installation_s_administrator_exports() {
    let archive = Archive::new().await;
    fs::create_dir(archive.place()).unwrap();
    fs::write(archive.place().join("thu.txt"), "của người khác").unwrap();
    let services = &archive.story.services;
    let refused = export(services, &archive.story.operator, &archive.place(), &Wish::default(), "").await;
    assert!(matches!(refused, Err(ExportError::Folder(FolderError::NotOurs { .. }))));
    assert_eq!(archive.files().len(), 1);
    // Another data set, whose list has the name that they all have.
    fs::write(archive.place().join(MANIFEST), "{\"audio_filepath\": \"thu.wav\"}\n").unwrap();
    fs::write(archive.place().join(folder::README), "# Another data set\n").unwrap();
    let refused = export(services, &archive.story.operator, &archive.place(), &Wish::default(), "").await;
    assert!(matches!(refused, Err(ExportError::Folder(FolderError::NotOurs { .. }))));
    assert_eq!(archive.files().len(), 3);
    let admin = archive.story.person("admin", Role::Admin, "da-don").await;
    let refused = export(services, &admin, &archive.place(), &Wish::default(), "").await;
    assert!(matches!(refused, Err(ExportError::Service(ServiceError::Forbidden(_)))));
}

#[tokio::test]
async fn one_language_or_what_is_recent_can_be_asked_for() {
    let archive = Archive::new().await;
    archive.read(&sample("phrase-opus.ogg"), "kpm", "Ơ bol.", breo()).await;
    archive.read(&sample("phrase.m4a"), "cma", "Ơ bol.", breo()).await;
    let now = archive.story.clock.now();
    let wish = Wish { language: Some(Language::new("cma").unwrap()), since: Some(now) };
    assert_eq!(archive.export(&wish).await.recordings, 1);
    let later = Wish { language: None, since: Some(now + 1) };
    let exported = archive.export(&later).await;
    assert_eq!((exported.recordings, exported.left_out.too_early), (0, 2));
}
