/** How long to wait before asking a server again that refused, in milliseconds: twice as long each time. */
const RETRY_MS = [5_000, 60_000];
/** How long a page may be hidden before its connection is closed, in milliseconds. */
const HIDDEN_MS = 10_000;

/**
 * A stream of events that outlives its connection, for htmx in place of EventSource.
 *
 * Browsers open six connections at a time to one server, and people leave pages open: a hidden page holds none, and asks
 * for what has changed when it is looked at. A server that refuses (EventSource then gives up) is asked again; only the
 * end of the session ends the stream, with `onover`.
 */
export class Stream {
  #source = null;
  #listeners = [];
  #retry_ms = RETRY_MS[0];
  #timer = 0;
  #hidden_timer = 0;
  #ended = false;

  constructor(url, onover) {
    this.url = url;
    this.onover = onover;
    this.onopen = null;
    this.onerror = null;
    document.addEventListener("visibilitychange", () => this.#seen());
    // htmx sets its handlers after this; no event comes before.
    this.#connect();
  }

  /** For htmx, it is never closed: it comes back by itself. */
  get readyState() {
    return EventSource.OPEN;
  }

  addEventListener(name, listener) {
    this.#listeners.push([name, listener]);
    this.#source?.addEventListener(name, listener);
  }

  removeEventListener(name, listener) {
    this.#listeners = this.#listeners.filter((known) => known[0] !== name || known[1] !== listener);
    this.#source?.removeEventListener(name, listener);
  }

  close() {
    this.#ended = true;
    this.#disconnect();
  }

  #connect() {
    if (this.#ended || this.#source) return;
    const source = new EventSource(this.url);
    this.#source = source;
    for (const [name, listener] of this.#listeners) source.addEventListener(name, listener);
    source.onopen = (event) => {
      this.#retry_ms = RETRY_MS[0];
      this.onopen?.(event);
    };
    source.onerror = (event) => {
      if (source !== this.#source) return;
      this.onerror?.(event);
      if (source.readyState === EventSource.CLOSED) this.#refused();
    };
  }

  #disconnect() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  async #refused() {
    this.#disconnect();
    if (await isSignedOut()) {
      this.#ended = true;
      this.onover();
      return;
    }
    this.#timer = setTimeout(() => this.#connect(), this.#retry_ms);
    this.#retry_ms = Math.min(2 * this.#retry_ms, RETRY_MS[1]);
  }

  #seen() {
    clearTimeout(this.#hidden_timer);
    if (document.visibilityState === "hidden") this.#hidden_timer = setTimeout(() => this.#disconnect(), HIDDEN_MS);
    else this.#connect();
  }
}

/** Whether the session is over: pages then lead to the door. A server that does not answer says nothing about it. */
async function isSignedOut() {
  try {
    const answer = await fetch("/account", { method: "HEAD", redirect: "manual" });
    return answer.type === "opaqueredirect";
  } catch {
    return false;
  }
}
