/**
 * Buttons that put a command of the mark-up into the text: around what is selected, else at the cursor, which then stands
 * inside.
 *
 * `insertText` is the one way in which browsers keep the field's own undo; `setRangeText` serves where it is not there.
 */
export function insertButtons(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert-in]");
    if (!button) return;
    const area = root.getElementById(button.dataset.insertIn);
    const { before, after = "" } = button.dataset;
    const from = area.selectionStart;
    // A double click takes the space behind the word with it on some systems; it stays outside.
    const to = from + area.value.slice(from, area.selectionEnd).trimEnd().length;
    const chosen = after ? area.value.slice(from, to) : "";
    const text = before + chosen + after;
    area.focus();
    // A command without an inside comes behind what is selected.
    area.setSelectionRange(after ? from : to, to);
    if (!root.execCommand("insertText", false, text)) {
      area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const start = after ? from : to;
    const cursor = chosen || !after ? start + text.length : start + before.length;
    area.setSelectionRange(cursor, cursor);
  });
}
