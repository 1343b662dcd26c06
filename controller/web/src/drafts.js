/**
 * What is being typed into a form with data-keep stays in the tab's own storage until the server has it: it outlives a
 * dead network, a server that restarts, a page of errors, and a reload. Hidden fields that say what the person had before
 * them are kept with it, so that nobody's later work is overwritten unseen.
 */
const PREFIX = "draft:";

export function keepDrafts(root) {
  const note = root.getElementById("form-note");
  if (!note) return;
  owner = note.dataset.owner;
  if (owner) for (const [name] of all()) if (!name.startsWith(`${PREFIX}${owner}:`)) sessionStorage.removeItem(name);
  const tried = arrive(root.querySelector("[data-saved]") !== null);
  for (const form of root.querySelectorAll("form[data-keep]")) {
    const draft = read(form);
    if (draft && give(form, draft)) offerToDrop(note, form, draft);
  }
  root.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-keep]");
    if (form) write(form, false);
  });
  root.addEventListener("submit", (event) => {
    if (event.target.matches("form[data-keep]")) write(event.target, true);
  });
  root.addEventListener("submit", (event) => {
    if (new URL(event.target.action).pathname === "/sign-out") for (const [name] of all()) sessionStorage.removeItem(name);
  });
  const back = root.querySelector("[data-draft-back]");
  if (back && tried) {
    back.querySelector("a").href = tried.page;
    back.hidden = false;
  }
}

/** Whose drafts they are: a tab may be shared. */
let owner = "";
const key = (form) => `${PREFIX}${owner}:${new URL(form.action).pathname}`;

function all() {
  const keys = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
  return keys.map((name) => [name, JSON.parse(sessionStorage.getItem(name))]);
}

/** What became of the draft that the page before sent: it is dropped where the server has it. Gives it where not. */
function arrive(isSaved) {
  const sent = all().find(([, draft]) => draft.sent);
  if (!sent) return null;
  const [name, draft] = sent;
  if (isSaved) sessionStorage.removeItem(name);
  else sessionStorage.setItem(name, JSON.stringify({ ...draft, sent: false }));
  return draft;
}

function read(form) {
  const text = sessionStorage.getItem(key(form));
  return text && JSON.parse(text);
}

function write(form, sent) {
  const fields = [...new FormData(form)].filter(([name, value]) => name !== "csrf" && typeof value === "string");
  try {
    sessionStorage.setItem(key(form), JSON.stringify({ fields, sent, page: location.href, at: Date.now() }));
  } catch {
    // No room: the text is on the page, and leaving it asks first.
  }
}

/**
 * Puts a draft into its form; gives whether that changed what a person sees there. A form that already shows all of the
 * draft is the server's answer to it: then the hidden fields are the server's, and the draft takes them over.
 */
function give(form, draft) {
  const values = (name) => draft.fields.filter(([field]) => field === name).map(([, value]) => value);
  const plain = (text) => text.replaceAll("\r\n", "\n");
  const isChoice = (field) => ["checkbox", "radio"].includes(field.type);
  const fields = [...form.elements].filter(
    (field) => field.name && field.name !== "csrf" && field.type !== "submit" && field.type !== "file",
  );
  const changed = fields.some((field) => {
    const typed = values(field.name);
    if (field.type === "hidden") return false;
    if (isChoice(field)) return field.checked !== typed.includes(field.value);
    return typed.length > 0 && plain(field.value) !== plain(typed[0]);
  });
  if (!changed) {
    write(form, false);
    return false;
  }
  for (const field of fields) {
    const typed = values(field.name);
    if (isChoice(field)) field.checked = typed.includes(field.value);
    else if (typed.length > 0) [field.value] = typed;
  }
  form.closest("details")?.setAttribute("open", "");
  return true;
}

function offerToDrop(note, form, draft) {
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "btn btn-sm";
  drop.textContent = note.dataset.drop;
  drop.addEventListener("click", () => {
    sessionStorage.removeItem(key(form));
    form.removeAttribute("data-keep");
    location.reload();
  });
  note.replaceChildren(`${note.dataset.restored} ${time.format(draft.at)}. `, drop);
  note.hidden = false;
  form.prepend(note);
  form.dispatchEvent(new Event("input", { bubbles: true }));
}
