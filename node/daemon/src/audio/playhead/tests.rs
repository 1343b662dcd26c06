use rtrb::{Producer, RingBuffer};

use super::*;

const RATE: u32 = 48_000;
const MS: i64 = 1_000_000;

#[derive(Default)]
struct Collected(Vec<Note>);

impl Notes for Collected {
    fn note(&mut self, note: Note) {
        self.0.push(note);
    }
}

impl Collected {
    /// `S token start_ms error_us` and `E token played_frames gap_frames end_ms stopped`.
    fn lines(&self) -> Vec<String> {
        let line = |note: &Note| match note {
            Note::Started { token, at_unix_ns, error_ns } => {
                format!("S {token} {} {}", at_unix_ns / MS, error_ns / 1000)
            }
            Note::Ended { cue, gap_frames, at_unix_ns, stopped } => {
                let end_ms = at_unix_ns / MS;
                format!(
                    "E {} {} {gap_frames} {end_ms} {stopped}",
                    cue.token,
                    cue.feed.played_frames_for_test()
                )
            }
        };
        self.0.iter().map(line).collect()
    }
}

struct Bench {
    playhead: Playhead,
    clock: DeviceClock,
    notes: Collected,
    volume: Arc<AtomicU32>,
    now_ms: i64,
}

impl Bench {
    fn new() -> Self {
        let volume = Arc::new(AtomicU32::new(1.0f32.to_bits()));
        Self {
            playhead: Playhead::new(RATE, Arc::clone(&volume)),
            clock: DeviceClock::new(RATE, 480, 0),
            notes: Collected::default(),
            volume,
            now_ms: 0,
        }
    }

    /// A cue of `ms` of ones, whose ring still takes more.
    fn open_cue(&mut self, token: u64, start_ms: i64, ms: usize) -> (Producer<f32>, Arc<FeedState>) {
        let (mut ring, samples) = RingBuffer::new(RATE as usize);
        for _ in 0..ms * 48 {
            ring.push(1.0).unwrap();
        }
        let feed = Arc::new(FeedState::default());
        let cue = Cue { token, start_unix_ns: start_ms * MS, factor: 1.0, samples, feed: Arc::clone(&feed) };
        self.obey(Order::Play(cue));
        (ring, feed)
    }

    fn whole_cue(&mut self, token: u64, start_ms: i64, ms: usize) {
        self.open_cue(token, start_ms, ms).1.end_for_test();
    }

    fn obey(&mut self, order: Order) {
        self.playhead.obey(order, self.now_ms * MS, &mut self.notes);
    }

    /// The next `ms` of output, in periods of 10 ms.
    fn hear(&mut self, ms: usize) -> Vec<f32> {
        let mut heard = vec![f32::NAN; ms * 48];
        for period in heard.chunks_mut(480) {
            self.playhead.render(period, self.now_ms * MS, &self.clock, &mut self.notes);
            self.now_ms += 10;
        }
        heard
    }
}

/// Milliseconds (as frames / 48) of the first and after the last sample that is not silence.
fn sound(heard: &[f32]) -> Option<(usize, usize)> {
    let first = heard.iter().position(|&sample| sample != 0.0)?;
    let last = heard.iter().rposition(|&sample| sample != 0.0)?;
    Some((first / 48, (last + 1) / 48))
}

#[test]
fn a_sound_begins_at_its_frame_within_a_buffer() {
    let mut bench = Bench::new();
    bench.whole_cue(7, 123, 50);
    let heard = bench.hear(300);
    assert_eq!(sound(&heard), Some((123, 173)));
    assert!(heard[123 * 48..173 * 48].iter().all(|&sample| sample == 1.0));
    assert_eq!(bench.notes.lines(), ["S 7 123 0", "E 7 2400 0 173 false"]);
}

#[test]
fn a_sound_whose_instant_has_passed_begins_at_once_and_says_how_late() {
    let mut bench = Bench::new();
    bench.hear(100);
    bench.whole_cue(7, 40, 20);
    assert_eq!(sound(&bench.hear(100)), Some((0, 20)));
    assert_eq!(bench.notes.lines(), ["S 7 100 60000", "E 7 960 0 120 false"]);
}

#[test]
fn sounds_follow_one_another_in_the_order_of_their_instants_without_a_gap() {
    let mut bench = Bench::new();
    bench.whole_cue(2, 65, 30);
    bench.whole_cue(1, 15, 100);
    let heard = bench.hear(200);
    assert_eq!(sound(&heard), Some((15, 145)));
    assert!(heard[15 * 48..145 * 48].iter().all(|&sample| sample == 1.0));
    assert_eq!(
        bench.notes.lines(),
        ["S 1 15 0", "E 1 4800 0 115 false", "S 2 115 50000", "E 2 1440 0 145 false"]
    );
}

#[test]
fn a_sound_waits_for_its_decoder_rather_than_stumble_at_once() {
    let mut bench = Bench::new();
    let (mut ring, feed) = bench.open_cue(7, 20, 90);
    assert_eq!(sound(&bench.hear(50)), None);
    for _ in 0..10 * 48 {
        ring.push(1.0).unwrap();
    }
    assert_eq!(sound(&bench.hear(50)), Some((0, 50)));
    feed.end_for_test();
    assert_eq!(sound(&bench.hear(100)), Some((0, 50)));
    assert_eq!(bench.notes.lines(), ["S 7 50 30000", "E 7 4800 0 150 false"]);
}

#[test]
fn a_starved_sound_goes_on_after_a_gap_that_is_counted() {
    let mut bench = Bench::new();
    let (mut ring, feed) = bench.open_cue(7, 0, 105);
    assert_eq!(sound(&bench.hear(140)), Some((0, 105)));
    for _ in 0..20 * 48 {
        ring.push(1.0).unwrap();
    }
    feed.end_for_test();
    assert_eq!(sound(&bench.hear(60)), Some((0, 20)));
    assert_eq!(bench.notes.lines(), ["S 7 0 0", "E 7 6000 1680 160 false"]);
}

#[test]
fn a_stopped_sound_fades_within_five_milliseconds() {
    let mut bench = Bench::new();
    let (_ring, _feed) = bench.open_cue(7, 0, 900);
    bench.hear(200);
    bench.obey(Order::Stop(7));
    bench.obey(Order::Stop(7));
    let heard = bench.hear(50);
    assert_eq!(sound(&heard), Some((0, 5)));
    assert!(heard[..240].windows(2).all(|pair| pair[1] < pair[0]), "it does not fade");
    assert_eq!(bench.notes.lines(), ["S 7 0 0", "E 7 9840 0 205 true"]);
}

#[test]
fn a_waiting_sound_that_is_stopped_is_never_heard() {
    let mut bench = Bench::new();
    bench.whole_cue(7, 30, 50);
    bench.obey(Order::Stop(99));
    bench.obey(Order::Stop(7));
    assert_eq!(sound(&bench.hear(100)), None);
    assert_eq!(bench.notes.lines(), ["E 7 0 0 0 true"]);
}

#[test]
fn a_sound_without_samples_ends_without_having_started() {
    let mut bench = Bench::new();
    bench.whole_cue(7, 10, 0);
    bench.whole_cue(8, 10, 10);
    assert_eq!(sound(&bench.hear(50)), Some((10, 20)));
    assert_eq!(bench.notes.lines(), ["E 7 0 0 10 false", "S 8 10 0", "E 8 480 0 20 false"]);
}

#[test]
fn a_changed_volume_is_reached_within_a_buffer_without_a_step() {
    let mut bench = Bench::new();
    let (_ring, _feed) = bench.open_cue(7, 0, 900);
    bench.hear(100);
    bench.volume.store(0.5f32.to_bits(), Ordering::Relaxed);
    let heard = bench.hear(20);
    assert!(heard.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.002));
    assert!(heard[480..].iter().all(|&sample| (sample - 0.5).abs() < 1e-6));
}

#[test]
fn more_sounds_than_fit_are_handed_back() {
    let mut bench = Bench::new();
    for token in 0..=MAX_OUTSTANDING as u64 {
        bench.whole_cue(token, 1_000, 10);
    }
    assert_eq!(bench.notes.lines(), [format!("E {MAX_OUTSTANDING} 0 0 0 true")]);
}
