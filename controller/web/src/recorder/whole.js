const [SEGMENT, CLUSTER] = [0x18538067, 0x1f43b675];

/**
 * The part of a WebM recording that is whole. A tab that dies leaves the last element cut in two, and a server takes such a
 * file for a broken upload. Other containers are handed out in whole fragments, and are given as they are.
 */
export async function wholePart(blob) {
  if (!blob.type.startsWith("audio/webm")) return blob;
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let at = 0;
  for (let next = 0; next !== null && next <= bytes.length; next = after(bytes, at)) at = next;
  return blob.slice(0, at, blob.type);
}

/** Where the element after the one at `at` begins; `null` where there is no whole header. Segments and clusters are entered. */
function after(bytes, at) {
  const id = vint(bytes, at);
  const size = id && vint(bytes, at + id.length);
  if (!size) return null;
  const content = at + id.length + size.length;
  if (id.value === SEGMENT || id.value === CLUSTER) return content;
  return content + (size.value - 2 ** (7 * size.length));
}

/** A number whose first byte tells its length by its leading zeros, with that mark left in it. */
function vint(bytes, at) {
  const length = Math.clz32(bytes[at] ?? 0) - 23;
  if (at + length > bytes.length || length > 8) return null;
  let value = 0;
  for (let i = 0; i < length; i += 1) value = value * 256 + bytes[at + i];
  return { value, length };
}
