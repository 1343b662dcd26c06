/** How long nothing may move before a try is given up, in milliseconds. */
const STALL_MS = 30_000;

/**
 * Sends a form with its file; `onpercent` tells how far it is. Gives `{ status, problem }`: the answer's status, 0 when
 * nobody answered, and the problem document of a refusal. `fetch` cannot tell how far a request is.
 */
export function send(url, token, data, onpercent) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STALL_MS);
    };
    const end = () => {
      clearTimeout(timer);
      const isProblem = request.getResponseHeader("content-type")?.startsWith("application/problem+json");
      done({ status: request.status, problem: isProblem ? JSON.parse(request.responseText) : null });
    };
    request.upload.addEventListener("progress", (event) => {
      alive();
      onpercent(Math.floor((100 * event.loaded) / event.total));
    });
    request.addEventListener("loadend", end);
    request.open("POST", url);
    request.setRequestHeader("x-csrf-token", token);
    request.setRequestHeader("accept-language", document.documentElement.lang);
    alive();
    request.send(data);
  });
}
