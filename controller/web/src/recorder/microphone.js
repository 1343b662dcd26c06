/** Bits of coded sound in a second: enough for a voice to be a source of data, and 20 MB in half an hour. */
const BITS_PER_SECOND = 96_000;
/** How often a piece is handed out, in milliseconds. */
const PIECE_MS = 2_000;
const TYPES = [
  ["audio/webm;codecs=opus", "webm"],
  ["audio/ogg;codecs=opus", "ogg"],
  ["audio/mp4", "m4a"],
];

/** Why the microphone cannot be had: a key of the page's texts. */
export class NoMicrophone extends Error {}

/** What is missing for a recording in this browser at this address; `null` when nothing is. */
export function missing() {
  if (!isSecureContext) return "insecure";
  if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === "undefined" || !window.indexedDB) return "unable";
  return TYPES.some(([type]) => MediaRecorder.isTypeSupported(type)) ? null : "unable";
}

/**
 * Opens the microphone as it is. What browsers do to voices is made for conversations: echo cancelling cuts into speech when
 * a room is loud, noise suppression swallows soft consonants and tones of languages that it never heard, gain control makes
 * breath as loud as words. The server masters with measured rules, and the data set wants the voice as it was.
 */
export async function open() {
  const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new NoMicrophone(["NotAllowedError", "SecurityError"].includes(error.name) ? "denied" : "no-microphone");
  }
}

/** Extension of a recording's file name by its type. */
export const extension = (type) => TYPES.find(([known]) => known.split(";")[0] === type.split(";")[0])?.[1] ?? "webm";

/** Codes a stream: `onpiece(blob)` every two seconds and at the end, then `onend(failed)`. */
export function record(stream, { onpiece, onend }) {
  const [mimeType] = TYPES.find(([type]) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
  let failed = false;
  recorder.ondataavailable = (event) => event.data.size > 0 && onpiece(event.data);
  recorder.onerror = () => {
    failed = true;
  };
  recorder.onstop = () => onend(failed);
  recorder.start(PIECE_MS);
  return recorder;
}
