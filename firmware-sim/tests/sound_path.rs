//! The whole sound path on real parts: node speaker, rodio, cpal, ALSA, recorder.
//!
//! ALSA reads its configuration once for each process, so the player is a child process: `loa-firmware-sim play`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../node/daemon/src/audio/test_opus.rs"]
mod test_opus;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use loa_firmware_sim::recorder::alsa_config::PIPE_DELAY_MS;
use loa_firmware_sim::recorder::{RATE_HZ, RecorderCommand, Recording, Segment, write_alsa_config};
use loa_node::audio::opus_file::OpusFile;
use serde_json::{Value, json};
use test_opus::{ogg_opus, speech_like};

/// Above the recorder's rounding, below any sound.
const THRESHOLD: f32 = 0.002;

/// One stage at a time: a board plays one sound, and five at once on two cores would measure the machine.
static HALL: Mutex<()> = Mutex::new(());

/// A folder with sounds, a recorder in it as the sound card, and a player on it.
struct Stage {
    _hall: MutexGuard<'static, ()>,
    dir: tempfile::TempDir,
    player: Child,
    orders: Option<ChildStdin>,
    reports: Lines<BufReader<ChildStdout>>,
    outstanding: BTreeSet<u64>,
}

impl Stage {
    fn set() -> Self {
        let hall = HALL.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("alsa.conf");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_loa-firmware-sim"));
        let command = RecorderCommand { program: program.clone(), out: dir.path().join("heard") };
        write_alsa_config(&config, &command).unwrap();
        let mut player = Command::new(program)
            .args(["play", "--device-delay-ms", &PIPE_DELAY_MS.to_string()])
            .env("ALSA_CONFIG_PATH", config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let reports = BufReader::new(player.stdout.take().unwrap()).lines();
        let orders = player.stdin.take();
        Self { _hall: hall, dir, player, orders, reports, outstanding: BTreeSet::new() }
    }

    fn sound(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn order(&mut self, order: Value) {
        let orders = self.orders.as_mut().unwrap();
        writeln!(orders, "{order}").unwrap();
        orders.flush().unwrap();
    }

    fn prepare(&mut self) {
        self.order(json!({"do": "prepare"}));
        let ready = self.report();
        assert_eq!((&ready["event"], &ready["sample_rate_hz"]), (&json!("ready"), &json!(48_000)), "{ready}");
    }

    fn play(&mut self, token: u64, path: &Path, start_at_unix_ms: i64) {
        self.outstanding.insert(token);
        self.order(json!({"do": "play", "token": token, "path": path, "start_at_unix_ms": start_at_unix_ms}));
    }

    fn report(&mut self) -> Value {
        let line = self.reports.next().expect("the player ended early").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// The next report, which must be of this kind and sound.
    fn expect(&mut self, event: &str, token: u64) -> Value {
        let report = self.report();
        assert_eq!((&report["event"], &report["token"]), (&json!(event), &json!(token)), "{report}");
        if event == "finished" {
            assert_eq!(report["gap_ms"], json!(0), "the decoder could not keep up: {report}");
        }
        report
    }

    /// Lets the player end, and loads what was heard each time that the card was open.
    fn strike(&mut self) -> Vec<Recording> {
        drop(self.orders.take());
        assert!(self.player.wait().unwrap().success());
        let files = Recording::files(&self.dir.path().join("heard")).unwrap();
        files.iter().map(|file| settled(file)).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A test that failed leaves its player waiting for orders; ended already is as well.
        drop(self.orders.take());
        let _ = self.player.kill();
        let _ = self.player.wait();
    }
}

/// Loads a recording once its recorder, which outlives the player by what was left in the pipe, has written its end.
fn settled(file: &Path) -> Recording {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match Recording::load(file) {
            Ok(recording) if recording.is_complete() => return recording,
            loaded => assert!(Instant::now() < deadline, "the recorder does not end: {loaded:?}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn now_unix_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn decoded(path: &Path) -> Vec<f32> {
    OpusFile::open(path, 0).unwrap().collect()
}

/// The instant at which the first sample of `reference` was heard, after checking that all of it was.
fn heard_whole(recording: &Recording, reference: &[f32]) -> f64 {
    let found = recording.find(reference, RATE_HZ).unwrap();
    let segments = segments(recording);
    assert!(found.coefficient >= 0.99, "{found:?} {segments:?}");
    recording.unix_ms(usize::try_from(found.lag_frames).unwrap()).unwrap()
}

fn segments(recording: &Recording) -> Vec<Segment> {
    recording.segments(THRESHOLD, 400)
}

#[test]
fn a_planned_sound_is_heard_whole_and_on_time() {
    let mut stage = Stage::set();
    let object = stage.sound("a.opus", &ogg_opus(&speech_like(3_000, 1)));
    stage.prepare();
    let planned = now_unix_ms() + 1_200;
    stage.play(1, &object, planned);
    let started = stage.expect("started", 1);
    let finished = stage.expect("finished", 1);
    let [recording] = &stage.strike()[..] else { panic!("the card was opened more than once") };

    let heard = heard_whole(recording, &decoded(&object));
    println!("heard {:+.2} ms from plan; the player says {}", heard - planned as f64, started["error_ms"]);
    assert!((heard - planned as f64).abs() <= 50.0, "{heard} {planned}");
    assert!((started["at_unix_ms"].as_f64().unwrap() - heard).abs() <= 50.0, "{started} {heard}");
    assert_eq!((&finished["played_ms"], &finished["gap_ms"]), (&json!(3_000), &json!(0)), "{finished}");
    assert_eq!(segments(recording).len(), 1);
}

#[test]
fn two_sounds_follow_one_another_on_one_opening_of_the_card() {
    let mut stage = Stage::set();
    let first = stage.sound("a.opus", &ogg_opus(&speech_like(1_000, 1)));
    let second = stage.sound("b.opus", &ogg_opus(&speech_like(1_500, 2)));
    stage.prepare();
    let planned = now_unix_ms() + 1_000;
    stage.play(1, &first, planned);
    stage.play(2, &second, planned + 1_800);
    for (event, token) in [("started", 1), ("finished", 1), ("started", 2), ("finished", 2)] {
        stage.expect(event, token);
    }
    let [recording] = &stage.strike()[..] else { panic!("the card was opened more than once") };

    let (heard_first, heard_second) =
        (heard_whole(recording, &decoded(&first)), heard_whole(recording, &decoded(&second)));
    assert!((heard_first - planned as f64).abs() <= 50.0, "{heard_first} {planned}");
    assert!((heard_second - planned as f64 - 1_800.0).abs() <= 50.0, "{heard_second} {planned}");
    assert_eq!(segments(recording).len(), 2);
}

#[test]
fn a_stopped_sound_falls_silent_and_the_next_is_heard() {
    let mut stage = Stage::set();
    let long = stage.sound("a.opus", &ogg_opus(&speech_like(20_000, 3)));
    let alert = stage.sound("b.opus", &ogg_opus(&speech_like(1_000, 4)));
    stage.prepare();
    stage.play(1, &long, now_unix_ms() + 700);
    stage.expect("started", 1);
    let asked = now_unix_ms() + 900;
    stage.play(2, &alert, asked);
    // The alert waits behind the bulletin until that is stopped.
    stage.order(json!({"do": "stop", "token": 1}));
    let stopped = stage.expect("stopped", 1);
    assert!(stopped["played_ms"].as_u64().unwrap() < 5_000, "{stopped}");
    stage.expect("started", 2);
    stage.expect("finished", 2);
    let [recording] = &stage.strike()[..] else { panic!("the card was opened more than once") };
    heard_whole(recording, &decoded(&alert));
    let total_ms: f64 = segments(recording).iter().map(Segment::duration_ms).sum();
    assert!(total_ms < 7_000.0, "the bulletin went on: {total_ms} ms");
}

/// The recorder that a player's ALSA has started.
fn recorder_of(player: u32) -> Option<u32> {
    let threads = std::fs::read_dir(format!("/proc/{player}/task")).unwrap();
    let children =
        threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")).ok());
    children.flat_map(|text| text.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>()).next()
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// A card that takes nothing any more, until it is let go.
struct Stuck(u32);

impl Stuck {
    fn card_of(stage: &Stage) -> Self {
        let recorder = recorder_of(stage.player.id()).unwrap();
        signal("-STOP", recorder);
        Self(recorder)
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        signal("-CONT", self.0);
    }
}

#[test]
fn a_card_that_hangs_is_given_up_when_its_sound_is_stopped_and_the_next_sound_is_heard() {
    let mut stage = Stage::set();
    let long = stage.sound("a.opus", &ogg_opus(&speech_like(60_000, 7)));
    let alert = stage.sound("b.opus", &ogg_opus(&speech_like(1_000, 8)));
    stage.prepare();
    stage.play(1, &long, now_unix_ms() + 300);
    stage.expect("started", 1);
    let stuck = Stuck::card_of(&stage);
    stage.order(json!({"do": "stop", "token": 1}));
    let failed = stage.expect("failed", 1);
    assert!(failed["reason"].as_str().unwrap().contains("does not obey"), "{failed}");
    stage.prepare();
    stage.play(2, &alert, now_unix_ms() + 300);
    stage.expect("started", 2);
    stage.expect("finished", 2);
    // The first card comes back to life: nothing of its sound may follow.
    drop(stuck);
    let recordings = stage.strike();
    let [first, second] = &recordings[..] else { panic!("the card was opened {} times", recordings.len()) };
    heard_whole(second, &decoded(&alert));
    let heard_ms: f64 = segments(first).iter().map(Segment::duration_ms).sum();
    assert!(heard_ms < 10_000.0, "the sound went on: {heard_ms} ms");
}

#[test]
fn damaged_files_are_reported_and_do_not_end_the_player() {
    let mut stage = Stage::set();
    let whole = ogg_opus(&speech_like(3_000, 5));
    let cut = stage.sound("cut.opus", &whole[..whole.len() / 2]);
    let text = stage.sound("text.opus", b"not sound at all");
    let good = stage.sound("good.opus", &ogg_opus(&speech_like(500, 6)));
    stage.prepare();
    // Far ahead, yet reported at once.
    stage.play(1, &text, now_unix_ms() + 3_600_000);
    let failed = stage.expect("failed", 1);
    assert!(failed["reason"].as_str().unwrap().contains("text.opus"), "{failed}");
    stage.play(2, &cut, now_unix_ms() + 300);
    stage.expect("started", 2);
    let failed = stage.expect("failed", 2);
    assert!(failed["reason"].as_str().unwrap().contains("incomplete"), "{failed}");
    let played_ms = failed["played_ms"].as_u64().unwrap();
    assert!((500..2_500).contains(&played_ms), "{failed}");
    stage.play(3, &good, now_unix_ms() + 300);
    stage.expect("started", 3);
    stage.expect("finished", 3);
    let recordings = stage.strike();
    heard_whole(recordings.last().unwrap(), &decoded(&good));
}

#[test]
fn a_machine_without_a_card_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("alsa.conf");
    std::fs::write(&config, "# no devices\n").unwrap();
    let mut player = Command::new(env!("CARGO_BIN_EXE_loa-firmware-sim"))
        .arg("play")
        .env("ALSA_CONFIG_PATH", config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = player.stdin.take().unwrap();
    writeln!(orders, r#"{{"do":"prepare"}}"#).unwrap();
    writeln!(orders, r#"{{"do":"play","token":1,"path":"a.opus","start_at_unix_ms":0}}"#).unwrap();
    drop(orders);
    let reports: Vec<String> =
        BufReader::new(player.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(player.wait().unwrap().success());
    let [refused, failed] = &reports[..] else { panic!("{reports:?}") };
    assert!(refused.contains("cannot open the sound device 'default'"), "{refused}");
    assert!(refused.contains("aplay -l"), "{refused}");
    assert!(failed.contains("\"failed\"") && failed.contains("the sound device failed"), "{failed}");
}
