import { Level } from "./level.js";
import { extension, missing, NoMicrophone, open, record } from "./microphone.js";
import { send } from "./send.js";
import { dropTakes, Takes } from "./takes.js";
import { wholePart } from "./whole.js";

/** Seconds that are counted before a take begins. */
const COUNT_IN_S = 3;
/** How long to wait before a take that found no server is sent again, in milliseconds. */
const RETRY_MS = 15_000;

/**
 * The recorder of the page that makes a recording.
 *
 * ```text
 * idle ─ start ─> asking ─ allowed ─> counting ─> recording <─> paused
 *   ^               │ refused            │            │ stop, limit, unplugged
 *   └───────────────┴───── cancel ───────┘            v
 *   counting <──────────── again ─────────────────  taken ─ use ─> sending ─> the bulletin's page
 *                                                     ^               │ nobody answered, refused
 *                                                     └── unsent <────┘
 * ```
 *
 * A take is on this computer until the server has it (see takes.js). Without a microphone the form's file remains.
 */
export function recorder(root) {
  // Whoever signs out leaves the computer to others.
  root.addEventListener("submit", (event) => {
    if (window.indexedDB && new URL(event.target.action).pathname === "/sign-out") dropTakes();
  });
  const form = root.querySelector("form[data-recording]");
  if (form) new Recorder(root, form);
}

const clock = (ms) => `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

class Recorder {
  #state = "idle";
  #stream = null;
  #level = null;
  #recorder = null;
  #take = null;
  #timers = [];
  /** Whether the take is in the browser's database as well, so that nothing is lost with the page. */
  #isKept = true;
  /** Rises with each start and cancel: what was awaited for an earlier one is dropped. */
  #turn = 0;

  constructor(root, form) {
    this.form = form;
    this.box = root.getElementById("recorder");
    this.part = (name) => this.box.querySelector(`[data-${name}]`);
    this.text = (key) => this.box.querySelector(`[data-text="record-${key}"]`).textContent;
    this.owner = root.getElementById("form-note").dataset.owner;
    this.max_ms = Number(this.box.dataset.maxMinutes) * 60_000;
    this.max_bytes = Number(this.box.dataset.maxBytes);
    this.box.hidden = false;
    this.#offerWords(root);
    form.addEventListener("submit", (event) => this.#submit(event));
    const unable = missing();
    this.resting = unable ? "unable" : "idle";
    this.#show(this.resting);
    if (unable) {
      this.#trouble(this.text(unable));
      return;
    }
    this.takes = new Takes(`${this.owner}:${new URL(form.action).pathname}`);
    for (const button of this.box.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this[button.dataset.do]());
    }
    addEventListener("beforeunload", (event) => {
      const isAtWork = ["counting", "recording", "paused", "sending"].includes(this.#state);
      const isLost = !this.#isKept && ["taken", "unsent"].includes(this.#state);
      if (isAtWork || isLost) event.preventDefault();
    });
    addEventListener("online", () => this.#state === "unsent" && this.isWaiting && this.#send());
    this.#restore();
  }

  /** What is read in Vietnamese is the bulletin's own text, until somebody writes other words. */
  #offerWords(root) {
    const { language, transcript } = this.form.elements;
    const own = root.getElementById("bulletin-text");
    const update = () => {
      const isOwn = transcript.value === "" || transcript.value === own?.textContent;
      if (own && isOwn) transcript.value = language.value === "vi" ? own.textContent : "";
      transcript.lang = language.value;
    };
    language.addEventListener("change", update);
    update();
  }

  #show(state) {
    this.#state = state;
    this.box.dataset.state = state;
    this.box.classList.toggle("is-reading", ["counting", "recording", "paused"].includes(state));
    const pressed = this.box.contains(document.activeElement) ? document.activeElement : null;
    for (const part of this.box.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").includes(state);
    }
    this.part("listen").hidden = !this.#take;
    document.getElementById("file-part").hidden = this.#take !== null || !["idle", "unable", "sending"].includes(state);
    this.form.querySelector("[data-send]").disabled = ["asking", "counting", "recording", "paused", "sending"].includes(state);
    this.part("status").textContent = ["unable", "counting"].includes(state) ? "" : this.text(state);
    // The button that was pressed is gone: the next one is at hand for a keyboard.
    if (pressed?.hidden) this.box.querySelector("button:not([hidden])")?.focus({ preventScroll: state === "recording" });
  }

  #trouble(text, link) {
    const [note, anchor] = [this.part("trouble"), this.part("trouble-link")];
    this.part("trouble-text").textContent = text;
    note.hidden = text === "";
    anchor.hidden = !link;
    if (link) [anchor.textContent, anchor.href] = [this.text(link[0]), link[1]];
  }

  #fields() {
    const { language, transcript, speaker, speaker_place } = this.form.elements;
    return { language: language.value, transcript: transcript.value, speaker: speaker.value, speaker_place: speaker_place.value };
  }

  async #restore() {
    const turn = this.#turn;
    const kept = await this.takes.get(Date.now()).catch(() => null);
    if (!kept || turn !== this.#turn) return;
    // Language and words are those of the take, whatever the address or the bulletin offered.
    for (const [name, value] of Object.entries(kept.fields)) {
      if (value) this.form.elements[name].value = value;
    }
    this.form.elements.transcript.lang = this.form.elements.language.value;
    // Of a take that came to its end, its length is known.
    this.#take = kept.heard_ms ? kept : { ...kept, blob: await wholePart(kept.blob) };
    this.#listen();
    this.#show("taken");
    this.part("status").textContent = this.text("restored");
  }

  async start() {
    const turn = ++this.#turn;
    this.#trouble("");
    this.#show("asking");
    try {
      const stream = await open();
      if (turn !== this.#turn) return stop(stream);
      this.#stream = stream;
    } catch (error) {
      if (turn !== this.#turn) return;
      if (!(error instanceof NoMicrophone)) throw error;
      this.#show("idle");
      this.#trouble(this.text(error.message));
      return;
    }
    // A telephone must not fall asleep in the middle.
    const lock = await navigator.wakeLock?.request("screen").catch(() => null);
    if (turn !== this.#turn) {
      lock?.release();
      return;
    }
    this.lock = lock;
    this.#watch();
    this.#show("counting");
    this.#showWords();
    for (let left = COUNT_IN_S; left > 0; left -= 1) {
      this.part("count").textContent = left;
      await new Promise((done) => this.#timers.push(setTimeout(done, 1_000)));
      if (turn !== this.#turn) return;
    }
    await this.#begin();
  }

  /** Where the recorder lies below the words, they come into sight: those in the language, or else the bulletin's own. */
  #showWords() {
    if (getComputedStyle(this.box).position !== "fixed") return;
    const { transcript } = this.form.elements;
    const own = document.getElementById("bulletin-text");
    (transcript.value === "" && own ? own : transcript).scrollIntoView({ block: "start" });
  }

  again() {
    return this.start();
  }

  cancel() {
    this.#turn += 1;
    this.#close();
    this.#show(this.#take ? "taken" : "idle");
  }

  discard() {
    this.#take = null;
    this.#trouble("");
    this.takes.drop().catch(() => {});
    this.#show("idle");
  }

  #watch() {
    const [meter, word] = [this.part("level"), this.part("level-word")];
    this.#level = new Level(this.#stream, {
      onlevel: (dbfs) => {
        meter.value = dbfs;
      },
      onword: (name) => {
        word.textContent = this.text(`level-${name}`);
        meter.title = word.textContent;
      },
      onsilence: (isSilent) => this.#state === "recording" && this.#trouble(isSilent ? this.text("no-sound") : ""),
    });
    const [track] = this.#stream.getAudioTracks();
    track.addEventListener("ended", () => {
      if (["recording", "paused"].includes(this.#state)) {
        this.stop();
        this.#trouble(this.text("unplugged"));
      }
    });
  }

  async #begin() {
    const [pieces, turn] = [[], this.#turn];
    let [heard_ms, since] = [0, performance.now()];
    const unkept = () => {
      this.#isKept = false;
      this.#trouble(this.text("full"));
    };
    const elapsed = () => heard_ms + (this.#state === "recording" ? performance.now() - since : 0);
    this.pausing = () => {
      heard_ms = elapsed();
      since = performance.now();
    };
    this.#recorder = record(this.#stream, {
      onpiece: (blob) => {
        pieces.push(blob);
        if (this.#isKept) this.takes.add(pieces.length, blob).catch(unkept);
      },
      onend: (failed) => {
        if (turn !== this.#turn) return;
        const isHeard = this.#level.isHeard;
        this.#close();
        if (failed || pieces.length === 0) {
          this.#show("idle");
          this.#trouble(this.text("failed"));
          return;
        }
        const known = { heard_ms: this.length_ms, isHeard, fields: this.#fields() };
        if (this.#isKept) this.takes.note(known).catch(unkept);
        this.#take = { ...known, blob: new Blob(pieces, { type }), type };
        this.#listen();
        this.#show("taken");
        if (this.isLimit) this.part("status").textContent = this.text("limit");
        if (!isHeard) this.#trouble(this.text("no-sound"));
        else if (!this.#isKept) this.#trouble(this.text("full"));
      },
    });
    const type = this.#recorder.mimeType;
    this.#level.restart();
    this.#take = null;
    this.isLimit = false;
    this.#isKept = true;
    await this.takes.begin(type, Date.now()).catch(unkept);
    this.#show("recording");
    this.takes.note({ fields: this.#fields() }).catch(() => {});
    const tick = () => {
      this.length_ms = elapsed();
      this.part("time").textContent = clock(this.length_ms);
      if (this.length_ms >= this.max_ms) {
        this.isLimit = true;
        this.stop();
      }
    };
    tick();
    this.#timers.push(setInterval(tick, 200));
  }

  pause() {
    this.pausing();
    this.#recorder.pause();
    this.#show("paused");
  }

  resume() {
    this.#recorder.resume();
    this.pausing();
    this.#show("recording");
  }

  stop() {
    if (this.#recorder?.state !== "inactive") this.#recorder?.stop();
  }

  /** Lets go of the microphone. */
  #close() {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    this.#level?.close();
    if (this.#stream) stop(this.#stream);
    this.lock?.release();
    [this.#level, this.#stream, this.#recorder, this.lock] = [null, null, null, null];
  }

  #listen() {
    const player = this.part("listen");
    if (player.src) URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(this.#take.blob);
    this.part("length").textContent = this.#take.heard_ms ? clock(this.#take.heard_ms) : "";
  }

  #submit(event) {
    const file = this.form.elements.recording;
    if (!this.#take && file.files.length === 0) return;
    // guardForms marks forms as sent; this one stays.
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#send();
  }

  async #send() {
    if (this.#state === "sending") return;
    clearTimeout(this.retry);
    this.isWaiting = false;
    const data = new FormData(this.form);
    const take = this.#take;
    if (take) {
      data.delete("recording");
      data.append("recording", take.blob, `thu-am.${extension(take.type)}`);
      this.takes.note({ fields: this.#fields() }).catch(() => {});
    }
    this.#trouble("");
    const sound = data.get("recording");
    if (sound.size > this.max_bytes) {
      // The server would hang up on it in the middle, which looks like a dead network.
      this.#show(take ? "unsent" : this.resting);
      this.#trouble(this.text("too-large"));
      return;
    }
    const percent = (now) => {
      this.part("progress").value = now;
      this.part("percent").textContent = now;
    };
    percent(0);
    this.#show("sending");
    const { status, problem } = await send(this.form.dataset.recording, data.get("csrf"), data, percent);
    if (status === 201) {
      if (take) await this.takes.drop().catch(() => {});
      this.#state = "sent";
      location.assign(this.form.dataset.back);
      return;
    }
    this.#show(take ? "unsent" : this.resting);
    this.#refused(status, problem);
  }

  #refused(status, problem) {
    const here = `${location.pathname}${location.search}`;
    if (status === 401 || problem?.code === "csrf.missing") {
      this.#trouble(this.text("signed-out"), ["sign-in", `/sign-in?next=${encodeURIComponent(here)}`]);
    } else if (status === 409 && problem?.code !== "bulletin.stale") {
      // What was handed in takes no sound until it is opened again; the take waits here for that.
      const kept = this.#take && this.#isKept ? ` ${this.text("kept")}` : "";
      this.#trouble(`${problem?.detail ?? this.text("refused")}${kept}`, ["bulletin", this.form.dataset.back]);
    } else if (status === 409) {
      this.#trouble(this.text("stale"), ["reload", here]);
    } else if (status >= 400 && status < 500) {
      const why = problem?.errors?.map((error) => error.message) ?? [];
      this.#trouble(`${this.text("refused")} ${why.length > 0 ? why.join(" ") : (problem?.detail ?? status)}`);
    } else {
      this.#trouble(this.text("unreachable"));
      this.isWaiting = true;
      if (this.#take) this.retry = setTimeout(() => this.#state === "unsent" && this.#send(), RETRY_MS);
    }
  }
}

const stop = (stream) => {
  for (const track of stream.getTracks()) track.stop();
};
