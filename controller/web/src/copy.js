/** Buttons with data-copy="id" put that element's text on the clipboard, and say so. */
export function copyButtons(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = root.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.querySelector("[data-copy-label]").textContent = button.dataset.copied;
    } catch {
      // No clipboard without HTTPS: select the text, so that Ctrl+C takes it.
      getSelection().selectAllChildren(source);
    }
  });
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}
