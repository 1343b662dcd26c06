/**
 * Findings of the text check: a press on one selects its stretch of the text, and Enter in its field adds the word.
 *
 * Places are those of the last check. Where the text has changed since, the nearest stretch that says the same is taken.
 */
export function showFindings(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-from]");
    if (!button) return;
    const area = root.getElementById(button.dataset.in);
    const from = nearest(area.value, button.dataset.written, Number(button.dataset.from));
    if (from < 0) return;
    area.setSelectionRange(from, from + button.dataset.written.length);
    // Browsers bring a selection into view when the field gets the focus.
    area.blur();
    area.focus();
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("[data-say] input")) return;
    event.preventDefault();
    event.target.closest("[data-say]").querySelector("button").click();
  });
}

/** Where `written` stands in `text` nearest to `from`; -1: nowhere. */
function nearest(text, written, from) {
  const before = text.lastIndexOf(written, from);
  const after = text.indexOf(written, from);
  if (before < 0 || after < 0) return Math.max(before, after);
  return from - before < after - from ? before : after;
}
