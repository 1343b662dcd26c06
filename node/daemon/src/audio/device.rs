//! Opens the sound card and runs the playhead in its callback.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::Thread;

use rodio::cpal;
use rodio::cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use rodio::cpal::{BufferSize, FromSample, OutputCallbackInfo, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};

use super::device_clock::DeviceClock;
use super::playhead::{MAX_NOTES, Note, Notes, Order, Playhead};
use super::speaker::{MAX_OUTSTANDING, SpeakerError, SpeakerReady, WallClock};

/// Sample rates in order of preference: Opus decodes at the first, so that nothing has to be converted.
const RATES_HZ: [u32; 3] = [48_000, 96_000, 44_100];

/// Nice value of the callback's thread: before everything else on a small board, yet not real time, which could stop it.
/// Needs CAP_SYS_NICE or a LimitNICE of the service; without it the thread runs like any other.
const CALLBACK_NICE: i32 = -15;

/// Channels in order of preference.
const CHANNELS: [u16; 2] = [1, 2];

/// How and where to open.
#[derive(Clone, Debug)]
pub(super) struct DeviceSettings {
    /// An ALSA PCM as `aplay -L` lists it; `None` is ALSA's `default`.
    pub(super) name: Option<String>,
    pub(super) period_ms: u32,
    pub(super) extra_delay_ns: i64,
}

/// What the callback needs from outside.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) clock: Arc<dyn WallClock>,
    pub(super) volume: Arc<AtomicU32>,
    /// Woken for each note.
    pub(super) listener: Thread,
    /// Where the stream's errors go; what does not fit is a repetition.
    pub(super) errors: SyncSender<cpal::Error>,
}

/// An open stream; dropping it closes the device.
pub(super) struct Device {
    _stream: cpal::Stream,
    pub(super) orders: Producer<Order>,
    pub(super) notes: Consumer<Note>,
    pub(super) ready: SpeakerReady,
    pub(super) rate_hz: NonZero<u32>,
    is_silenced: Arc<AtomicBool>,
}

impl Device {
    /// From here on it gives silence and obeys no order, should it go on at all.
    pub(super) fn silence(&self) {
        self.is_silenced.store(true, Ordering::Relaxed);
    }

    pub(super) fn open(settings: &DeviceSettings, around: &Surroundings) -> Result<Self, SpeakerError> {
        let label = settings.name.as_deref().unwrap_or("default").to_owned();
        let refused = |reason: String| SpeakerError::Open { device: label.clone(), reason };
        let device = find(settings.name.as_deref()).map_err(&refused)?;
        let mut first_refusal = None;
        for (sample_rate, channels) in
            RATES_HZ.into_iter().flat_map(|rate| CHANNELS.map(|channels| (rate, channels)))
        {
            let period_frames = (sample_rate * settings.period_ms / 1000).next_multiple_of(64);
            let config =
                StreamConfig { channels, sample_rate, buffer_size: BufferSize::Fixed(period_frames) };
            for open in [build::<i16>, build::<i32>, build::<f32>] {
                match open(&device, config, settings, around) {
                    Ok(device) => return Ok(device),
                    // Another format may suit the card; anything else is not about the format.
                    Err(error) if error.kind() == cpal::ErrorKind::UnsupportedConfig => {
                        first_refusal.get_or_insert(error);
                    }
                    Err(error) => return Err(refused(error.to_string())),
                }
            }
        }
        let why = first_refusal.map_or_else(String::new, |error| format!(": {error}"));
        Err(refused(format!("it takes neither mono nor stereo at {RATES_HZ:?} Hz{why}")))
    }
}

fn find(name: Option<&str>) -> Result<cpal::Device, String> {
    let host = cpal::default_host();
    match name {
        None | Some("default") => {
            host.default_output_device().ok_or_else(|| "ALSA has no default device".to_owned())
        }
        Some(name) => host
            .output_devices()
            .map_err(|error| error.to_string())?
            .find(|device| device.id().is_ok_and(|id| id.id() == name))
            .ok_or_else(|| "ALSA does not list a device of this name (see `aplay -L`)".to_owned()),
    }
}

fn build<T>(
    device: &cpal::Device,
    config: StreamConfig,
    settings: &DeviceSettings,
    around: &Surroundings,
) -> Result<Device, cpal::Error>
where
    T: SizedSample + FromSample<f32>,
{
    let BufferSize::Fixed(period_frames) = config.buffer_size else {
        return Err(cpal::ErrorKind::UnsupportedConfig.into());
    };
    let rate_hz = NonZero::new(config.sample_rate).ok_or(cpal::ErrorKind::UnsupportedConfig)?;
    let (orders, incoming) = RingBuffer::new(2 * MAX_OUTSTANDING);
    let (outgoing, notes) = RingBuffer::new(MAX_NOTES);
    let is_silenced = Arc::new(AtomicBool::new(false));
    let mut output = Output {
        is_silenced: Arc::clone(&is_silenced),
        playhead: Playhead::new(config.sample_rate, Arc::clone(&around.volume)),
        device_clock: DeviceClock::new(config.sample_rate, period_frames, settings.extra_delay_ns),
        wall_clock: Arc::clone(&around.clock),
        orders: incoming,
        notes: Outbox { ring: outgoing, listener: around.listener.clone() },
        mono: vec![0.0; period_frames as usize],
        channels: usize::from(config.channels),
        is_urgent: false,
    };
    let troubles = Troubles {
        is_silenced: Arc::clone(&is_silenced),
        errors: around.errors.clone(),
        listener: around.listener.clone(),
    };
    let stream = device.build_output_stream::<T, _, _>(
        config,
        move |data, info| output.fill(data, info),
        move |error| troubles.tell(error),
        None,
    )?;
    stream.play()?;
    let ready = SpeakerReady { sample_rate_hz: config.sample_rate, channels: config.channels, period_frames };
    Ok(Device { _stream: stream, orders, notes, ready, rate_hz, is_silenced })
}

/// The callback's state.
struct Output {
    is_silenced: Arc<AtomicBool>,
    playhead: Playhead,
    device_clock: DeviceClock,
    wall_clock: Arc<dyn WallClock>,
    orders: Consumer<Order>,
    notes: Outbox,
    mono: Vec<f32>,
    channels: usize,
    is_urgent: bool,
}

impl Output {
    fn fill<T: SizedSample + FromSample<f32>>(&mut self, data: &mut [T], info: &OutputCallbackInfo) {
        if !self.is_urgent {
            // Only the thread itself can do this, and it is cpal's. Refused is as good as it gets.
            let _ = rustix::process::setpriority_process(None, CALLBACK_NICE);
            self.is_urgent = true;
        }
        if self.is_silenced.load(Ordering::Relaxed) {
            data.fill(T::EQUILIBRIUM);
            return;
        }
        let now_ns = self.wall_clock.now_unix_ns();
        let stamp = info.timestamp();
        let delay = stamp.playback.saturating_duration_since(stamp.callback);
        let delay_ns = i64::try_from(delay.as_nanos()).unwrap_or(0);
        let frames = data.len() / self.channels;
        let mut first_ns = self.device_clock.first_frame_ns(now_ns, delay_ns, frames);
        while let Ok(order) = self.orders.pop() {
            self.playhead.obey(order, now_ns, &mut self.notes);
        }
        // In pieces of the prepared buffer, in case the device asks for more than a period at a time.
        for piece in data.chunks_mut(self.mono.len() * self.channels) {
            let mono = &mut self.mono[..piece.len() / self.channels];
            self.playhead.render(mono, first_ns, &self.device_clock, &mut self.notes);
            for (frame, &sample) in piece.chunks_exact_mut(self.channels).zip(mono.iter()) {
                frame.fill(T::from_sample(sample.clamp(-1.0, 1.0)));
            }
            first_ns += self.device_clock.duration_ns(piece.len() / self.channels);
        }
    }
}

/// Where a stream's errors go for as long as it is in use.
struct Troubles {
    is_silenced: Arc<AtomicBool>,
    errors: SyncSender<cpal::Error>,
    listener: Thread,
}

impl Troubles {
    fn tell(&self, error: cpal::Error) {
        // One that was given up hangs or fails as it likes: it says nothing of the one that was opened instead.
        if self.is_silenced.load(Ordering::Relaxed) {
            return;
        }
        // A full queue holds errors enough to act on.
        if self.errors.try_send(error).is_ok() {
            self.listener.unpark();
        }
    }
}

struct Outbox {
    ring: Producer<Note>,
    listener: Thread,
}

impl Notes for Outbox {
    fn note(&mut self, note: Note) {
        // Cannot be full: the ring holds all the notes that the outstanding sounds can cause.
        if self.ring.push(note).is_ok() {
            self.listener.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_was_given_up_says_nothing_of_the_next() {
        let (errors, told) = std::sync::mpsc::sync_channel(4);
        let is_silenced = Arc::new(AtomicBool::new(false));
        let listener = std::thread::current();
        let troubles = Troubles { is_silenced: Arc::clone(&is_silenced), errors, listener };
        troubles.tell(cpal::ErrorKind::DeviceNotAvailable.into());
        assert_eq!(told.try_iter().count(), 1);
        is_silenced.store(true, Ordering::Relaxed);
        troubles.tell(cpal::ErrorKind::DeviceNotAvailable.into());
        assert_eq!(told.try_iter().count(), 0);
    }
}
