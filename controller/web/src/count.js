/** A textarea with data-counter="id" keeps that element's data-count part at its length in characters. */
export function countText(root) {
  for (const area of root.querySelectorAll("textarea[data-counter]")) {
    const shown = root.getElementById(area.dataset.counter);
    const number = new Intl.NumberFormat(root.documentElement.lang);
    const update = () => {
      const length = [...area.value.normalize("NFC")].length;
      shown.textContent = number.format(length);
      shown.classList.toggle("text-danger", length > Number(area.dataset.limit));
    };
    area.addEventListener("input", update);
    update();
  }
}
