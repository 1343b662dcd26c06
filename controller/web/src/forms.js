/** One press, one request; and text that was typed is not lost by a slip. */
export function guardForms(root) {
  let typed = null;

  root.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-keep]");
    if (form) typed = form;
  });

  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    if (form === typed) typed = null;
    for (const button of form.querySelectorAll("button:not([type=button])")) button.classList.add("is-sent");
  });

  // The back button shows the page as it was left, with its forms marked as sent.
  addEventListener("pageshow", () => {
    for (const form of root.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll(".is-sent")) button.classList.remove("is-sent");
    }
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
