import htmx from "htmx.org";
import { Stream } from "./stream.js";

/**
 * The page's live stream: parts that the server sends again when they have changed.
 *
 * What the person does is not undone by it: a part that is already as it came is left alone (a recording plays on), text
 * that is being typed is carried over into the fresh part, and so are the focus and what is unfolded. Text whose field is
 * gone, since somebody else was quicker, is shown beside the news instead of being dropped. A part with a form that was
 * refused ([data-refused]) stays: what is wrong with it was said by the page alone.
 */
export function liveParts(root) {
  const note = root.getElementById("live-note");
  if (!note) return;
  const say = (text) => {
    note.textContent = text;
    note.hidden = text === "";
  };
  htmx.createEventSource = (url) => new Stream(url, () => say(note.dataset.over));
  root.addEventListener("htmx:sseError", () => say(note.dataset.lost));
  root.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) say(note.dataset.over);
  });
  root.addEventListener("htmx:sseOpen", () => {
    if (note.textContent === note.dataset.lost) say("");
  });

  const carried = new WeakMap();
  root.addEventListener("htmx:sseBeforeMessage", (event) => {
    const part = event.target;
    if (part.querySelector("[data-refused]") || isAlready(part, event.detail.data)) event.preventDefault();
    else carried.set(part, take(root, part));
  });
  root.addEventListener("htmx:sseMessage", (event) => {
    const part = event.target;
    const left = give(part, carried.get(part));
    carried.delete(part);
    if (left.length > 0) say(`${note.dataset.left} ${left.map((text) => `“${text}”`).join(" ")}`);
  });
}

/** Whether a part shows what `html` says, save for white space between elements. */
function isAlready(part, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const plain = (text) => text.replace(/\s+/g, " ").replace(/> | </g, (match) => match.trim()).trim();
  return plain(template.innerHTML) === plain(part.innerHTML);
}

/** What the person has done in a part: texts by the id of their field, ids of what is unfolded, and the focus. */
function take(root, part) {
  const fields = part.querySelectorAll('textarea, input:not([type]), input[type="text"]');
  const typed = [...fields].filter((field) => field.value !== field.defaultValue);
  const focused = part.contains(root.activeElement) ? root.activeElement : null;
  return {
    texts: typed.map((field) => [field.id, field.value]),
    unfolded: [...part.querySelectorAll("details[open][id]")].map((details) => details.id),
    focus: focused && selectorOf(focused),
    selection: focused && "selectionStart" in focused ? [focused.selectionStart, focused.selectionEnd] : null,
  };
}

/** Gives it back, and the texts that found no field. */
function give(part, had) {
  if (!had) return [];
  const byId = (id) => [...part.querySelectorAll("[id]")].find((element) => element.id === id);
  for (const id of had.unfolded) byId(id)?.setAttribute("open", "");
  const left = [];
  for (const [id, text] of had.texts) {
    const field = byId(id);
    if (field) field.value = text;
    else left.push(text);
  }
  const focused = had.focus && part.querySelector(had.focus);
  focused?.focus({ preventScroll: true });
  if (focused && had.selection?.[0] != null) focused.setSelectionRange(...had.selection);
  return left;
}

function selectorOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const href = element.getAttribute("href");
  if (href) return `a[href="${CSS.escape(href)}"]`;
  const action = element.closest("form")?.getAttribute("action");
  return action ? `form[action="${CSS.escape(action)}"] button` : null;
}
