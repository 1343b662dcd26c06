/** Says when the live connection is lost and when it is back; the browser itself keeps trying. */
export function liveState(root) {
  const note = root.getElementById("live-note");
  if (!note) return;
  root.addEventListener("htmx:sseError", () => {
    note.textContent = note.dataset.lost;
    note.hidden = false;
  });
  root.addEventListener("htmx:sseOpen", () => {
    note.textContent = "";
    note.hidden = true;
  });
}
