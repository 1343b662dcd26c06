/**
 * A date field shows its date as the browser's own language does, which may be month first. Below it, the
 * date is said in the page's language, with its weekday.
 */
export function sayDates(root) {
  const long = new Intl.DateTimeFormat(root.documentElement.lang === "vi" ? "vi-VN" : "en-GB", {
    weekday: "long",
    day: "2-digit",
    month: "2-digit",
    year: "numeric",
    timeZone: "UTC",
  });
  for (const field of root.querySelectorAll("input[data-say-date]")) {
    const said = root.getElementById(field.dataset.sayDate);
    const update = () => {
      said.textContent = field.valueAsDate ? long.format(field.valueAsDate) : "";
    };
    field.addEventListener("input", update);
    update();
  }
}
