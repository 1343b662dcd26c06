"""How much of what is said comes through a horn, before and after mastering: STOI and ESTOI (pystoi, 0 to 1).

intelligibility.py FOLDER — FOLDER holds NAME-before.wav and NAME-after.wav, in time with one another; prints the table and the
line of JSON.

The amplifier has a peak that it can't exceed, so the fair comparison is at one peak: before and after both go to full scale.
The second comparison, at one power in front of the horn, takes away what loudness alone gives. The noise is as loud in all:
5 dB below the unprocessed voice behind the horn, both measured in the horn's band while somebody speaks; it comes from around the
listener and through no horn. The reference is the clean voice as it came in.
"""

import json
import pathlib
import sys

import numpy as np
from pystoi import stoi
from scipy import signal
from scipy.io import wavfile

RATE = 16_000
BAND_HZ = (400, 5_000)
SNR_DB = 5.0
# The same words, spoken without noise, for recordings that have noise of their own.
CLEAN = {"far-microphone.mp3": "phrase.wav"}
# No voice in it.
NOT_SPEECH = {"chime.wav"}

BAND = signal.butter(4, BAND_HZ, "bandpass", fs=RATE, output="sos")
# The flare's own resonance: 4 dB at 1.2 kHz, a second order.
RESONANCE = signal.tf2sos(*signal.iirpeak(1_200, 1.5, fs=RATE))
RESONANCE_GAIN = 10 ** (4 / 20) - 1


def horn(samples):
    """A fourth-order band with a mild resonance; the driver gives way softly near full scale."""
    driven = np.tanh(0.5 * samples) / 0.5
    banded = signal.sosfilt(BAND, driven)
    return banded + RESONANCE_GAIN * signal.sosfilt(RESONANCE, banded)


def active_rms(samples):
    """Power while somebody speaks: frames of 25 ms within 40 dB of the loudest."""
    frames = samples[: len(samples) // 400 * 400].reshape(-1, 400)
    powers = np.mean(frames**2, axis=1)
    return np.sqrt(np.mean(powers[powers > powers.max() * 1e-4]))


def shaped(random, count, magnitude):
    """Noise with a magnitude for each frequency in hertz."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    return np.fft.irfft(spectrum * magnitude(np.fft.rfftfreq(count, 1 / RATE)), count)


def pink(random, count, _):
    return shaped(random, count, lambda hz: 1 / np.sqrt(np.maximum(hz, 20)))


def speech_shaped(random, count, clean):
    """Many voices at once: the long-term spectrum of this one."""
    hz, power = signal.welch(clean, RATE, nperseg=512)
    return shaped(random, count, lambda wanted: np.sqrt(np.interp(wanted, hz, power)))


def wind(random, count, _):
    """Falls by 6 dB an octave and comes in gusts of a second or two."""
    gusts = shaped(random, count, lambda hz: (hz < 0.8).astype(float))
    gusts = 10 ** (6 * gusts / np.std(gusts) / 20)
    return shaped(random, count, lambda hz: 1 / np.maximum(hz, 20)) * gusts


NOISES = {"pink": pink, "voices": speech_shaped, "wind": wind}


def read(folder, name, side):
    rate, samples = wavfile.read(folder / f"{name}-{side}.wav")
    assert rate == RATE, rate
    return samples.astype(np.float64)


def aligned(reference, other):
    """`other` moved by the whole samples, 30 ms at most, at which it's most like `reference`."""
    reach = RATE * 30 // 1_000
    likeness = signal.correlate(other, reference, "same", "fft")
    middle = len(likeness) // 2
    shift = int(np.argmax(np.abs(likeness[middle - reach : middle + reach + 1]))) - reach
    return np.roll(other, -shift)


def scores(reference, heard):
    return np.array([stoi(reference, heard, RATE), stoi(reference, heard, RATE, extended=True)])


def to_peak(samples):
    return samples / np.max(np.abs(signal.resample_poly(samples, 4, 1)))


def measure(folder, name, seed):
    """For each noise: STOI and ESTOI before, after at one peak, after at one power."""
    before, after = read(folder, name, "before"), read(folder, name, "after")
    clean = before
    if name in CLEAN:
        clean = read(folder, CLEAN[name], "before")
        count = min(len(clean), len(before))
        clean, before, after = clean[:count], before[:count], after[:count]
        before = aligned(clean, before)
    after = aligned(clean, after)
    before, after = to_peak(before), to_peak(after)
    level = active_rms(before) / active_rms(after)
    voices = {"before": horn(before), "peak": horn(after), "power": horn(after * level)}
    results = {}
    for at, (kind, make) in enumerate(NOISES.items()):
        noise = make(np.random.default_rng([seed, at]), len(clean), clean)
        in_band = np.sqrt(np.mean(signal.sosfilt(BAND, noise) ** 2))
        noise *= active_rms(voices["before"]) / in_band / 10 ** (SNR_DB / 20)
        results[kind] = {key: scores(clean, voice + noise) for key, voice in voices.items()}
    return results


def main():
    folder = pathlib.Path(sys.argv[1])
    names = sorted(path.name.removesuffix("-before.wav") for path in folder.glob("*-before.wav"))
    names = [name for name in names if name not in NOT_SPEECH]
    rows = []
    for seed, name in enumerate(names):
        for kind, result in measure(folder, name, seed).items():
            rows.append((name, kind, result["before"], result["peak"], result["power"]))
    head = ("sound", "noise", "STOI", "at one peak", "at one power", "ESTOI", "at one peak", "at one power")
    line = "{:<22} {:<8} {:>7} {:>13} {:>13}   {:>7} {:>13} {:>13}"
    number = "{:.3f}".format
    gain = "{:.3f} ({:+.3f})".format

    def show(name, kind, before, peak, power):
        cells = []
        for which in (0, 1):
            cells += [number(before[which])]
            cells += [gain(after[which], after[which] - before[which]) for after in (peak, power)]
        print(line.format(name, kind, *cells))

    print(line.format(*head))
    for row in rows:
        show(*row)
    for kind in [*NOISES, "all"]:
        chosen = [row for row in rows if kind in (row[1], "all")]
        show("mean", kind, *(np.mean([row[at] for row in chosen], axis=0) for at in (2, 3, 4)))
    goals = []
    for which, measure_name in enumerate(("STOI", "ESTOI")):
        for at, column in (("at one peak", 3), ("at one power", 4)):
            gains = {kind: [] for kind in NOISES}
            for row in rows:
                gains[row[1]].append(row[column][which] - row[2][which])
            each = np.concatenate(list(gains.values()))
            worst = min(float(np.mean(values)) for values in gains.values())
            print(f"{measure_name} {at}: better in {np.sum(each > 0)} of {len(each)}, by {np.mean(each):+.3f}")
            name = f"{measure_name} after minus before, {at}, in the noise where it is least"
            goals.append((name, worst, measure_name, "> 0", worst > 0))
    at_peak = np.array([row[3] - row[2] for row in rows])
    share = float(np.mean((at_peak > 0).all(axis=1)))
    name = "share of sounds and noises that are better by both, at one peak"
    goals.append((name, share, "ratio", ">= 0.9", share >= 0.9))
    print(
        json.dumps(
            {
                "bench": "intelligibility",
                "goals": [
                    {"name": name, "value": round(value, 4), "unit": unit, "goal": goal, "met": bool(met)}
                    for name, value, unit, goal, met in goals
                ],
            }
        )
    )


main()
