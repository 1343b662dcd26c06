/**
 * Takes that the server does not have yet, in the browser's own database: they outlive a closed tab, a dead battery and a
 * dead network. Pieces are written as they come, so that a tab that is closed in the middle loses two seconds.
 *
 * A take belongs to one person and one bulletin, and the next take in its place replaces it. The speaker's consent is
 * never kept: whoever sends an old take has to mean it anew.
 */
const DAY_MS = 86_400_000;
/** How long a take that nobody sent is kept. */
const KEPT_MS = 14 * DAY_MS;

const answer = (request) =>
  new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });

export class Takes {
  #opened;

  /** `key` names whose take of what it is. */
  constructor(key) {
    this.key = key;
    const opening = indexedDB.open("takes", 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("takes", { keyPath: "key" });
      opening.result.createObjectStore("pieces", { keyPath: ["key", "number"] });
    };
    this.#opened = answer(opening).then((database) => {
      // Whoever signs out in another tab has the takes removed, which waits until nobody holds them open.
      database.onversionchange = () => database.close();
      return database;
    });
    // Each use tells of a database that cannot be opened; by itself it is no fault of the page.
    this.#opened.catch(() => {});
  }

  async #within(mode, work) {
    const database = await this.#opened;
    const transaction = database.transaction(["takes", "pieces"], mode);
    const ended = new Promise((done, failed) => {
      transaction.oncomplete = () => done();
      transaction.onabort = () => failed(transaction.error);
    });
    const result = await work(transaction.objectStore("takes"), transaction.objectStore("pieces"));
    await ended;
    return result;
  }

  #range(key = this.key) {
    return IDBKeyRange.bound([key, 0], [key, Infinity]);
  }

  /** Begins a take, in place of the one before. */
  begin(type, at) {
    return this.#within("readwrite", (takes, pieces) => {
      pieces.delete(this.#range());
      return answer(takes.put({ key: this.key, type, at, heard_ms: 0, isHeard: false, fields: {} }));
    });
  }

  /** Adds a piece of sound, the `number`th. */
  add(number, blob) {
    return this.#within("readwrite", (_, pieces) => answer(pieces.put({ key: this.key, number, blob })));
  }

  /** Notes what is known of the take besides its sound. */
  note(known) {
    return this.#within("readwrite", async (takes) => {
      const take = await answer(takes.get(this.key));
      if (take) await answer(takes.put({ ...take, ...known }));
    });
  }

  /** The take that is kept, with its sound as one blob; `null` where there is none. */
  async get(now) {
    await this.#within("readwrite", async (takes, pieces) => {
      for (const take of await answer(takes.getAll())) {
        if (now - take.at < KEPT_MS) continue;
        takes.delete(take.key);
        pieces.delete(this.#range(take.key));
      }
    });
    return this.#within("readonly", async (takes, pieces) => {
      const take = await answer(takes.get(this.key));
      if (!take) return null;
      const parts = await answer(pieces.getAll(this.#range()));
      if (parts.length === 0) return null;
      return { ...take, blob: new Blob(parts.map((part) => part.blob), { type: take.type }) };
    });
  }

  /** Forgets the take. */
  drop() {
    return this.#within("readwrite", (takes, pieces) => {
      pieces.delete(this.#range());
      return answer(takes.delete(this.key));
    });
  }
}

/** Forgets every take: whoever signs out leaves the computer to others. */
export function dropTakes() {
  indexedDB.deleteDatabase("takes");
}
