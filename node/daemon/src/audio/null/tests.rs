use super::*;

/// A wall clock that follows tokio's, paused or not.
struct TokioClock(tokio::time::Instant);

impl WallClock for TokioClock {
    fn now_unix_ns(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_nanos()).unwrap()
    }
}

fn speaker(pace: Pace) -> (NullSpeaker, mpsc::Receiver<SpeakerEvent>) {
    let duration_of = Arc::new(|source: &Source| {
        let is_there = *source != Source::from("absent");
        is_there.then_some(60_000).ok_or_else(|| PlayFailure::Unreadable("it is not there".into()))
    });
    NullSpeaker::new(pace, Arc::new(TokioClock(tokio::time::Instant::now())), duration_of)
}

fn request(token: u64, start_at_unix_ms: i64) -> PlayRequest {
    PlayRequest { token, source: "a.opus".into(), start_at_unix_ms, from_ms: 0, gain_db: 0.0 }
}

#[tokio::test(start_paused = true)]
async fn real_time_starts_at_its_instant_and_lasts() {
    let (speaker, mut events) = speaker(Pace::RealTime);
    speaker.play(PlayRequest { from_ms: 20_000, ..request(1, 5_000) }).unwrap();
    let started = SpeakerEvent::Started { token: 1, at_unix_ms: 5_000, error_ms: 0.0 };
    assert_eq!(events.recv().await, Some(started));
    let finished = SpeakerEvent::Finished { token: 1, at_unix_ms: 45_000, played_ms: 40_000, gap_ms: 0 };
    assert_eq!(events.recv().await, Some(finished));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_it_where_it_is() {
    let (speaker, mut events) = speaker(Pace::RealTime);
    speaker.play(request(1, 0)).unwrap();
    speaker.play(request(2, 90_000)).unwrap();
    assert!(matches!(events.recv().await, Some(SpeakerEvent::Started { token: 1, .. })));
    tokio::time::sleep(Duration::from_secs(7)).await;
    speaker.stop(1).unwrap();
    let stopped = SpeakerEvent::Stopped { token: 1, at_unix_ms: 7_000, played_ms: 7_000 };
    assert_eq!(events.recv().await, Some(stopped));
    speaker.stop(2).unwrap();
    let stopped = SpeakerEvent::Stopped { token: 2, at_unix_ms: 7_000, played_ms: 0 };
    assert_eq!(events.recv().await, Some(stopped));
}

#[tokio::test(start_paused = true)]
async fn instant_pace_reports_the_planned_instants_at_once() {
    let (speaker, mut events) = speaker(Pace::Instant);
    speaker.play(request(1, 3_600_000)).unwrap();
    let started = SpeakerEvent::Started { token: 1, at_unix_ms: 3_600_000, error_ms: 0.0 };
    assert_eq!(events.recv().await, Some(started));
    let finished = SpeakerEvent::Finished { token: 1, at_unix_ms: 3_660_000, played_ms: 60_000, gap_ms: 0 };
    assert_eq!(events.recv().await, Some(finished));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_played_fails_and_what_does_not_fit_is_refused() {
    let (speaker, mut events) = speaker(Pace::RealTime);
    speaker.play(PlayRequest { source: "absent".into(), ..request(1, 0) }).unwrap();
    assert!(matches!(events.recv().await, Some(SpeakerEvent::Failed { token: 1, played_ms: 0, .. })));
    for token in 0..MAX_OUTSTANDING as u64 {
        speaker.play(request(token, 9_000)).unwrap();
    }
    assert!(matches!(speaker.play(request(99, 0)), Err(SpeakerError::Full)));
    speaker.stop(3).unwrap();
    assert!(matches!(events.recv().await, Some(SpeakerEvent::Stopped { token: 3, .. })));
    assert!(matches!(speaker.play(request(4, 0)), Err(SpeakerError::DuplicateToken(4))));
}
