/** How long the server may take to say that it is there, in milliseconds. */
const REACH_MS = 8_000;

/** One press, one request; and text that was typed is not lost by a slip, nor sent where nobody answers. */
export function guardForms(root) {
  let typed = null;

  root.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-keep]");
    if (form) typed = form;
  });

  root.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent === "yes") {
      event.preventDefault();
      return;
    }
    if (form.matches("[data-keep]") && form.dataset.sent !== "reached") {
      // A browser that gets no answer shows a page of its own in place of the text.
      event.preventDefault();
      mark(form);
      if (!(await isReachable())) {
        unmark(form);
        sayUnreachable(root.getElementById("form-note"), form);
        return;
      }
      form.dataset.sent = "reached";
      form.requestSubmit(event.submitter);
      return;
    }
    mark(form);
    if (form === typed) typed = null;
  });

  // The back button shows the page as it was left, with its forms marked as sent.
  addEventListener("pageshow", () => {
    for (const form of root.querySelectorAll("form[data-sent]")) unmark(form);
  });

  addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });

  // Filters apply when a choice is made; the button stays for those without script.
  root.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-apply]");
    if (form && event.target.matches("select, input[type=date]")) form.requestSubmit();
  });
}

const buttons = (form) => form.querySelectorAll("button:not([type=button])");

function mark(form) {
  form.dataset.sent = "yes";
  for (const button of buttons(form)) button.classList.add("is-sent");
}

function unmark(form) {
  delete form.dataset.sent;
  for (const button of buttons(form)) button.classList.remove("is-sent");
}

/** Whether the server answers at all; what it answers is for the form to find out. */
async function isReachable() {
  try {
    await fetch("/account", { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(REACH_MS) });
    return true;
  } catch {
    return false;
  }
}

function sayUnreachable(note, form) {
  note.textContent = note.dataset.unreachable;
  note.hidden = false;
  (form.querySelector(".form-foot") ?? form.lastElementChild).before(note);
  note.focus();
  // Still typed, and not sent.
  form.dispatchEvent(new Event("input", { bubbles: true }));
}
