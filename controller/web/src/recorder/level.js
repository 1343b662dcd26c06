/** How often the level is looked at, in milliseconds. */
const PERIOD_MS = 100;
/** Below this a microphone is muted or missing: rooms are not so quiet. In dB of full scale. */
export const SILENT_DBFS = -60;
/** Below this a voice is too far away. */
const QUIET_DBFS = -40;
/** Above this peaks are cut off. */
const LOUD_DBFS = -1.5;
/** For how long nothing is heard before it is told. */
const SILENT_MS = 2_000;
/** A word stays for at least so long: a screen reader has to get to its end. */
const WORD_MS = 1_500;

const dbfs = (amplitude) => 20 * Math.log10(Math.max(amplitude, 1e-6));

/**
 * Watches how loud a microphone is. `onlevel(dbfs)` ten times a second; `onword(word)` when the level has another name
 * (`silent`, `quiet`, `good`, `loud`); `onsilence(isSilent)` when nothing was heard for two seconds, and when something is
 * again.
 */
export class Level {
  #context = new AudioContext();
  #timer = 0;
  #word = "";
  #worded_at = -Infinity;
  #heard_at;
  #silent = false;
  /** Whether anything was heard at all. */
  isHeard = false;

  constructor(stream, { onlevel, onword, onsilence }) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 8192;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#heard_at = performance.now();
    let held = SILENT_DBFS;
    // Not with the frames of the screen: a hidden page has none.
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      let [sum, peak] = [0, 0];
      for (const sample of samples) {
        sum += sample * sample;
        peak = Math.max(peak, Math.abs(sample));
      }
      const level = dbfs(Math.sqrt(sum / samples.length));
      const now = performance.now();
      // Falls slowly: between two words nobody has become too quiet.
      held = Math.max(level, held - 1.5);
      onlevel(Math.max(level, SILENT_DBFS));
      if (level >= SILENT_DBFS) {
        this.#heard_at = now;
        this.isHeard = true;
      }
      const silent = now - this.#heard_at >= SILENT_MS;
      if (silent !== this.#silent) {
        this.#silent = silent;
        onsilence(silent);
      }
      const word = dbfs(peak) >= LOUD_DBFS ? "loud" : held < SILENT_DBFS ? "silent" : held < QUIET_DBFS ? "quiet" : "good";
      if (word !== this.#word && now - this.#worded_at >= WORD_MS) {
        this.#word = word;
        this.#worded_at = now;
        onword(word);
      }
    }, PERIOD_MS);
  }

  /** From now on it is listened for a voice; before, nobody had to speak. */
  restart() {
    this.#heard_at = performance.now();
    this.#silent = false;
    this.isHeard = false;
  }

  close() {
    clearInterval(this.#timer);
    this.#context.close();
  }
}
